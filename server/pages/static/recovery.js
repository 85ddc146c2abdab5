// The buttons that download and print the recovery codes.

import { texts } from './texts.js'

const download = document.getElementById('download')
const print = document.getElementById('print')

const codes = [...document.querySelectorAll('#codes li')].map(code => code.textContent)
const whose = document.getElementById('whose').textContent
const say = texts(download)
const text = [say('title') + ' ' + whose + '.', say('once'), '', ...codes, ''].join('\n')

download.href = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }))
download.hidden = false

print.addEventListener('click', () => window.print())
print.hidden = false
