package server_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestFailedSignInsAreBoundedAndTakeNothingFromOthers(t *testing.T) {
	f := newFixture(t)
	k, _ := f.Enrol("alice")
	stranger := newBrowser(t, f)
	for i := range 10 {
		if r := stranger.post("/admin/sign-in", "bearer", fmt.Sprint(i)); r.status != 401 {
			t.Fatalf("attempt %d is %d", i, r.status)
		}
	}
	r := stranger.post("/admin/sign-in", "bearer", "wrong")
	if r.status != 429 || r.header.Get("Retry-After") != "30" || !strings.Contains(r.words(), "Wait 30 seconds") {
		t.Errorf("the eleventh is %d %v %s", r.status, r.header, r.text)
	}
	newBrowser(t, f).signIn().wantRedirect(t, "../admin") // an administrator at the same address
	f.Clock.Advance(k.Period())
	f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, f.CodeOf(k))).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)

	for i := range 300 { // from as many networks
		b := newBrowser(t, f)
		b.client = fmt.Sprintf("[2001:db8:%x::1]:1", i)
		r = b.post("/admin/sign-in", "bearer", "wrong")
	}
	if r.status != 429 {
		t.Errorf("after 300 failed attempts from all over the next is %d", r.status)
	}
	f.admin("GET", "/accounts", "")
	f.Clock.Advance(k.Period())
	f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, f.CodeOf(k))).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	signedIn(t, f).wantSignedIn("meanwhile", true)
}

func TestOneNetworkOfIPv6IsOneClient(t *testing.T) {
	f := newFixture(t)
	var last int
	for i := range 11 {
		b := newBrowser(t, f)
		b.client = fmt.Sprintf("[2001:db8::%x]:1", i+1)
		last = b.post("/admin/sign-in", "bearer", "wrong").status
	}
	if last != 429 {
		t.Errorf("the eleventh address of a /64 gets %d", last)
	}
}
