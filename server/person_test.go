package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What Chromium sends with a navigation.
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

const form = "application/x-www-form-urlencoded"

func TestAnErrorIsAPageForAPersonAndJSONForAProgram(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/nosuch", 404, "There is no such page"}, {"GET", "/a/b/c/d/e/f", 404, "There is no such page"}, {"GET", "/static/none.js", 404, "There is no such page"},
		{"GET", "/check/123456", 401, "This address is for programs"}, {"GET", "/accounts", 401, "This address is for programs"},
		{"DELETE", "/app", 405, "This address is for programs"}, {"PUT", "/", 405, "This address is for programs"},
	} {
		r := f.do(c.method, c.path, "", "", "Accept", browserAccept)
		if r.status != c.status || !strings.Contains(r.text, "<h1>"+c.says+"</h1>") || r.header.Get("X-Robots-Tag") != "noindex, nofollow" {
			t.Errorf("%s %s: %d %s, want %d and a page", c.method, c.path, r.status, r.text, c.status)
		}
		for _, accept := range []string{"", "*/*", "application/json"} {
			f.do(c.method, c.path, "", "", "Accept", accept).wantError(t, c.status)
		}
	}
	depth := f.do("GET", "/a/b", "", "", "Accept", browserAccept)
	if !strings.Contains(depth.text, `href="../static/style.`) || !strings.Contains(depth.text, `href="../app"`) {
		t.Errorf("the page of /a/b links elsewhere: %s", depth.text)
	}
	f.Store.Close()
	if r := f.do("GET", "/readyz", "", "", "Accept", browserAccept); r.status != 503 || !strings.Contains(r.text, "<h1>Not available</h1>") {
		t.Errorf("no store: %d %s", r.status, r.text)
	}
}

func TestASlashAtTheEndOfAPageLeadsToThePage(t *testing.T) {
	f := newFixture(t)
	for path, to := range map[string]string{"/app/": "../app", "/app/?account=a%26b": "../app?account=a%26b", "/enrol/ABC/": "../ABC", "/enrol/a%2Fb/": "../a%2Fb"} {
		if r := f.do("GET", path, "", ""); r.status != 308 || r.header.Get("Location") != to {
			t.Errorf("%s: %d to %q, want %q", path, r.status, r.header.Get("Location"), to)
		}
	}
}

func TestNoBrowserIsMadeToAskForAPassword(t *testing.T) {
	f := newFixture(t)
	for name, header := range map[string][2]string{"by Accept": {"Accept", browserAccept}, "by Sec-Fetch-Mode": {"Sec-Fetch-Mode", "navigate"}} {
		r := f.do("GET", "/", "", "", header[0], header[1])
		if got := r.header.Values("WWW-Authenticate"); r.status != 401 || len(got) != 1 || strings.HasPrefix(got[0], "Basic") {
			t.Errorf("%s: %d, WWW-Authenticate %q, want none that a browser knows", name, r.status, got)
		}
	}
	basic := httptest.NewRequest("GET", "/", nil)
	basic.SetBasicAuth("any", adminBearer)
	if r := ask(f, basic, "Accept", browserAccept); r.StatusCode != 200 {
		t.Errorf("with Basic: %s", r.Status)
	}
}

func TestAPageIsInTheLanguageThatIsAskedFor(t *testing.T) {
	f := newFixture(t)
	for accept, want := range map[string]string{
		"": "en", "en-GB": "en", "de-CH, en;q=0.5": "de", "xx, fr-CA;q=0.9, de;q=0.1": "fr", "es-MX": "es", "ar-EG,ar;q=0.9": "ar", "zz": "en", "*": "en", "q=;;,": "en",
	} {
		for _, path := range []string{f.setup, "/", "/app", "/enrol/x", "/enrolled", "/nosuch"} {
			r := f.do("GET", path, "", "", "Accept-Language", accept, "Accept", browserAccept)
			direction := map[bool]string{true: "rtl", false: "ltr"}[want == "ar"]
			if got := r.header.Get("Content-Language"); got != want || !strings.Contains(r.text, `<html lang="`+want+`" dir="`+direction+`">`) {
				t.Errorf("%s for %q: in %q, want %q", path, accept, got, want)
			}
			if vary := strings.Join(r.header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Language") {
				t.Errorf("%s: Vary is %q", path, vary)
			}
		}
	}
	english, german := f.do("GET", "/app", "", ""), f.do("GET", "/app", "", "", "Accept-Language", "de")
	if english.header.Get("ETag") == german.header.Get("ETag") {
		t.Error("two languages of /app have one ETag")
	}
	f.do("GET", "/check", checkBearer, "", "Accept-Language", "de").wantError(t, 405)
}

func TestAnAnswerOfAFormIsToldOnceAndNotByAReload(t *testing.T) {
	f := newFixture(t)
	r := f.do("POST", f.setup, "", "code="+f.WrongCode(), "Content-Type", form)
	c := r.cookie(t)
	if r.status != 303 || !strings.HasSuffix(r.header.Get("Location"), "#code") || c.Name != "verdict" || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Fatalf("%d to %q, cookie %+v", r.status, r.header.Get("Location"), c)
	}
	shown := f.do("GET", f.setup, "", "", "Cookie", c.Name+"="+c.Value)
	if shown.status != 200 || !strings.Contains(shown.text, "This code is not valid.") || shown.cookie(t).MaxAge >= 0 {
		t.Errorf("%d, want the answer, and the end of its cookie", shown.status)
	}
	for _, planted := range []string{"", "invalid", "invalid.", "invalid.x", "nosuch.0", "title.0", ".0", "valid", strings.Repeat("x", 2000) + ".0", "throttled.0"} {
		if r := f.do("GET", f.setup, "", "", "Cookie", "verdict="+planted); r.status != 200 || strings.Contains(r.text, `id="result"`) {
			t.Errorf("the cookie %.30q: %d, want the page without an answer", planted, r.status)
		}
	}
}

func TestTheBrowserThatEndsTheSetUpLinkIsToldThatItIsDone(t *testing.T) {
	f := newFixture(t)
	r := f.do("POST", f.setup, "", "code="+f.Code(), "Content-Type", form)
	c := r.cookie(t)
	if r.status != 303 || c.Name != "setup" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Fatalf("%d, cookie %+v", r.status, c)
	}
	for range 2 { // a reload
		if r := f.do("GET", f.setup, "", "", "Cookie", c.Name+"="+c.Value); r.status != 200 || !strings.Contains(r.text, "Your authenticator is set up") {
			t.Errorf("%d, want the page that says so", r.status)
		}
	}
	for _, other := range []string{"", "setup=", "setup=done", "setup=" + strings.ToLower(c.Value)} {
		r := f.do("GET", f.setup, "", "", "Cookie", other)
		if r.status != 401 || !strings.Contains(r.text, "If that was not you") {
			t.Errorf("another browser, cookie %q: %d", other, r.status)
		}
	}
	if r := f.do("GET", "/", "", "", "Cookie", c.Name+"="+c.Value); r.status != 401 {
		t.Errorf("without the link: %d", r.status)
	}
}

func TestTheAnswerThatStartsAWaitAndTheWaitAreTold(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		f.do("POST", f.setup, "", "code="+f.WrongCode(), "Content-Type", form)
	}
	c := f.do("POST", f.setup, "", "code="+f.Code(), "Content-Type", form).cookie(t)
	f.Clock.Advance(5 * time.Second)
	r := f.do("GET", f.setup, "", "", "Cookie", c.Name+"="+c.Value)
	if !strings.Contains(r.text, "Too many wrong codes. Wait 25 seconds, then try again.") || !strings.Contains(r.text, `data-wait="25"`) {
		t.Errorf("the wait is not told: %s", r.text)
	}
	f.Clock.Advance(25 * time.Second)
	if r := f.do("GET", f.setup, "", "", "Cookie", c.Name+"="+c.Value); strings.Contains(r.text, `id="wait"`) {
		t.Error("a wait that is over is told")
	}
}

func TestABearerIsToldItsScope(t *testing.T) {
	f := newFixture(t)
	for bearer, want := range map[string]string{checkBearer: `{"scope":"check"}`, adminBearer: `{"scope":"admin"}`} {
		f.do("GET", "/scope", bearer, "").want(t, 200, want)
	}
	for _, bearer := range []string{"", "wrong"} {
		f.do("GET", "/scope", bearer, "").wantError(t, 401)
	}
}
