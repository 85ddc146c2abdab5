package authenticator

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// cells returns how many columns of a terminal a text takes: two for a character of East
// Asian width W or F (Unicode UAX #11), none for one that combines with the character
// before. Terminals differ on emoji of several characters, so nothing may depend on
// cells alone: see row.
func cells(text string) (n int) {
	for _, r := range text {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r >= ' ' && r <= '~':
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1160 && r <= 0x11ff: // Hangul vowels and finals
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

const ellipsis = "…"

// cut returns a text in at most that many columns, and with an ellipsis where
// something is left out.
func cut(text string, most int) string {
	switch {
	case cells(text) <= most:
		return text
	case most < 1:
		return ""
	}
	taken, room := 0, most-1
	for i, r := range text {
		if room -= runeCells(r); room < 0 {
			break
		}
		taken = i + len(string(r))
	}
	return text[:taken] + ellipsis
}

// filled returns a text cut and followed by spaces, in that many columns.
func filled(text string, columns int) string {
	text = cut(text, columns)
	return text + strings.Repeat(" ", columns-cells(text))
}

// leftward reports whether a text has letters of a script that runs from right to left
// (the blocks that Unicode's DerivedBidiClass.txt reserves for the classes R and AL).
func leftward(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return r >= 0x0590 && r <= 0x08ff || r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfeff ||
			r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff
	})
}
