package server_test

import (
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"totpctl/server/api"
	"totpctl/totp"
)

// An enrolling is a fixture with a pending account.
type enrolling struct {
	*fixture
	entry totp.Entry
	link  string // its path
}

func newEnrolling(t *testing.T) *enrolling { return newEnrollingOf(t, "alice") }

func newEnrollingOf(t *testing.T, name string) *enrolling {
	t.Helper()
	e := &enrolling{fixture: newFixture(t)}
	body := read[api.Enrolment](t, e.admin("POST", "/accounts", `{"account":"`+name+`"}`), 201)
	if body.Account != name {
		t.Fatalf("account %q was made, want %q", body.Account, name)
	}
	var err error
	if e.entry, err = totp.ParseURI(body.URI); err != nil {
		t.Fatal(err)
	}
	e.link = "/enrol/" + path.Base(body.EnrolURL)
	return e
}

func (e *enrolling) get(headers ...string) reply {
	e.t.Helper()
	return e.do("GET", e.link, "", "", headers...)
}

// submit sends a form as the browser that has the cookie does.
func (e *enrolling) submit(cookie, form string, headers ...string) reply {
	e.t.Helper()
	headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		headers = append(headers, "Cookie", cookie)
	}
	return e.do("POST", e.link, "", form, headers...)
}

// open presses the button and returns the cookie.
func (e *enrolling) open() string {
	e.t.Helper()
	r := e.submit("", "")
	if r.status != 303 || strings.Contains(r.text, e.secret()) {
		e.t.Fatalf("opening the link: %d", r.status)
	}
	c := r.cookie(e.t)
	cookie := c.Name + "=" + c.Value
	if r := e.follow(r, cookie); r.status != 200 || !strings.Contains(r.text, e.secret()) {
		e.t.Fatalf("the opened link: %d", r.status)
	}
	return cookie
}

// press presses the button, and follows the redirect to what there is to see.
func (e *enrolling) press(cookie string) reply {
	e.t.Helper()
	return e.follow(e.submit(cookie, ""), cookie)
}

// follow follows a redirect to the link, with the cookie and those of the answer.
func (e *enrolling) follow(r reply, cookie string) reply {
	e.t.Helper()
	if r.status != 303 {
		return r
	}
	if to, _, _ := strings.Cut(r.header.Get("Location"), "#"); to != path.Base(e.link) || r.header.Get("Cache-Control") != "no-store" {
		e.t.Errorf("redirected to %q, want the link, and no-store", to)
	}
	all := []string{cookie}
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		all = append(all, c.Name+"="+c.Value)
	}
	return e.get("Cookie", strings.Join(all, "; "))
}

func (e *enrolling) goodCode() string { return e.CodeOf(e.entry.Key) }

func (e *enrolling) wrongCode() string { return e.WrongCodeOf(e.entry.Key) }

// secret is its first group, which every page that shows it has in it.
func (e *enrolling) secret() string { return e.entry.Key.Secret().Base32()[:4] }

func (r reply) cookie(t testing.TB) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: r.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies, want 1", len(cookies))
	}
	return cookies[0]
}

// confirm sends a code, and follows the redirect to the answer.
func (e *enrolling) confirm(cookie, code string, headers ...string) reply {
	e.t.Helper()
	return e.follow(e.submit(cookie, "code="+code, headers...), cookie)
}

func (r reply) codes() []string {
	var codes []string
	for _, item := range regexp.MustCompile(`<li>(<span>.*)</li>`).FindAllStringSubmatch(r.text, -1) {
		codes = append(codes, regexp.MustCompile(`<[^>]*>`).ReplaceAllString(item[1], ""))
	}
	return codes
}

// wantDead wants the page of a link that is not good.
func (e *enrolling) wantDead(what string, r reply) {
	e.t.Helper()
	if r.status != 404 || !strings.Contains(r.text, "This link does not work") {
		e.t.Errorf("%s: %d, want 404 and the page that says so", what, r.status)
	}
	e.wantNothing(what, r)
	if strings.Contains(r.text, "alice") || len(r.header.Values("Set-Cookie")) > 0 {
		e.t.Errorf("%s: the page names the account, or sets a cookie", what)
	}
}

// wantMine wants what the browser that has opened a link that has ended is told.
func (e *enrolling) wantMine(what string, r reply) {
	e.t.Helper()
	if r.status != 404 || !strings.Contains(r.text, "This link has ended") || strings.Contains(r.text, "alice") {
		e.t.Errorf("%s: %d, want 404 and the page that says so", what, r.status)
	}
	e.wantNothing(what, r)
}

func (e *enrolling) wantNothing(what string, r reply) {
	e.t.Helper()
	for _, shown := range []string{e.secret(), "otpauth", "<path fill", `name="code"`, "recovery"} {
		if strings.Contains(r.text, shown) {
			e.t.Errorf("%s: the page shows %s", what, shown)
		}
	}
}
