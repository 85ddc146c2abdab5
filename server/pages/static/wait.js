// Waits, as the server's pages tell them.

// duration says seconds with their unit: from 120 on in minutes, rounded up.
export function duration (seconds, say) {
  return seconds < 120 ? say('seconds', { n: seconds }) : say('minutes', { n: Math.ceil(seconds / 60) })
}

// describe describes a field by what is told of a wait. It returns a function to call after
// each change. The description keeps still while the field has the focus, because screen
// readers say each change of it then.
export function describe (field, told) {
  const copy = document.createElement('span')
  copy.id = told.id + '-copy'
  copy.hidden = true
  told.after(copy)
  field.setAttribute('aria-describedby', copy.id)
  const look = () => {
    if (told.hidden) copy.textContent = ''
    else if (copy.textContent === '' || document.activeElement !== field) copy.textContent = told.textContent.trim()
  }
  look()
  return look
}

// countDown calls tick with the seconds that are left, now and whenever they change, also
// after the device has slept. At the end it calls done. It returns a function that ends it
// before.
export function countDown (seconds, tick, done) {
  const end = Date.now() + seconds * 1000
  let told
  const look = () => {
    const left = Math.ceil((end - Date.now()) / 1000)
    if (left <= 0) {
      clearInterval(timer)
      done()
    } else if (left !== told) {
      told = left
      tick(left)
    }
  }
  const timer = setInterval(look, 250)
  look()
  return () => clearInterval(timer)
}
