package server_test

import (
	"path"
	"strings"
	"testing"

	"totpctl/server/api"
	"totpctl/totp"
)

// newCodesLink is an enrolling of an active account with a link for new recovery codes.
func newCodesLink(t *testing.T) (*enrolling, []string) {
	t.Helper()
	e := &enrolling{fixture: newFixture(t)}
	key, codes := e.Enrol("alice")
	e.entry = totp.Entry{Account: "alice", Key: key}
	link := read[api.RecoveryLink](t, e.admin("POST", "/accounts/alice/recovery-codes", `{"link":true}`), 200)
	e.link = "/enrol/" + path.Base(link.URL)
	return e, codes
}

func TestALinkForRecoveryCodesShowsThemToOneBrowserAndNothingElse(t *testing.T) {
	e, old := newCodesLink(t)
	recovery := func(code string) reply { return e.post(`{"account":"alice","recovery_code":"` + code + `"}`) }
	button := e.get()
	if button.status != 200 || !strings.Contains(button.text, "New recovery codes") || len(button.codes()) > 0 {
		t.Fatalf("GET: %d %s", button.status, button.text)
	}
	recovery(old[0]).want(t, 200, `{"status":true,"recovery_codes_left":9}`)
	r := e.submit("", "")
	if to := r.header.Get("Location"); r.status != 303 || to != path.Base(e.link) {
		t.Fatalf("the button: %d to %q, want 303 to the link", r.status, to)
	}
	c := r.cookie(t)
	cookie := c.Name + "=" + c.Value
	shown := e.get("Cookie", cookie)
	if c.MaxAge != 25*3600 || len(shown.codes()) != 10 || !strings.Contains(shown.text, "the old ones are void") {
		t.Errorf("cookie for %d s, then %d with %d codes", c.MaxAge, shown.status, len(shown.codes()))
	}
	for what, r := range map[string]reply{"GET": e.get(), "the button": e.submit("", ""), "a code": e.submit(cookie, "code="+e.goodCode())} {
		if r.status != 404 || strings.Contains(r.text, e.secret()) || len(r.codes()) > 0 {
			t.Errorf("%s: %d, want the page of a link that does not work", what, r.status)
		}
	}
	if again := e.submit(cookie, ""); again.status != 303 || len(e.get("Cookie", cookie).codes()) != 10 {
		t.Errorf("the button again: %d, want the codes again", again.status)
	}
	recovery(old[1]).want(t, 200, `{"status":false,"reason":"invalid"}`)
	if r := e.submit(cookie, "kept=codes"); r.status != 303 || r.header.Get("Location") != "../enrolled?codes" {
		t.Errorf("keeping them: %d to %q", r.status, r.header.Get("Location"))
	}
	if done := e.do("GET", "/enrolled?codes", "", ""); !strings.Contains(done.text, "You have new recovery codes") {
		t.Errorf("the end: %d %s", done.status, done.text)
	}
	if r := e.get("Cookie", cookie); r.status != 404 || !strings.Contains(r.text, "This link has ended") {
		t.Errorf("the link: %d %s", r.status, r.text)
	}
	recovery(shown.codes()[0]).want(t, 200, `{"status":true,"recovery_codes_left":9}`)
}

func TestALinkForRecoveryCodesIsRefusedWhereItHasNoSense(t *testing.T) {
	f := newFixture(t)
	ask := func(name, body string) reply { return f.admin("POST", "/accounts/"+name+"/recovery-codes", body) }
	f.admin("POST", "/accounts", `{"account":"pending"}`)
	f.Enrol("alice")
	f.admin("POST", "/accounts/alice/rekey", "")
	for name, code := range map[string]string{"pending": "not_confirmed", "alice": "key_pending"} {
		if got := read[api.Error](t, ask(name, `{"link":true}`), 409).Code; got != code {
			t.Errorf("%s: %q, want %q", name, got, code)
		}
	}
	ask("nobody", `{"link":true}`).wantError(t, 404)
	ask("alice", `{"link":"yes"}`).wantError(t, 400)
	if codes := read[api.RecoveryCodes](t, ask("alice", `{"link":false}`), 200).Codes; len(codes) != 10 {
		t.Errorf("without a link: %d codes", len(codes))
	}
}
