// The page that checks codes: it sends a code with the access key and shows the verdict.

import { texts } from './texts.js'
import { countDown, duration } from './wait.js'

const toastTime = 2000 // milliseconds
const answerTime = 15000

const element = id => document.getElementById(id)
const ask = element('ask')
const validate = element('validate')
const account = element('account')
const code = element('totp')
const input = element('bearer')
const button = validate.querySelector('button')
const say = texts(validate)

// Servers that share a host by path have a key each.
const keyName = 'totpctl bearer ' + location.pathname
const accountName = 'totpctl account ' + location.pathname

let bearer = stored(keyName)
let busy = false
let stopWaiting // ends a countdown
let recovery = false // the field is for a recovery code
let unanswered // the attempt that got no answer

function stored (name) {
  try {
    return sessionStorage.getItem(name) ?? localStorage.getItem(name)
  } catch { // storage is blocked: what is kept lasts as long as the page
    return null
  }
}

function store (name, value, onDevice) {
  try {
    sessionStorage.removeItem(name)
    localStorage.removeItem(name)
    if (value !== null) (onDevice ? localStorage : sessionStorage).setItem(name, value)
  } catch {}
}

function keep (value, onDevice) {
  bearer = value
  store(keyName, value, onDevice)
  if (value === null) store(accountName, null)
}

function onDevice () {
  try {
    return localStorage.getItem(keyName) !== null
  } catch {
    return false
  }
}

function show () {
  ask.hidden = bearer !== null
  validate.hidden = element('kept').hidden = element('switch').hidden = bearer === null
  element('where').textContent = say(onDevice() ? 'kept' : 'kept-tab')
  update()
}

function update () {
  button.disabled = stopWaiting !== undefined || tidy(code.value) === ''
  for (const form of [ask, validate]) form.querySelector('button').setAttribute('aria-busy', busy)
  if (stopWaiting === undefined) element('action').textContent = say(busy ? 'checking' : 'check')
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
// any, is marked and described.
function problem (text, field) {
  element('problem').textContent = element('alert').textContent = text
  element('problem').hidden = text === ''
  element('good').hidden = true
  for (const f of [account, code, input]) {
    f.setAttribute('aria-invalid', f === field)
    describe(f, f === field)
  }
}

function describe (field, atFault) {
  const ids = [field === input && 'bearer-hint', atFault && 'alert'].filter(Boolean)
  if (ids.length > 0) field.setAttribute('aria-describedby', ids.join(' '))
  else field.removeAttribute('aria-describedby')
}

// The toast is gone soon; this stays.
function good (text) {
  element('good').textContent = element('alert').textContent = text
  element('good').hidden = false
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

function clear () {
  clearTimeout(toastTimer)
  element('toasts').replaceChildren()
  problem('')
}

function wait (seconds) {
  stopWaiting?.()
  const text = left => say('for', { time: duration(left, say) })
  problem(text(seconds))
  stopWaiting = () => {}
  stopWaiting = countDown(seconds, left => {
    element('problem').textContent = text(left)
    element('action').textContent = say('button', { n: left })
  }, () => {
    stopWaiting = undefined
    problem('')
    element('alert').textContent = say('over')
    update()
  })
  update()
}

function refuseKey (text) {
  keep(null)
  show()
  problem(text, input)
  input.focus()
}

function accept (verdict, attempt) {
  const time = new Date().toLocaleTimeString(document.documentElement.lang)
  code.value = ''
  code.blur() // so that a phone's keyboard does not cover the toast
  toast(say('ok'), 'primary')
  if (attempt.recovery_code !== undefined) good(say('recovery-good', { n: verdict.recovery_codes_left ?? 0 }))
  else good(attempt.account ? say('good-of', { account: '\u2068' + attempt.account + '\u2069', time }) : say('good', { time }))
}

// What a page of ours says for a reason.
function why (verdict, attempt) {
  if (attempt.recovery_code !== undefined && verdict.reason === 'invalid') return say('recovery-bad')
  if (verdict.reason !== 'malformed') return say(verdict.reason)
  if (recovery) return say('not-recovery')
  return attempt.account ? say('malformed-any') : say('malformed', { n: Number(validate.dataset.digits) })
}

function showVerdict (verdict, attempt) {
  if (verdict.status === true) {
    accept(verdict, attempt)
  } else if (verdict.status !== false) {
    problem(say('no-verdict'))
  } else if (verdict.reason === 'throttled') {
    wait(verdict.retry_after || 1)
  } else {
    toast(say('not-valid'), 'danger')
    if (verdict.retry_after > 0) return wait(verdict.retry_after)
    problem(why(verdict, attempt), code)
    code.select()
  }
}

function call (path, key, options) {
  return fetch(path, {
    ...options,
    headers: { Authorization: 'Bearer ' + key, ...options.headers },
    cache: 'no-store',
    redirect: 'error', // a key is for this server alone
    signal: AbortSignal.timeout(answerTime)
  })
}

// An answer that breaks off is none: read then throws. An answer of another service is
// empty.
async function read (response) {
  const text = await response.text()
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

// Says why there is no verdict.
function explain (status, fault) {
  if (status === 401) return refuseKey(say('unknown-key'))
  if (status === 503) return problem(say('why'))
  if (fault === 'no_account') return problem(say('no-account'), account)
  if (fault === 'bad_account') return problem(say('bad-account'), account)
  problem(say('error', { status }))
}

// The same attempt again, after no answer, gets the verdict of the first.
function idempotencyKey (body) {
  if (unanswered?.body !== body) {
    unanswered = { body, key: Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('') }
  }
  return unanswered.key
}

async function send (attempt) {
  const body = JSON.stringify(attempt)
  const response = await call('check', bearer, { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey(body) } })
  const answer = await read(response)
  unanswered = undefined
  if (response.ok || response.status === 429) return showVerdict(answer, attempt)
  explain(response.status, answer.code)
}

// A recovery code is known by its letters, wherever it is typed.
function attemptOf (value) {
  const attempt = {}
  if (/^[0-9]+$/.test(value)) attempt.code = value
  else if (/^(?:[a-z2-7]{24}|[a-z2-7]{26})$/i.test(value)) attempt.recovery_code = value
  if (account.value.trim() !== '') attempt.account = account.value.trim()
  return attempt
}

async function whileBusy (work) {
  busy = true
  update()
  try {
    await work()
  } catch {
    problem(say('no-answer'))
  }
  busy = false
  update()
}

// The server tells what a key is good for. One that can do more than check codes is not
// kept: whoever picks up the phone would have it.
async function enter (value) {
  const response = await call('scope', value, {})
  const { scope, code: fault } = await read(response)
  if (response.status === 401) return problem(say('unknown-key'), input)
  if (scope === undefined) return response.ok ? problem(say('no-verdict')) : explain(response.status, fault)
  if (scope !== 'check') return problem(say('admin-key'), input)
  keep(value, element('keep').checked)
  ask.reset()
  show()
  code.focus()
}

ask.addEventListener('submit', event => {
  event.preventDefault()
  const value = input.value.trim()
  if (busy) return
  clear()
  if (!/^[!-~]+$/.test(value)) return problem(say('odd-key'), input)
  whileBusy(() => enter(value))
})

validate.addEventListener('submit', event => {
  event.preventDefault()
  const attempt = attemptOf(tidy(code.value))
  if (busy || button.disabled) return
  clear()
  if (attempt.code === undefined && attempt.recovery_code === undefined) return showVerdict({ status: false, reason: 'malformed' }, attempt)
  whileBusy(() => send(attempt))
})

function forgetGood () {
  if (element('good').hidden) return
  element('good').hidden = true
  element('alert').textContent = ''
}

code.addEventListener('input', () => {
  forgetGood()
  update()
})
account.addEventListener('input', () => {
  forgetGood()
  store(accountName, account.value.trim() || null, onDevice())
})

element('forget').addEventListener('click', () => {
  keep(null)
  account.value = ''
  clear()
  show()
  input.focus()
})

element('other').addEventListener('click', () => {
  recovery = !recovery
  element('code-label').textContent = say(recovery ? 'recovery-code' : 'code')
  element('other').textContent = say(recovery ? 'use-code' : 'use-recovery')
  element('other-hint').textContent = say(recovery ? 'hint-code' : 'hint-recovery')
  code.inputMode = recovery ? 'text' : 'numeric'
  code.autocomplete = recovery ? 'off' : 'one-time-code'
  code.value = ''
  clear()
  update()
  code.focus()
})

account.value = new URLSearchParams(location.search).get('account') ?? stored(accountName) ?? ''
show()
