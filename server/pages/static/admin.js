// The button that copies a link, waits that are counted down, and times in the browser's zone.

import { texts } from './texts.js'
import { copy } from './copy.js'
import { countDown, describe, duration } from './wait.js'

const button = document.getElementById('copy')

if (button !== null) {
  const link = document.getElementById('link')
  const say = texts(button)
  button.addEventListener('click', () => copy(link.textContent, link, document.getElementById('copied'), say))
  button.hidden = false
}

for (const left of document.querySelectorAll('[data-left]')) {
  const say = texts(document.querySelector('main'))
  const whole = left.closest('.waits, .verdict') ?? left
  const field = document.querySelector('[aria-describedby="why"]')
  const described = field !== null && whole.id === 'why' ? describe(field, whole) : () => {}
  countDown(Number(left.dataset.left), seconds => {
    left.textContent = duration(seconds, say)
    described()
  }, () => {
    whole.hidden = true
    described()
    const over = document.getElementById('over')
    if (over !== null) over.textContent = say('over')
  })
}

const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' })
for (const time of document.querySelectorAll('time')) {
  const local = format.format(new Date(time.dateTime))
  if (time.classList.contains('moment')) {
    time.removeAttribute('dir')
    time.textContent = local
  } else {
    time.title = local
  }
}
