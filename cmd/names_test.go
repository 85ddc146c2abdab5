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

func TestHostAndUserGiveShortNamesOrNone(t *testing.T) {
	for name, want := range map[string]string{
		"laptop": "laptop", "laptop.example.com": "laptop", "localhost": "", "localhost.localdomain": "",
		"(none)": "", "192.0.2.1": "", "2001:db8::1": "", "": "", ".": "", "odd:host": "odd-host", "büro": "büro",
	} {
		if got := shortHost(name); got != want {
			t.Errorf("host %q is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"alice": "alice", `ACME\alice`: "alice", "a:b": "a-b", "": ""} {
		if got := shortUser(name); got != want {
			t.Errorf("user %q is %q, want %q", name, got, want)
		}
	}
}
