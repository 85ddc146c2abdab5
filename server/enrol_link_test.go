package server_test

import (
	"strings"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

func TestEnrolmentRefusesOtherBrowsers(t *testing.T) {
	e := newEnrolling(t)
	e.wantDead("a code before the link was opened", e.submit("", "code="+e.goodCode()))
	e.wantDead("and with a cookie of one's own", e.submit("enrolment=x", "code="+e.goodCode()))
	cookie := e.open()
	for _, other := range []string{"", "enrolment=", "enrolment=x", "enrolment=" + "JBSWY3DPEHPK3PXPJBSWY3DPEH", "enrolment=" + strings.ToLower(strings.TrimPrefix(cookie, "enrolment=opened.")), "other=" + cookie} {
		e.wantDead("GET with "+other, e.get("Cookie", other))
		e.wantDead("the button with "+other, e.submit(other, ""))
		e.wantDead("a good code with "+other, e.submit(other, "code="+e.goodCode()))
	}
	if r := e.confirm(cookie, e.goodCode()); len(r.codes()) != 10 {
		t.Errorf("%d for the browser that opened it", r.status)
	}
}

func TestEnrolmentLinkExpires(t *testing.T) {
	e := newEnrolling(t)
	cookie := e.open()
	e.Clock.Advance(verifier.OpenTime - time.Second)
	if r := e.press(cookie); r.status != 200 || !strings.Contains(r.text, "It ends in 1 second in any case.") {
		t.Errorf("%d a second before its end", r.status)
	}
	e.Clock.Advance(time.Second)
	e.wantMine("the link", e.get("Cookie", cookie))
	e.wantMine("the button", e.submit(cookie, ""))
	e.wantMine("a good code", e.submit(cookie, "code="+e.goodCode()))
}

func TestEveryDeadLinkGetsTheSameAnswer(t *testing.T) {
	e := newEnrolling(t)
	e.open()
	opened, pressed, tried := e.get(), e.submit("", ""), e.submit("", "code=123456")
	for name, link := range map[string]string{"mistyped": e.link[:len(e.link)-1] + "x", "short": "/enrol/x", "not UTF-8": "/enrol/%ff%00%2f", "long": "/enrol/" + strings.Repeat("A", 5000)} {
		other := &enrolling{e.fixture, e.entry, link}
		for what, pair := range map[string][2]reply{
			"GET": {opened, other.get()}, "button": {pressed, other.submit("", "")}, "code": {tried, other.submit("", "code=123456")},
		} {
			pair[0].header.Del("Date")
			pair[1].header.Del("Date")
			if pair[0].text != pair[1].text || pair[1].status != 404 || len(pair[0].header) != len(pair[1].header) {
				t.Errorf("%s: a link that is %s differs from one that another browser has opened", what, name)
			}
		}
	}
}

func TestEnrolmentLinkEndsWithItsKey(t *testing.T) {
	for name, end := range map[string]func(e *enrolling) reply{
		"confirmed by an administrator": func(e *enrolling) reply {
			return e.admin("POST", "/accounts/alice/confirm", `{"code":"`+e.goodCode()+`"}`)
		},
		"replaced": func(e *enrolling) reply { return e.admin("POST", "/accounts/alice/rekey", "") },
		"removed":  func(e *enrolling) reply { return e.admin("DELETE", "/accounts/alice", "") },
	} {
		e := newEnrolling(t)
		cookie := e.open()
		if r := end(e); r.status >= 300 {
			t.Fatalf("%s: %d %s", name, r.status, r.text)
		}
		e.wantMine(name+", the link", e.get("Cookie", cookie))
		e.wantMine(name+", the button", e.submit(cookie, ""))
		e.wantMine(name+", a good code", e.submit(cookie, "code="+e.goodCode()))
	}
}

func TestEnrolmentOfADisabledAccountShowsNothing(t *testing.T) {
	e := newEnrolling(t)
	e.admin("POST", "/accounts/alice/disable", "")
	e.wantDead("the link", e.get())
	e.wantDead("the button", e.submit("", ""))
	e.admin("POST", "/accounts/alice/unlock", "")
	cookie := e.open()
	e.admin("POST", "/accounts/alice/disable", "")
	e.wantMine("the opened link", e.get("Cookie", cookie))
	e.wantMine("a good code", e.submit(cookie, "code="+e.goodCode()))
	e.admin("POST", "/accounts/alice/unlock", "")
	e.confirm(cookie, e.goodCode())
	e.admin("POST", "/accounts/alice/disable", "")
	e.wantMine("the recovery codes", e.get("Cookie", cookie))
}
