package totp_test

import (
	"testing"
	"unicode"

	"totpctl/totp"
)

func TestTidyCodeReturnsDigitsAndLeavesAllElseAlone(t *testing.T) {
	for in, want := range map[string]string{
		"123456":                         "123456",
		"123 456":                        "123456",
		"123-456":                        "123456",
		"12 34 56 78":                    "12345678",
		"123\u00a0456":                   "123456",
		"123\u202f456":                   "123456",
		"123\u3000456":                   "123456", // ideographic space
		"123\u200b456":                   "123456", // zero-width space
		"\ufeff123456":                   "123456", // byte order mark
		"\u202a123 456\u202c":            "123456", // marks of direction
		"\u00a0 123456\t\r\n":            "123456",
		" 123 - 456 ":                    "123456",
		"-123456-":                       "123456",
		"123\u2010456":                   "123456", // hyphen
		"123\u2011456":                   "123456", // no-break hyphen
		"123\u2013456":                   "123456", // en dash
		"123\u2014456":                   "123456", // em dash
		"123\u2212456":                   "123456", // minus sign
		"123\uff0d456":                   "123456", // full-width hyphen
		"123\u30fc456":                   "123456", // Japanese long vowel
		"123\u00ad456":                   "123456", // soft hyphen
		"\uff11\uff12\uff13":             "123",    // full-width
		"\u0661\u0662\u0663 456":         "123456", // Arabic-Indic
		"\u06f4\u06f5\u06f6":             "456",    // Persian
		"\u0967\u0968\u0969":             "123",    // Devanagari
		"\U0001d7ce\U0001d7d9\U0001d7ff": "019",    // mathematical, five sets in a row
		"":                               "",
		"  ":                             "  ",
		"-":                              "-",
		"12a 456":                        "12a 456",
		" abc ":                          " abc ",
		"ABCD-EFGH":                      "ABCD-EFGH",
		"123.456":                        "123.456",
		"+123456":                        "+123456",
		"\u4e00\u4e8c\u4e09":             "\u4e00\u4e8c\u4e09", // Chinese numerals are no decimal digits
		"\u00b2\u00b3":                   "\u00b2\u00b3",       // superscripts
		"123\x00456":                     "123\x00456",
		"123\xff 456":                    "123\xff 456",
	} {
		if got := totp.TidyCode(in); got != want {
			t.Errorf("TidyCode(%q) = %q, want %q", in, got, want)
		}
	}
}

// What asciiDigit takes for granted of a later Unicode.
func TestDecimalDigitsStandInOrderFromZero(t *testing.T) {
	for _, r := range unicode.Nd.R16 {
		if r.Stride != 1 || (r.Hi-r.Lo+1)%10 != 0 {
			t.Errorf("%U to %U by %d", r.Lo, r.Hi, r.Stride)
		}
	}
	for _, r := range unicode.Nd.R32 {
		if r.Stride != 1 || (r.Hi-r.Lo+1)%10 != 0 {
			t.Errorf("%U to %U by %d", r.Lo, r.Hi, r.Stride)
		}
	}
}
