package cmd

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable returns text with escapes for what a terminal would obey instead of showing it:
// control characters but line ends and tabs, what reorders the text around it, and bytes that
// are no UTF-8. File names may have all of them.
func printable(text string) string {
	if strings.IndexFunc(text, obeyed) < 0 {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch _, size := utf8.DecodeRuneInString(text[i:]); {
		case r == utf8.RuneError && size == 1, r < utf8.RuneSelf && obeyed(r):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case obeyed(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func obeyed(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case utf8.RuneError, '\u2028', '\u2029':
		return true
	case '\u200e', '\u200f', '\u061c': // marks, which names in right-to-left scripts need
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}
