package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A person may press Enter twice, reload, go back or lose an answer.
func TestEnrolmentShowsRecoveryCodesUntilTheyAreKept(t *testing.T) {
	e := newEnrolling(t)
	cookie := e.open()
	code := e.goodCode()
	r := e.submit(cookie, "code="+code[:3]+"+"+code[3:])
	if c := r.cookie(t); r.status != 303 || c.MaxAge != 25*3600 || c.Name+"="+c.Value != cookie || c.Path != e.link {
		t.Errorf("%d, cookie %+v, want 303 and the cookie for an hour and a day", r.status, c)
	}
	shown := e.get("Cookie", cookie)
	if shown.status != 200 || len(shown.codes()) != 10 || !strings.Contains(shown.text, "alice") {
		t.Fatalf("%d with %d recovery codes", shown.status, len(shown.codes()))
	}
	e.Clock.Advance(59 * time.Minute)
	for what, again := range map[string]reply{
		"the form sent again": e.confirm(cookie, code), "the next code": e.confirm(cookie, e.goodCode()), "reloaded": e.get("Cookie", cookie),
	} {
		if !slices.Equal(again.codes(), shown.codes()) {
			t.Errorf("%s: %d with %d recovery codes", what, again.status, len(again.codes()))
		}
	}
	if r := e.submit(cookie, ""); r.status != 303 {
		t.Errorf("the button: %d, want 303", r.status)
	}
	for what, r := range map[string]reply{"GET": e.get(), "the button": e.submit("", ""), "a code": e.confirm("enrolment=x", e.goodCode())} {
		e.wantDead("another browser's "+what, r)
	}
	e.wantEnded("another browser's", e.submit("", "kept=yes"))
	if r := e.get("Cookie", cookie); len(r.codes()) != 10 {
		t.Errorf("%d after another browser's acknowledgement", r.status)
	}
	r = e.submit(cookie, "kept=yes")
	e.wantEnded("keeping them", r)
	done := "enrolment=" + r.cookie(t).Value
	if strings.Contains(cookie, r.cookie(t).Value) {
		t.Error("the cookie outlives the link")
	}
	e.wantEnded("keeping them again", e.submit(cookie, "kept=yes"))
	for what, r := range map[string]reply{"the link": e.get("Cookie", done), "the button": e.submit(done, ""), "a code": e.submit(done, "code="+code)} {
		if r.status != 200 || !strings.Contains(r.text, "Your authenticator is set up") {
			t.Errorf("%s for the browser that is done: %d", what, r.status)
		}
		e.wantNothing(what, reply{r.status, r.header, strings.ReplaceAll(r.text, "your recovery codes are shown to nobody", "")})
	}
	e.wantDead("the link of another browser", e.get())
	e.wantMine("the link", e.get("Cookie", cookie))
	e.wantMine("the form sent again", e.submit(cookie, "code="+code))
	e.post(`{"account":"alice","recovery_code":"`+shown.codes()[0]+`"}`).want(t, 200, `{"status":true,"recovery_codes_left":9}`)
	e.post(`{"account":"alice","code":"`+e.goodCode()+`"}`).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
}

// wantEnded wants the redirect to the page that tells nothing of any account.
func (e *enrolling) wantEnded(what string, r reply) {
	e.t.Helper()
	if r.status != 303 || r.header.Get("Location") != "../enrolled" {
		e.t.Errorf("%s: %d to %q, want 303 to the page of every link's end", what, r.status, r.header.Get("Location"))
	}
}

func TestEnrolmentShowsRecoveryCodesForAnHour(t *testing.T) {
	e := newEnrolling(t)
	cookie := e.open()
	if r := e.confirm(cookie, e.goodCode()); len(r.codes()) != 10 {
		t.Fatalf("%d with %d recovery codes", r.status, len(r.codes()))
	}
	e.Clock.Advance(time.Hour)
	e.wantMine("the link", e.get("Cookie", cookie))
	e.wantMine("the form sent again", e.submit(cookie, "code="+e.goodCode()))
}
