// The buttons that copy, print and download the recovery codes.

import { texts } from './texts.js'
import { copy } from './copy.js'

const element = id => document.getElementById(id)
const say = texts(element('keep'))

const list = element('codes')
const codes = [...list.querySelectorAll('li')].map(code => code.textContent)
const head = [say('title', { whose: element('whose').textContent }), element('made').textContent, say('once')]
const text = [...head, '', ...codes, ''].join('\n')

element('copy').addEventListener('click', () => copy(codes.join('\n'), list, element('copied'), say))
element('copy').hidden = false

element('print').addEventListener('click', () => window.print())
element('print').hidden = false

element('download').href = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }))
element('download').hidden = false
