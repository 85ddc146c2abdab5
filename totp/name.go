package totp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the most characters that an issuer or an account may have.
const MaxName = 128

// ParseName checks the name of an issuer or an account: 1 to MaxName printable
// characters of valid UTF-8, no space at either end. Joiners and the marks of
// right-to-left scripts count as printable; the controls that reorder
// surrounding text do not.
func ParseName(s string) (string, error) {
	if s == "" {
		return "", errors.New("is empty")
	}
	if !utf8.ValidString(s) {
		return "", errors.New("is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(s); n > MaxName {
		return "", fmt.Errorf("has %d characters: want at most %d", n, MaxName)
	}
	if strings.TrimSpace(s) != s {
		return "", errors.New("begins or ends with a space")
	}
	for _, r := range s {
		if !printable(r) {
			return "", fmt.Errorf("contains %U, which is not printable", r)
		}
	}
	return s, nil
}

func printable(r rune) bool {
	switch r {
	case utf8.RuneError: // what decoders make of anything that is not a character
		return false
	case '\u200c', '\u200d', '\u200e', '\u200f', '\u061c': // ZWNJ, ZWJ, LRM, RLM, ALM
		return true
	}
	return unicode.IsPrint(r)
}

// ParseNewName checks a name that is about to be given to an issuer, or to an account
// beside its issuer. It refuses what ParseName refuses, and what people would take for
// another name or for none: a name that begins or ends with a character that shows
// nothing, or begins with a character that combines with the one before. It also refuses a
// colon, because the Key Uri Format keeps it for the separator of issuer and account. A
// name that is in use already needs ParseName alone.
func ParseNewName(s string) (string, error) {
	if _, err := ParseName(s); err != nil {
		return "", err
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, size := utf8.DecodeLastRuneInString(s)
	before, _ := utf8.DecodeLastRuneInString(s[:len(s)-size])
	switch {
	case strings.Contains(s, ":"):
		return "", errors.New("contains a colon")
	case invisible(first):
		return "", fmt.Errorf("begins with %U, which shows nothing", first)
	case unicode.IsMark(first):
		return "", fmt.Errorf("begins with %U, which combines with the character before it", first)
	case invisible(last) && !(unicode.Is(unicode.Variation_Selector, last) && unicode.IsSymbol(before)): // an emoji's
		return "", fmt.Errorf("ends with %U, which shows nothing", last)
	}
	return s, nil
}

// SplitName parts the name of a stored account into an issuer and an account, as in
// GitHub:alice. ok reports whether the name has one colon with a valid name on either
// side.
func SplitName(name string) (issuer, account string, ok bool) {
	issuer, account, _ = strings.Cut(name, ":")
	_, issuerErr := ParseName(issuer)
	_, accountErr := ParseName(account)
	if issuerErr != nil || accountErr != nil || strings.Contains(account, ":") {
		return "", "", false
	}
	return issuer, account, true
}

// QuoteName returns a name for people to read, in double quotes, with Go's escapes for
// quotes, backslashes and characters that show nothing. It takes any text.
func QuoteName(name string) string {
	quoted := strconv.Quote(name)
	var b strings.Builder
	for i, r := range quoted {
		if invisible(r) || i == 1 && unicode.IsMark(r) {
			escaped := strconv.QuoteToASCII(string(r))
			b.WriteString(escaped[1 : len(escaped)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// invisible reports whether r shows nothing, or a blank that is no space. Unicode has no
// property for the blanks that are symbols or letters.
func invisible(r rune) bool {
	switch r {
	case '\u2800', '\U0001d159', '\U00013441', '\U00013442': // Braille, musical and hieroglyphic blanks
		return true
	}
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
