// Copies text, and says so for a while.

const sayTime = 4000 // milliseconds

let timer

// copy puts text on the clipboard. status then says what say has for "done". Where that is
// forbidden, the text's element is selected and status has what say has for "selected".
export async function copy (text, element, status, say) {
  status.textContent = say(await write(text, element) ? 'done' : 'selected')
  clearTimeout(timer)
  timer = setTimeout(() => { status.textContent = '' }, sayTime)
}

// Browsers have navigator.clipboard on HTTPS and loopback alone.
async function write (text, element) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection().selectAllChildren(element)
    return document.execCommand('copy')
  }
}
