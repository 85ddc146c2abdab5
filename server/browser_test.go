package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A browser keeps cookies and sends forms, as navigations do. It follows no redirect.
type browser struct {
	t       testing.TB
	handler http.Handler
	cookies map[string]*http.Cookie
	client  string
	set     []*http.Cookie // by the last answer
}

func newBrowser(t testing.TB, h http.Handler) *browser {
	return &browser{t: t, handler: h, cookies: map[string]*http.Cookie{}, client: "192.0.2.7:4711"}
}

func (b *browser) send(method, path string, form url.Values, headers ...string) reply {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.RemoteAddr = b.client
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	resp := w.Result()
	b.set = resp.Cookies()
	for _, c := range b.set {
		b.cookies[c.Name] = &http.Cookie{Name: c.Name, Value: c.Value}
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return reply{resp.StatusCode, resp.Header, w.Body.String()}
}

func (b *browser) get(path string) reply { return b.send("GET", path, nil) }

// post sends a form of name and value in turn.
func (b *browser) post(path string, values ...string) reply {
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Add(values[i], values[i+1])
	}
	return b.send("POST", path, form)
}

func (b *browser) signIn(more ...string) reply {
	return b.post("/admin/sign-in", append([]string{"bearer", adminBearer, "next", "admin"}, more...)...)
}

// signedIn returns a browser with a session.
func signedIn(t testing.TB, h http.Handler) *browser {
	t.Helper()
	b := newBrowser(t, h)
	b.signIn().wantRedirect(t, "../admin")
	return b
}

func (r reply) wantRedirect(t testing.TB, to string) {
	t.Helper()
	if got := r.header.Get("Location"); r.status != 303 || got != to {
		t.Errorf("answer is %d to %q, want 303 to %q: %.300s", r.status, got, to, r.text)
	}
}

// sessionCookie returns the name of the one cookie for all paths that the browser has.
func (b *browser) sessionCookie() string {
	b.t.Helper()
	for name := range b.cookies {
		if strings.Contains(name, "totpctl-admin-") {
			return name
		}
	}
	b.t.Fatalf("the browser has the cookies %v, and no session's", b.cookies)
	return ""
}

func (b *browser) wantSignedIn(when string, want bool) {
	b.t.Helper()
	r := b.get("/")
	if got := r.status == 200; got != want {
		b.t.Errorf("%s, GET / is %d, want signed in: %v", when, r.status, want)
	}
}
