package authenticator

import "testing"

func TestTextIsAsWideAsATerminalDrawsIt(t *testing.T) {
	for text, want := range map[string]int{
		"":             0,
		"alice":        5,
		"é":            1,
		"e\u0301":      1, // combining acute
		"東京":           4,
		"ｱ":            1, // halfwidth
		"Ａ":            2, // fullwidth
		"😀":            2,
		"🇩🇪":           2,
		"한":            2,
		"\u1112\u1161": 2, // the same in conjoining jamo
		"שלום":         4,
		"नि":           2, // a vowel sign beside its consonant
		"…":            1,
	} {
		if got := cells(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}

func TestWhatIsTooWideIsCutWithAnEllipsis(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want string
	}{
		{"alice", 5, "alice"},
		{"alice", 4, "ali…"},
		{"alice", 1, "…"},
		{"alice", 0, ""},
		{"東京都", 6, "東京都"},
		{"東京都", 5, "東京…"},
		{"東京都", 4, "東…"}, // the second one would be cut in two
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		if got := cut(test.text, test.most); got != test.want {
			t.Errorf("%q in %d columns is %q, want %q", test.text, test.most, got, test.want)
		}
		if got := cells(filled(test.text, test.most)); got != test.most {
			t.Errorf("%q is filled to %d columns, want %d", test.text, got, test.most)
		}
	}
}
