// The button that copies a link, and times in the browser's zone.

import { texts } from './texts.js'

const link = document.getElementById('link')
const button = document.getElementById('copy')
const copied = document.getElementById('copied')

// copy reports whether the link is on the clipboard; otherwise it is selected. Browsers have
// navigator.clipboard on HTTPS and loopback alone.
async function copy () {
  try {
    await navigator.clipboard.writeText(link.textContent)
    return true
  } catch {
    getSelection().selectAllChildren(link)
    return document.execCommand('copy')
  }
}

if (button !== null) {
  const say = texts(button)
  button.addEventListener('click', async () => {
    copied.textContent = say(await copy() ? 'done' : 'selected')
  })
  button.hidden = false
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
