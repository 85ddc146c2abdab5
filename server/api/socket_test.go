package api_test

import (
	"strings"
	"testing"

	"totpctl/server/api"
)

func TestAServerToAskIsAURLOrAUnixSocket(t *testing.T) {
	longest := "/" + strings.Repeat("x", api.MaxSocket-1)
	for text, want := range map[string]string{
		"http://127.0.0.1:5000":  "http://127.0.0.1:5000",
		"unix:/run/totpctl/s":    "unix:/run/totpctl/s",
		"unix:///run/totpctl/s":  "unix:/run/totpctl/s",
		"unix:/run/a b/100%?#":   "unix:/run/a b/100%?#",
		"unix:" + longest:        "unix:" + longest,
		"unix:" + longest + "x":  "",
		"unix:s":                 "",
		"unix:@abstract":         "",
		"unix:":                  "",
		"/run/totpctl/s":         "",
		"UNIX:/run/totpctl/s":    "",
		"https://u:hunter2@host": "",
	} {
		u, err := api.ParseServer(text)
		switch {
		case err != nil:
			if want != "" {
				t.Errorf("%s: %v", text, err)
			}
			continue
		case u.String() != want:
			t.Errorf("%s is %q, want %q", text, u, want)
		}
		if again, err := api.ParseServer(u.String()); err != nil || *again != *u {
			t.Errorf("%s, read again, is %v, %v", text, again, err)
		}
	}
}
