// The button that copies the secret, without the spaces that it is shown with, and
// the form that sends its code once.

import { texts } from './texts.js'

const secret = document.getElementById('secret')
const button = document.getElementById('copy')
const copied = document.getElementById('copied')

if (secret !== null) {
  const say = texts(button)
  const text = secret.textContent.replace(/\s/g, '')

  // Whoever selects the secret gets it without spaces, too.
  secret.addEventListener('copy', event => {
    const selected = getSelection().toString().replace(/\s/g, '')
    event.clipboardData.setData('text/plain', selected)
    event.preventDefault()
  })

  button.addEventListener('click', async () => {
    copied.textContent = say(await copy(text) ? 'done' : 'selected')
  })
  button.hidden = false
}

// The page that Back shows again can send another code.
const form = document.querySelector('#try form')
const send = form?.querySelector('button')
form?.addEventListener('submit', () => { send.disabled = true })
addEventListener('pageshow', () => { if (send) send.disabled = false })

// Browsers have navigator.clipboard on HTTPS and loopback alone.
async function copy (text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection().selectAllChildren(secret)
    return document.execCommand('copy')
  }
}
