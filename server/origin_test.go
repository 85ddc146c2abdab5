package server_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// wantRefused wants a page, as a person reads the answer to a form.
func (e *enrolling) wantRefused(r reply) {
	e.t.Helper()
	if r.status != 403 || !strings.Contains(r.text, "This form came from another site") || !strings.Contains(r.text, `href="../static/style.`) {
		e.t.Errorf("%d %s, want 403 and the page that says so", r.status, r.text)
	}
	e.wantNothing("a refused form", r)
}

func TestAFormOfAnotherSiteIsRefusedWithAPage(t *testing.T) {
	s := newFixture(t)
	r := httptest.NewRequest("POST", "/", strings.NewReader("code=123456"))
	answer := ask(s, r, "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://attacker.example")
	text := body(t, answer.Body)
	if answer.StatusCode != 403 || !strings.Contains(text, "This form came from another site") || !strings.Contains(text, `href="static/style.`) {
		t.Errorf("%s %s", answer.Status, text)
	}
	wantHeader(t, answer, "Content-Type", "text/html; charset=utf-8")
	wantHeader(t, answer, "Cache-Control", "no-store")
	wantHeader(t, answer, "WWW-Authenticate", "")
}

// A proxy may pass on another Host than the browser's, as nginx does by itself.
func TestThePublicURLsOwnFormsAreTakenWhateverTheHost(t *testing.T) {
	f := newFixture(t)
	for public, origins := range map[string]map[string]bool{
		"https://totp.example.com": {"https://totp.example.com": true, "http://totp.example.com": false, "https://totp.example.com:8443": false,
			"https://example.com": false, "https://x.totp.example.com": false, "null": false},
		"https://TOTP.example.com:443/second/": {"https://totp.example.com": true, "https://totp.example.com:443": false},
		"http://totp.example.com:8080":         {"http://totp.example.com:8080": true, "http://totp.example.com": false, "https://totp.example.com:8080": false},
		"http://totp.example.com:80":           {"http://totp.example.com": true},
		"https://[2001:db8::1]:443/":           {"https://[2001:db8::1]": true},
		"https://[2001:db8::1]:8443/":          {"https://[2001:db8::1]:8443": true, "https://[2001:db8::1]": false},
	} {
		s := f.Another(public, nil)
		for origin, taken := range origins {
			for _, path := range []string{"/", "/enrol/x"} {
				r := httptest.NewRequest("POST", path, nil)
				r.Host = "127.0.0.1:5000"
				if got := ask(s, r, "Origin", origin).StatusCode; (got != 403) != taken {
					t.Errorf("%s reached at %s: a form of %s gets %d", path, public, origin, got)
				}
			}
		}
	}
}
