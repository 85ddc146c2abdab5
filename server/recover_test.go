package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/server/servertest"
	"totpctl/totp"
)

// recovering is a fixture with the page /recover and the account alice.
func recovering(t *testing.T) (f *fixture, key totp.Key, codes []string) {
	t.Helper()
	f = newFixture(t, servertest.Options{SelfService: true})
	key, codes = f.Enrol("alice")
	return f, key, codes
}

// recover sends the form.
func (f *fixture) recover(account, code string, headers ...string) reply {
	f.t.Helper()
	form := url.Values{"account": {account}, "recovery_code": {code}}.Encode()
	return f.do("POST", "/recover", "", form, append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func TestARecoveryCodeBeginsANewEnrolmentInItsBrowser(t *testing.T) {
	f, old, codes := recovering(t)
	form := f.do("GET", "/recover?account=alice", "", "")
	if form.status != 200 || !strings.Contains(form.text, `value="alice"`) || !strings.Contains(form.text, `name="recovery_code"`) {
		t.Fatalf("GET: %d %s", form.status, form.text)
	}
	r := f.recover(" alice ", strings.ToLower(codes[0][:12]+" "+codes[0][12:]))
	c := r.cookie(t)
	link := "/" + r.header.Get("Location")
	if r.status != 303 || c.Path != link || c.MaxAge != 900+24*3600 || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Fatalf("%d to %q with cookie %+v, want 303 to a link that is this browser's for 15 minutes", r.status, link, c)
	}
	e := &enrolling{f, totp.Entry{Account: "alice"}, link}
	cookie := c.Name + "=" + c.Value
	page := e.get("Cookie", cookie)
	var err error
	_, e.entry, err = f.Verifier.Keys(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if page.status != 200 || !strings.Contains(page.text, e.secret()) {
		t.Fatalf("the link: %d, want the new secret", page.status)
	}
	for _, other := range []string{"", "enrolment=x"} {
		if r := e.submit(other, ""); r.status != 404 || strings.Contains(r.text, e.secret()) {
			t.Errorf("another browser: %d", r.status)
		}
	}
	f.Clock.Advance(time.Minute)
	f.post(`{"account":"alice","code":"`+f.CodeOf(old)+`"}`).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	if shown := e.confirm(cookie, e.goodCode()); len(shown.codes()) != 10 {
		t.Fatalf("the new key's first code: %d", shown.status)
	}
	at := f.Clock.Now().UTC().Format(time.RFC3339)
	f.Clock.Advance(time.Minute)
	f.post(`{"account":"alice","code":"`+e.goodCode()+`"}`).want(t, 200, `{"status":true,"skew_steps":0,"failures":0,"rekeyed_at":"`+at+`"}`)
}

func TestARefusedRecoveryTellsNobodyWhichAccountsExist(t *testing.T) {
	f, _, codes := recovering(t)
	_, disabled := f.Enrol("disabled")
	f.admin("POST", "/accounts/disabled/disable", "")
	want := f.recover("nobody", codes[0])
	c := want.cookie(t)
	form := f.do("GET", "/"+want.header.Get("Location"), "", "", "Cookie", c.Name+"="+c.Value)
	if want.status != 303 || c.Name != "recover" || c.Value != "nobody" || c.Path != "/recover" || c.MaxAge != 60 ||
		!strings.Contains(form.text, "do not belong together") || !strings.Contains(form.text, `value="nobody"`) || form.cookie(t).MaxAge >= 0 {
		t.Fatalf("an account that does not exist: %d, then %s", want.status, form.text)
	}
	for _, a := range [][2]string{{"alice", strings.Repeat("A", 24)}, {"alice", "x"}, {"disabled", disabled[0]}, {"", codes[0]}, {"a:b:c", codes[0]}} {
		got := f.recover(a[0], a[1])
		if got.status != want.status || got.text != want.text || got.header.Get("Location") != want.header.Get("Location") ||
			got.cookie(t).Value != url.QueryEscape(a[0]) || len(got.header) != len(want.header) {
			t.Errorf("%q: %d %s", a, got.status, got.text)
		}
	}
	if strings.Contains(form.text+want.header.Get("Location")+c.Value, codes[0]) || strings.Contains(f.Log.String(), codes[0]) {
		t.Error("the page or the log has the code")
	}
	if hostile := f.do("GET", "/recover?account="+url.QueryEscape(`"><script>`), "", ""); strings.Contains(hostile.text, "<script>") {
		t.Error("the page has what was typed as HTML")
	}
	f.recover("alice", codes[0], "Origin", "https://attacker.example").wantStatus(t, 403)
	long := f.recover(strings.Repeat("é", 600), codes[0]).cookie(t) // proxies refuse large headers
	if form := f.do("GET", "/recover", "", "", "Cookie", long.Name+"="+long.Value); len(long.Value) > 2000 || !strings.Contains(form.text, "do not belong together") {
		t.Errorf("a long name is brought back by a cookie of %d bytes", len(long.Value))
	}
	if got := f.recover("alice", codes[0]); !strings.HasPrefix(got.header.Get("Location"), "enrol/") {
		t.Errorf("afterwards the good code gets %d to %s", got.status, got.header.Get("Location"))
	}
}

func TestThereIsNoRecoveryWhereItIsNotAskedFor(t *testing.T) {
	f, _, codes := recovering(t)
	for what, s := range map[string]servertest.Held{
		"without SELF_SERVICE":     f.Another(f.URL, func(c *server.Config) { c.SelfService = false }),
		"where there are no links": f.Another("http://totp.example.com", nil),
	} {
		for _, method := range []string{"GET", "POST"} {
			r := ask(s, httptest.NewRequest(method, "/recover", strings.NewReader("account=alice&recovery_code="+codes[0])))
			if r.StatusCode != 404 {
				t.Errorf("%s, %s: %d, want 404", what, method, r.StatusCode)
			}
		}
	}
}
