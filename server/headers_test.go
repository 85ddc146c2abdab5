package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/totp/verifier"
)

func TestEveryAnswerHasTheHeadersThatBrowsersObey(t *testing.T) {
	f := newFixture(t)
	f.Enrol("alice")
	f.Enrol("bob")
	answers := map[string]reply{}
	for _, route := range []string{
		"GET /", "GET " + f.setup, "POST /", "GET /app", "GET /static/none", "GET /enrol/x", "POST /enrol/x", "GET /healthz", "GET /readyz",
		"GET /admin", "GET /admin/", "GET /nothing", "DELETE /check", "HEAD /check/123456", "GET /check/123456", "POST /check", "GET //check/123456", "POST //check", "GET /check/../x", "GET /./accounts",
		"GET /accounts", "GET /accounts/nobody", "DELETE /accounts/bob", "POST /accounts/alice/unlock",
	} {
		method, path, _ := strings.Cut(route, " ")
		answers[route] = f.admin(method, path, "")
	}
	answers["no bearer"] = f.do("GET", "/check/123456", "", "")
	answers["wrong scope"] = f.do("GET", "/accounts", checkBearer, "")
	answers["preflight"] = f.do("OPTIONS", "/check/123456", "", "", "Origin", "http://localhost:8100")
	answers["too large"] = f.post(strings.Repeat("1", 5000))
	answers["another site's form"] = f.do("POST", "/", "", "", "Sec-Fetch-Site", "cross-site")
	answers["no such range"] = f.do("GET", "/app", "", "", "Range", "bytes=999999-")
	f.Store.Close()
	answers["no store"] = f.post(`{"code":"123456"}`)
	answers["no store, page"] = f.do("GET", f.setup, "", "")
	for what, r := range answers {
		opener := "" // of a web page, or of a redirect to one
		if r.status != http.StatusTemporaryRedirect && strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || r.status == http.StatusSeeOther {
			opener = "same-origin"
		}
		for name, want := range map[string]string{
			"Cross-Origin-Opener-Policy": opener, "Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
			"Strict-Transport-Security": "",
		} {
			if got := strings.Join(r.header.Values(name), ", "); got != want {
				t.Errorf("%s: %d has %s %q, want %q", what, r.status, name, got, want)
			}
		}
		policy := r.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; ") || !strings.Contains(policy, "form-action '") {
			t.Errorf("%s: %d has the policy %q", what, r.status, policy)
		}
		if got := r.header.Get("Cache-Control"); got != "no-store" && !strings.HasSuffix(what, "/app") && what != "no such range" {
			t.Errorf("%s: %d has Cache-Control %q", what, r.status, got)
		}
	}
}

// A Go map with a ninth entry grows, which each verdict would wait for.
func TestAVerdictHasAtMostEightHeaders(t *testing.T) {
	f := newFixture(t)
	s := f.Another("https://totp.example.com", nil)
	for _, path := range []string{"/check/123456", "/check/1"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+checkBearer)
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK || len(w.Header()) > 8 || w.Header().Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %d with %d headers: %v", path, w.Code, len(w.Header()), w.Header())
		}
	}
}

// A redirect names the path that was asked for, a code included.
func TestRedirectsToACleanPathAreNotStored(t *testing.T) {
	f := newFixture(t)
	for path, to := range map[string]string{"//check/123456": "/check/123456", "/x/../check/123456": "/check/123456", "/check/./123456?account=a": "/check/123456?account=a",
		// Escaped as it was: else it is about another account.
		"//accounts/a%20b": "/accounts/a%20b", "/./accounts/a%2Fb/unlock": "/accounts/a%2Fb/unlock", "//accounts/a%2F..%2Fb?x=%2F": "/accounts/a%2F..%2Fb?x=%2F",
		"//evil.example/x/": "/evil.example/x/", "/..//evil.example": "/evil.example",
	} {
		r := f.do("GET", path, checkBearer, "")
		if r.status != http.StatusTemporaryRedirect || r.header.Get("Location") != to || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d to %q, Cache-Control %q", path, r.status, r.header.Get("Location"), r.header.Get("Cache-Control"))
		}
	}
}

func TestHTTPSIsForGoodWherePeopleReachTheServerByIt(t *testing.T) {
	f := newFixture(t)
	for public, want := range map[string]string{
		"https://totp.example.com": "max-age=31536000", "https://example.com:8443/second/": "max-age=31536000",
		"http://totp.example.com": "", "http://localhost:5000": "",
		// A browser would keep to https on every port of the machine.
		"https://localhost:5000": "", "https://totp.localhost": "", "https://127.0.0.1:5000": "", "https://[::1]:5000": "",
	} {
		s := f.Another(public, nil)
		for _, path := range []string{"/", "/app", "/check/123456", "/nothing", "//check", "/readyz"} {
			if got := get(s, path).Header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s at %s: %q, want %q", path, public, got, want)
			}
		}
	}
}

// RFC 6750 section 3.1: an error is told of only to who has sent a token.
func TestRefusalsChallengeForWhatTheRouteTakes(t *testing.T) {
	f := newFixture(t)
	const bearer = `Bearer realm="totpctl"`
	for _, c := range []struct {
		method, path, authorization string
		status                      int
		want                        string
	}{
		{"POST", "/check", "", 401, bearer},
		{"POST", "/check", "Basic eDp5", 401, bearer},
		{"POST", "/check", "Bearer", 401, bearer},
		{"POST", "/check", "Bearer wrong", 401, bearer + `, error="invalid_token"`},
		{"GET", "/check/123456", "bearer wrong", 401, bearer + `, error="invalid_token"`},
		{"GET", "/accounts", "", 401, bearer},
		{"GET", "/accounts", "Bearer wrong", 401, bearer + `, error="invalid_token"`},
		{"GET", "/accounts", "Bearer " + checkBearer, 403, bearer + `, error="insufficient_scope"`},
		{"DELETE", "/accounts/alice", "Bearer " + checkBearer, 403, bearer + `, error="insufficient_scope"`},
		{"GET", "/accounts", "Bearer " + adminBearer, 200, ""},
		{"GET", "/", "", 401, `Basic realm="totpctl", charset="UTF-8"`},
		{"GET", "/", "Bearer " + adminBearer, 401, `Basic realm="totpctl", charset="UTF-8"`},
	} {
		r := f.do(c.method, c.path, "", "", "Authorization", c.authorization)
		if got := r.header.Get("WWW-Authenticate"); r.status != c.status || got != c.want {
			t.Errorf("%s %s with %q: %d, WWW-Authenticate %q; want %d, %q", c.method, c.path, c.authorization, r.status, got, c.status, c.want)
		}
	}
	// Without ADMIN_BEARER the page takes no header at all.
	s := f.Another("http://localhost:5000", func(c *server.Config) { c.Admins = nil })
	if r := get(s, "/"); r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") != `Setup-Link realm="totpctl"` {
		t.Errorf("/ without ADMIN_BEARER: %s, WWW-Authenticate %q", r.Status, r.Header.Get("WWW-Authenticate"))
	}
}

// Whoever may write to the database may have it forget that a code was accepted.
func TestASetUpLinkThatHasEndedStaysEnded(t *testing.T) {
	f := newFixture(t)
	f.post(`{"code":"`+f.Code()+`"}`).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	if r := f.do("GET", f.setup, "", ""); r.status != 401 {
		t.Fatalf("after an accepted code: %d", r.status)
	}
	for _, a := range f.accounts() {
		err := f.Store.Edit(t.Context(), a.ID, func(a verifier.Account) (verifier.Account, error) {
			a.State = verifier.State{}
			return a, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if enrolled, err := f.Verifier.Enrolled(t.Context()); err != nil || enrolled {
		t.Fatalf("the database has not forgotten: %v, %v", enrolled, err)
	}
	if r := f.do("GET", f.setup, "", ""); r.status != 401 {
		t.Errorf("after the database forgot: %d, want the link ended", r.status)
	}
}

func (f *fixture) accounts() []verifier.Summary {
	f.t.Helper()
	all, err := f.Store.List(f.t.Context(), verifier.Range{}, 10)
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

func TestTheSetUpLinkEndsAfterAnHour(t *testing.T) {
	f := newFixture(t)
	f.Clock.Advance(time.Hour - time.Second)
	if r := f.do("GET", f.setup, "", ""); r.status != 200 {
		t.Errorf("%d a second before its end", r.status)
	}
	f.Clock.Advance(time.Second)
	for what, r := range map[string]reply{"GET": f.do("GET", f.setup, "", ""),
		"POST": f.do("POST", f.setup, "", "code="+f.Code(), "Content-Type", "application/x-www-form-urlencoded")} {
		if r.status != 401 || !strings.Contains(r.text, "This set-up link has ended") || !strings.Contains(r.text, "an hour") {
			t.Errorf("%s after an hour: %d %s", what, r.status, r.text)
		}
		if strings.Contains(r.text, "somebody") || strings.Contains(r.text, "accepted a code from it") {
			t.Errorf("%s: the page says that a code was accepted", what)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth("any", adminBearer)
	if got := ask(f, r); got.StatusCode != 200 {
		t.Errorf("ADMIN_BEARER after an hour: %s", got.Status)
	}
	f.post(`{"code":"`+f.Code()+`"}`).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	if r := f.do("GET", f.setup, "", ""); !strings.Contains(r.text, "An authenticator has been set up") {
		t.Errorf("after an hour and a code: %d %s", r.status, r.text)
	}
}
