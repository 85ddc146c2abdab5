package server_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

func TestEnrolmentLinkIsOpenedByPostAlone(t *testing.T) {
	e := newEnrolling(t)
	for _, method := range []string{"GET", "HEAD", "GET"} {
		r := e.do(method, e.link, "", "")
		if r.status != 200 {
			t.Errorf("%s: %d", method, r.status)
		}
		if method == "GET" && !strings.Contains(r.text, "TOTP Example") {
			t.Error("the page does not say whose link it is")
		}
		if strings.Contains(r.text, "alice") {
			t.Error("the page names the account")
		}
		e.wantNothing(method, r)
	}
	e.open()
	e.wantDead("GET of another browser", e.get())
}

func TestEnrolmentPagesHaveStrictHeaders(t *testing.T) {
	e := newEnrolling(t)
	pages := map[string]reply{"button": e.get("Accept-Encoding", "gzip")}
	c := e.submit("", "").cookie(t)
	pages["QR code"] = e.get("Cookie", c.Name+"="+c.Value, "Accept-Encoding", "gzip")
	e.submit(c.Name+"="+c.Value, "code="+e.goodCode())
	pages["recovery codes"] = e.get("Cookie", c.Name+"="+c.Value, "Accept-Encoding", "gzip")
	e.submit(c.Name+"="+c.Value, "kept=yes")
	pages["done"] = e.do("GET", "/enrolled", "", "", "Accept-Encoding", "gzip")
	pages["dead link"] = e.get("Accept-Encoding", "gzip")
	e.Store.Close()
	pages["no store"] = e.get("Accept-Encoding", "gzip")
	for name, r := range pages {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "Content-Encoding": "", "ETag": "", "Referrer-Policy": "strict-origin",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := r.header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		policy := r.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy is %q", name, policy)
		}
	}
}

func TestEnrolmentCookieIsForTheLinkAlone(t *testing.T) {
	for public, secure := range map[string]bool{
		"http://localhost:5000": false, "https://totp.example.com": true, "https://example.com/second/factor/": true,
	} {
		f := newFixture(t)
		s := f.Another(public, nil)
		r := httptest.NewRequest("POST", "/accounts", strings.NewReader(`{"account":"alice"}`))
		made := ask(s, r, "Authorization", "Bearer "+adminBearer)
		link := read[api.Enrolment](t, reply{made.StatusCode, made.Header, body(t, made.Body)}, 201).EnrolURL
		u, err := url.Parse(link)
		if err != nil || !strings.HasPrefix(link, public) {
			t.Fatalf("the link does not start with %s: %v", public, err)
		}
		f.Clock.Advance(time.Minute)
		cookies := ask(s, httptest.NewRequest("POST", "/enrol/"+path.Base(link), nil)).Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%d cookies, want 1", len(cookies))
		}
		c := cookies[0]
		name := "enrolment"
		if secure {
			name = "__Secure-enrolment" // which a browser takes from https alone
		}
		if c.Name != name || c.Path != u.Path || c.Domain != "" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != secure {
			t.Errorf("%s: cookie is %+v", public, c)
		}
		if want := int((verifier.OpenTime + 24*time.Hour).Seconds()); c.MaxAge != want || len(c.Value) < 26 {
			t.Errorf("%s: cookie of %d letters for %d s, want 26 and %d: it tells the browser afterwards that the link was its own", public, len(c.Value), c.MaxAge, want)
		}
	}
}

// A lost answer, or a form that was sent twice, must not end a link: its page has
// set the cookie before.
func TestEnrolmentLinkIsOpenedAgainByItsOwnPage(t *testing.T) {
	e := newEnrolling(t)
	c := e.get().cookie(t)
	own := c.Name + "=" + c.Value
	for range 2 {
		r := e.submit(own, "browser="+c.Value)
		if r.status != 303 || r.cookie(t).Value != "opened."+c.Value || !strings.Contains(e.follow(r, own).text, e.secret()) {
			t.Fatalf("%d, want the QR code for the cookie of the page", r.status)
		}
	}
	if after := e.get("Cookie", own); len(after.header.Values("Set-Cookie")) > 0 {
		t.Error("the page of an opened link sets another cookie")
	}
	if r := e.confirm(own, e.goodCode()); len(r.codes()) != 10 {
		t.Errorf("confirming: %d", r.status)
	}
}

// Only a form that tells the cookie is from a page that has set it.
func TestEnrolmentLinkTakesNoPlantedCookie(t *testing.T) {
	for _, form := range []string{"", "browser=", "browser=other", "browser=PLANTED"} {
		e := newEnrolling(t)
		r := e.submit("enrolment=planted", form)
		if r.status != 303 || strings.HasSuffix(r.cookie(t).Value, "planted") {
			t.Errorf("form %q: %d, the link is bound to %q", form, r.status, r.cookie(t).Value)
		}
	}
}

func TestEnrolmentShowsTheIssuerThatIsInAName(t *testing.T) {
	e := newEnrollingOf(t, "GitHub:alice")
	if e.entry.Issuer != "GitHub" || e.entry.Account != "alice" {
		t.Errorf("the QR code is for %q at %q", e.entry.Account, e.entry.Issuer)
	}
	before := e.get()
	cookie := e.open()
	for what, r := range map[string]reply{
		"the button": before, "the QR code": e.press(cookie), "the recovery codes": e.confirm(cookie, e.goodCode()),
	} {
		if r.status != 200 || !strings.Contains(r.text, ">GitHub<") || strings.Contains(r.text, ">GitHub:") || strings.Contains(r.text, "TOTP Example") {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
	e.post(`{"account":"GitHub:alice","code":"`+e.goodCode()+`"}`).want(t, 200, `{"status":false,"reason":"replayed"}`)
}

func TestEnrolmentKeepsThePageForTheBrowserAfterABadCode(t *testing.T) {
	e := newEnrolling(t)
	cookie := e.open()
	for _, c := range []struct{ code, says string }{
		{e.wrongCode(), "This code is not valid."},
		{"", "a code has 6 digits"},
		{"12345", "a code has 6 digits"},
		{e.wrongCode(), "This code is not valid."},
		{e.wrongCode(), "This code is not valid."},
		{e.goodCode(), "Too many wrong codes. Wait 30 seconds, then try again."},
	} {
		r := e.confirm(cookie, c.code)
		if r.status != 200 || !strings.Contains(r.text, c.says) || !strings.Contains(r.text, e.secret()) {
			t.Errorf("%d, want the page and %q on it", r.status, c.says)
		}
		if again := e.get("Cookie", cookie); again.status != 200 || strings.Contains(again.text, c.says) {
			t.Errorf("%d after a reload, want the page without the answer", again.status)
		}
	}
	e.Clock.Advance(30 * time.Second)
	if r := e.confirm(cookie, e.goodCode()); len(r.codes()) != 10 {
		t.Errorf("%d after the wait", r.status)
	}
}

func TestEnrolmentWithoutAStoreGivesNothingAway(t *testing.T) {
	e := newEnrolling(t)
	cookie := e.open()
	e.Store.Close()
	for what, r := range map[string]reply{
		"GET": e.get("Cookie", cookie), "button": e.submit(cookie, ""), "code": e.submit(cookie, "code="+e.goodCode()),
	} {
		if r.status != 503 || !strings.Contains(r.text, "cannot reach its store") {
			t.Errorf("%s: %d, want 503 and the page that says so", what, r.status)
		}
		e.wantNothing(what, r)
	}
	e.wantQuiet(cookie)
}

func TestEnrolmentFormsOfOtherSitesOpenNothing(t *testing.T) {
	e := newEnrolling(t)
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"} {
		e.wantRefused(e.submit("", "", name, value))
	}
	if r := e.get(); r.status != 200 {
		t.Errorf("%d, want the link unopened", r.status)
	}
	cookie := e.open()
	e.wantRefused(e.submit(cookie, "code="+e.goodCode(), "Sec-Fetch-Site", "cross-site"))
	e.submit(cookie, "code="+strings.Repeat("1", 5000)).wantError(t, 413)
	e.submit(cookie, "code=%zz").wantError(t, 400)
	if r := e.confirm(cookie, e.goodCode(), "Sec-Fetch-Site", "same-origin", "Origin", e.URL); len(r.codes()) != 10 {
		t.Errorf("%d from the page itself", r.status)
	}
}

func TestOneBrowserOpensALinkAndGetsTheSameCodesHoweverOftenItAsks(t *testing.T) {
	e := newEnrolling(t)
	opened := e.atOnce(func() reply { return e.submit("", "") }, func(r reply) bool { return r.status == 303 })
	if len(opened) != 1 {
		t.Fatalf("%d browsers opened the link", len(opened))
	}
	c := opened[0].cookie(t)
	cookie, good := c.Name+"="+c.Value, e.goodCode()
	shown := e.atOnce(func() reply { return e.confirm(cookie, good) }, func(r reply) bool { return len(r.codes()) == 10 })
	if len(shown) != 8 {
		t.Fatalf("%d of 8 forms led to recovery codes", len(shown))
	}
	for _, r := range shown {
		if !slices.Equal(r.codes(), shown[0].codes()) {
			t.Error("two forms led to different recovery codes")
		}
	}
}

// atOnce asks eight times and returns the answers that count.
func (e *enrolling) atOnce(ask func() reply, counts func(reply) bool) (found []reply) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for range 8 {
		all.Go(func() {
			r := ask()
			mu.Lock()
			defer mu.Unlock()
			if counts(r) {
				found = append(found, r)
			}
		})
	}
	all.Wait()
	return found
}

// wantQuiet wants that the log has nothing that lets somebody in.
func (e *enrolling) wantQuiet(cookie string) {
	e.t.Helper()
	for what, text := range map[string]string{
		"the token": path.Base(e.link), "the cookie": strings.TrimPrefix(cookie, "enrolment=opened."), "the secret": e.entry.Key.Secret().Base32(),
		"the account": "alice", "the code": e.goodCode(),
	} {
		if strings.Contains(e.Log.String(), text) {
			e.t.Errorf("the log has %s in it", what)
		}
	}
}

func TestEnrolmentLogsVerdictsAndPatternsAlone(t *testing.T) {
	e := newEnrolling(t)
	e.get()
	cookie := e.open()
	e.submit(cookie, "code="+e.wrongCode())
	r := e.confirm(cookie, e.goodCode())
	e.submit(cookie, "kept=yes")
	e.wantQuiet(cookie)
	for _, code := range r.codes() {
		if strings.Contains(e.Log.String(), code) {
			t.Error("the log has a recovery code in it")
		}
	}
	for text, want := range map[string]int{`"route":"GET /enrol/{token}"`: 3, `"route":"POST /enrol/{token}"`: 4, `"verdict":"invalid"`: 1, `"verdict":"valid"`: 1} {
		if n := bytes.Count([]byte(e.Log.String()), []byte(text)); n != want {
			t.Errorf("%s is in the log %d times, want %d", text, n, want)
		}
	}
}
