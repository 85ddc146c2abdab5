package cmd

import "testing"

func TestAShownNameIsBareUnlessThatHidesSomething(t *testing.T) {
	for name, want := range map[string]string{
		"alice": "alice", "GitHub:alice": "GitHub:alice", "a:b:c": "a:b:c", "o'neil": "o'neil", "名前": "名前", "-": "-",
		"(default)": `"(default)"`, "(Default)": `"(Default)"`, `"alice"`: `"\"alice\""`, `a\u3164`: `"a\\u3164"`,
		"ㅤ": `"\u3164"`, "a\u200d": `"a\u200d"`, "\x1b[2J": `"\x1b[2J"`, "a\nb": `"a\nb"`, "\xff": `"\xff"`,
	} {
		if got := shown(name); got != want {
			t.Errorf("%+q is shown as %+q, want %+q", name, got, want)
		}
	}
}
