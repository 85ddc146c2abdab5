package totp

import (
	"strconv"
	"strings"
	"testing"
)

func TestANewNameShowsSomethingAtBothEnds(t *testing.T) {
	for _, name := range []string{
		"a", "ACME", "a b", "(default", "名前", "עברית", "می\u200cخواهم", "👩\u200d💻", "❤\ufe0f", "cafe\u0301", "हिन्दी", "~", ".", "1\ufe0f\u20e3",
	} {
		if _, err := ParseNewName(name); err != nil {
			t.Errorf("%q %v", name, err)
		}
	}
	for _, name := range []string{
		"", " ", " a", "a ", "\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\u200d", "\u200c", "\u200e\u200f", "\u034f", "\ufe0f",
		"\u0301", "\u0301\u0301", "\u0301a", "\u200da", "a\u200d", "a\u200c", "a\u200f", "\u061ca", "a\ufe0f", "é\ufe0f", "a\u3164", "\u3164a", "\u2800\u2800",
		"a\u034f", "\U0001d159", "\U00013441", "a\U000e0101", "\u17b4", "\u180b", "\u00ad", "\u202ea", "a:b", ":", "a\x00", "\xff",
	} {
		if _, err := ParseNewName(name); err == nil {
			t.Errorf("%+q is taken for a new name", name)
		}
	}
}

func TestANameWithOneColonHasAnIssuerOfItsOwn(t *testing.T) {
	for name, want := range map[string][2]string{
		"GitHub:alice": {"GitHub", "alice"}, "A B:c d": {"A B", "c d"}, "名:前": {"名", "前"}, "a:\u3164": {"a", "\u3164"},
	} {
		if issuer, account, ok := SplitName(name); !ok || issuer != want[0] || account != want[1] {
			t.Errorf("%q is issuer %q, account %q, %v", name, issuer, account, ok)
		}
	}
	for _, name := range []string{"", "alice", ":", ":alice", "GitHub:", "a:b:c", "a::b", "GitHub: alice", "GitHub :alice", "a：b"} {
		if issuer, account, ok := SplitName(name); ok || issuer != "" || account != "" {
			t.Errorf("%q is issuer %q, account %q, %v, want none", name, issuer, account, ok)
		}
	}
}

func TestAQuotedNameShowsAllThatIsInIt(t *testing.T) {
	for name, want := range map[string]string{
		"alice": `"alice"`, "GitHub:é 名": `"GitHub:é 名"`, `a"\`: `"a\"\\"`, "": `""`, "cafe\u0301": "\"cafe\u0301\"",
		"a\u3164": `"a\u3164"`, "\u2800": `"\u2800"`, "a\u200db": `"a\u200db"`, "\u0301": `"\u0301"`, "\x1b[2Ja\u009b": `"\x1b[2Ja\u009b"`,
		"a\U000e0101": `"a\U000e0101"`, "\u202e": `"\u202e"`, "\xff\n": `"\xff\n"`,
	} {
		if got := QuoteName(name); got != want {
			t.Errorf("%+q is quoted as %+q, want %+q", name, got, want)
		}
	}
}

func FuzzQuoteName(f *testing.F) {
	f.Add("a\u3164\x1b\xff\"")
	f.Fuzz(func(t *testing.T, name string) {
		quoted := QuoteName(name)
		if back, err := strconv.Unquote(quoted); err != nil || back != name {
			t.Errorf("%+q is quoted as %+q and read as %+q, %v", name, quoted, back, err)
		}
		if strings.IndexFunc(quoted, invisible) >= 0 {
			t.Errorf("%+q is quoted as %+q", name, quoted)
		}
	})
}
