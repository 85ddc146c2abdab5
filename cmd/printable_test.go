package cmd

import "testing"

func TestATextForATerminalHasNothingThatItObeys(t *testing.T) {
	for text, want := range map[string]string{
		"plain ü\n\tx":             "plain ü\n\tx",
		"\x1b[31mred":              `\x1b[31mred`,
		"c1 \u009b31m":             `c1 \u009b31m`,
		"raw \x9b31m":              `raw \x9b31m`,
		"exe\u202egpj.txt":         `exe\u202egpj.txt`,
		"a\rb\x7f\x00":             `a\x0db\x7f\x00`,
		"\u200fעברית":              "\u200fעברית",
		`C:\Users\me "x" \u009b`:   `C:\Users\me "x" \u009b`,
		"line\u2028end and \ufffd": `line\u2028end and \ufffd`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
