// The prototype's page: it sends a code with the bearer and shows the verdict.

import { texts } from './texts.js'

const toastTime = 2000 // milliseconds
const answerTime = 15000

const element = id => document.getElementById(id)
const ask = element('ask')
const validate = element('validate')
const code = element('totp')
const say = texts(validate)
const input = element('bearer')
const button = validate.querySelector('button')

// Servers that share a host by path have a bearer each.
const name = 'totpctl bearer ' + location.pathname

let bearer = stored()
let busy = false
let waiting // the timer of a countdown

function stored () {
  try {
    return sessionStorage.getItem(name) ?? localStorage.getItem(name)
  } catch { // storage is blocked: the bearer lasts as long as the page
    return null
  }
}

function store (value, onDevice) {
  bearer = value
  try {
    sessionStorage.removeItem(name)
    localStorage.removeItem(name)
    if (value !== null) (onDevice ? localStorage : sessionStorage).setItem(name, value)
  } catch {}
}

function onDevice () {
  try {
    return localStorage.getItem(name) !== null
  } catch {
    return false
  }
}

function show () {
  ask.hidden = bearer !== null
  validate.hidden = element('kept').hidden = bearer === null
  element('where').textContent = say(onDevice() ? 'kept' : 'kept-tab')
  update()
}

function update () {
  button.disabled = waiting !== undefined || tidy(code.value) === ''
  button.setAttribute('aria-busy', busy)
  if (waiting === undefined) element('action').textContent = say(busy ? 'validating' : 'validate')
}

// As totp.Tidy: without spaces, dashes and what shows nothing, and in ASCII digits.
function tidy (text) {
  return text.replace(/[\p{White_Space}\p{Pd}\p{Cf}\u2212\u30fc]/gu, '').replace(/\p{Nd}/gu, asciiDigit)
}

// Unicode has the decimal digits of a script in order, from zero on.
function asciiDigit (digit) {
  let before = 0
  while (/\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0) - before - 1))) before++
  return before % 10
}

// Only what is said first is announced, not what ticks. The field at fault, if
// any, is marked.
function problem (text, field) {
  element('problem').textContent = element('alert').textContent = text
  element('problem').hidden = text === ''
  for (const f of [code, input]) f.setAttribute('aria-invalid', f === field)
}

let toastTimer
function toast (text, color) {
  const t = document.createElement('p')
  t.className = 'toast ' + color
  t.textContent = text
  element('toasts').replaceChildren(t)
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => t.remove(), toastTime)
}

// From 120 seconds on in minutes, rounded up, as the server says it.
function duration (seconds) {
  return seconds < 120 ? say('seconds', { n: seconds }) : say('minutes', { n: Math.ceil(seconds / 60) })
}

function countDown (seconds) {
  const end = Date.now() + seconds * 1000
  const text = left => say('throttled', { time: duration(left) })
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000)
    if (left > 0) {
      element('problem').textContent = text(left)
      element('action').textContent = say('wait', { n: left })
      return
    }
    clearInterval(waiting)
    waiting = undefined
    problem('')
    element('alert').textContent = say('again')
    update()
  }
  problem(text(seconds))
  clearInterval(waiting)
  waiting = setInterval(tick, 250) // the text changes with the second, also after the device has slept
  tick()
  update()
}

function refuseBearer (text) {
  store(null)
  show()
  problem(text, input)
  input.focus()
}

function showVerdict (verdict) {
  if (verdict.status === true) {
    code.value = ''
    toast(say('ok'), 'primary')
  } else if (verdict.status !== false) {
    problem(say('no-verdict'))
  } else if (verdict.reason === 'throttled') {
    countDown(verdict.retry_after || 1)
  } else {
    problem(say(verdict.reason, { n: Number(validate.dataset.digits) }), code)
    toast(say('not-valid'), 'danger')
    code.select()
    if (verdict.retry_after > 0) countDown(verdict.retry_after)
  }
}

async function send (value) {
  const response = await fetch('check/' + encodeURIComponent(value), {
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + bearer },
    cache: 'no-store',
    redirect: 'error', // a bearer is for this server alone
    signal: AbortSignal.timeout(answerTime)
  })
  if (response.ok) return showVerdict(await response.json().catch(() => ({})))
  switch (response.status) {
    case 401: return refuseBearer(say('unknown-bearer'))
    case 403: return refuseBearer(say('wrong-scope'))
    case 503: return problem(say('unavailable'))
  }
  problem(say('error', { status: response.status }))
}

ask.addEventListener('submit', event => {
  event.preventDefault()
  const value = input.value.trim()
  if (!/^[!-~]+$/.test(value)) return problem(say('odd-bearer'), input)
  store(value, element('keep').checked)
  ask.reset()
  problem('')
  show()
  code.focus()
})

validate.addEventListener('submit', async event => {
  event.preventDefault()
  const value = tidy(code.value)
  if (busy || button.disabled) return
  problem('')
  if (!/^[0-9]+$/.test(value)) return showVerdict({ status: false, reason: 'malformed' })
  busy = true
  update()
  try {
    await send(value)
  } catch {
    problem(say('no-answer'))
  }
  busy = false
  update()
})

code.addEventListener('input', update)
element('forget').addEventListener('click', () => {
  store(null)
  problem('')
  show()
  input.focus()
})

show()
