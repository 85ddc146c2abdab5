// The button that copies the secret, without the spaces that it is shown with; the form,
// which sends its code once and counts a wait down; and what older browsers lack.

import { texts } from './texts.js'
import { copy } from './copy.js'
import { countDown, describe, duration } from './wait.js'

const secret = document.getElementById('secret')
const copyButton = document.getElementById('copy')
const form = document.querySelector('#try form')
const send = form.querySelector('button')
const said = texts(send)

// Whoever selects the secret gets it without spaces, too.
secret.addEventListener('copy', event => {
  event.clipboardData.setData('text/plain', getSelection().toString().replace(/\s/g, ''))
  event.preventDefault()
})

copyButton.addEventListener('click', () => {
  copy(secret.textContent.replace(/\s/g, ''), secret, document.getElementById('copied'), texts(copyButton))
})
copyButton.hidden = false

// The style sheet cannot open a fold in browsers without ::details-content.
if (!CSS.supports('selector(::details-content)')) {
  for (const fold of document.querySelectorAll('details')) fold.open = true
}

// The server's time, in the browser's zone.
for (const time of document.querySelectorAll('time')) {
  time.textContent = new Date(time.dateTime).toLocaleTimeString(document.documentElement.lang)
}

// The page that Back shows again can send another code.
let waiting = false
form.addEventListener('submit', event => {
  if (waiting) return event.preventDefault()
  send.disabled = true
})
addEventListener('pageshow', () => { send.disabled = waiting })

const wait = Number(send.dataset.wait ?? 0)
if (wait > 0) {
  const label = send.textContent
  const field = document.getElementById('code')
  const result = document.getElementById('result')
  const described = describe(field, result)
  waiting = send.disabled = true
  countDown(wait, left => {
    document.getElementById('wait').textContent = said('for', { time: duration(left, said) })
    send.textContent = said('button', { n: left })
    described()
  }, () => {
    waiting = send.disabled = false
    send.textContent = label
    // What else is said of the code stays: its person may have gone to set the phone's clock.
    document.getElementById('wait').remove()
    result.hidden = true
    described() // without the wait, though the field has the focus
    result.hidden = result.textContent.trim() === ''
    if (result.hidden) field.removeAttribute('aria-invalid')
    described()
    document.getElementById('over').textContent = said('over')
  })
}
