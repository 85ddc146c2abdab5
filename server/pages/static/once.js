// Sends each form once. The second request of a double click would find the code used up, and
// its answer is what the browser shows.

const pageTime = 10000 // milliseconds in which a form is not sent again
const fileTime = 1000 // the same, of a form whose answer is a file: its page stays

const sent = new Set()

for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener('submit', event => {
    if (sent.has(form)) return event.preventDefault()
    sent.add(form)
    setTimeout(() => sent.delete(form), 'file' in form.dataset ? fileTime : pageTime)
  })
}

addEventListener('pageshow', () => sent.clear()) // Back shows the page again
