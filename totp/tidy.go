package totp

import (
	"strings"
	"unicode"
)

// TidyCode returns the ASCII digits of a code as people type and paste it: digits of
// any script, such as full-width or Arabic-Indic ones, with spaces, dashes and
// characters that show nothing between and around them. Any other text it returns as
// it is. Whether the digits are a code is Key.IsCode's to say.
func TidyCode(s string) string {
	digits := Tidy(s)
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return s
	}
	return digits
}

// Tidy returns a text without the spaces, dashes and characters that show nothing that
// come with typing and pasting, and with each decimal digit of any script as the ASCII
// digit of its value.
func Tidy(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && r > ' ' && r != '-':
			return r
		case r == '\u2212', r == '\u30fc': // the minus sign, and the long vowel that a Japanese keyboard has for "-"
			return -1
		case unicode.IsSpace(r), unicode.In(r, unicode.Zs, unicode.Pd, unicode.Cf):
			return -1
		}
		return asciiDigit(r)
	}, s)
}

// asciiDigit returns r itself if it is no decimal digit. Unicode has the decimal digits
// of a script in order of their values, from zero on (The Unicode Standard, section
// 4.6).
func asciiDigit(r rune) rune {
	if !unicode.IsDigit(r) {
		return r
	}
	first := r // of the digits in a row, each ten of which begin with a zero
	for unicode.IsDigit(first - 1) {
		first--
	}
	return '0' + (r-first)%10
}
