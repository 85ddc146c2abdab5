package storetest

import (
	"errors"
	"testing"
	"time"

	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

// links are the ways of an enrolment link.
var links = []test{
	{"a link shows its key to one browser", link},
	{"recovery codes are kept for an hour", keptForAnHour},
	{"a link tells its browser of a wrong clock", clockByLink},
	{"a link waits for a day, and its browser for a quarter of an hour", twoClocks},
	{"an account whose link nobody has opened is added again", addedAgain},
	{"a pending key's link, wrong codes and wait are told", pendingTold},
	{"a link gives new recovery codes to one browser", codesLink},
	{"a link for recovery codes is for confirmed accounts without a pending key", codesLinkRefused},
	{"what has expired is deleted", sweptAway},
}

func link(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if seen, err := v.Peek(ctx, e.Token, ""); seen.Codes != nil || err != nil {
		t.Errorf("Peek: %+v, %v", seen, err)
	}
	if _, err := v.Open(ctx, e.Token+"A", ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("a mistyped link: %v", err)
	}
	opened, err := v.Open(ctx, e.Token, "chosen")
	if err != nil || opened.Entry.URI() != e.Entry.URI() || opened.Cookie == "chosen" {
		t.Errorf("Open: %v, %v", opened.Entry.Key, err)
	}
	mine := opened.Cookie
	if again, err := v.Open(ctx, e.Token, mine); err != nil || again.Cookie != mine {
		t.Errorf("Open again: %v, %v", again.Entry.Key, err)
	}
	for _, theirs := range []string{"chosen", "theirs", ""} {
		if _, err := v.Open(ctx, e.Token, theirs); !errors.Is(err, verifier.ErrLink) {
			t.Errorf("Open with cookie %q: %v, want ErrLink", theirs, err)
		}
		if _, _, err := v.ConfirmByLink(ctx, e.Token, theirs, code(t, e.Entry.Key, c)); !errors.Is(err, verifier.ErrLink) {
			t.Errorf("confirming with cookie %q: %v, want ErrLink", theirs, err)
		}
	}
	if _, verdict, err := v.ConfirmByLink(ctx, e.Token, mine, code(t, e.Entry.Key, c)); err != nil || !verdict.Valid {
		t.Errorf("ConfirmByLink: %+v, %v", verdict, err)
	}
	wantKept(t, v, c, e, mine)
}

// clockByLink wants that the browser which sees a pending key learns how far its phone's clock
// is off, and nobody else: not the other browser, nor who checks or confirms without a link.
func clockByLink(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := v.Open(ctx, e.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	slow := totptest.Code(t, e.Entry.Key, c.now().Add(-4*time.Minute))
	for i, want := range []verifier.Verdict{
		{Reason: verifier.ReasonInvalid, Clock: -4 * time.Minute},
		{Reason: verifier.ReasonInvalid, Clock: -4 * time.Minute},
		{Reason: verifier.ReasonInvalid, Clock: -4 * time.Minute, RetryAfter: 30 * time.Second},
		{Reason: verifier.ReasonThrottled, RetryAfter: 30 * time.Second},
	} {
		if _, got, err := v.ConfirmByLink(ctx, e.Token, opened.Cookie, slow); err != nil || got != want {
			t.Errorf("code %d by the link: %+v, %v, want %+v", i+1, got, err, want)
		}
	}
	if _, got, err := v.ConfirmByLink(ctx, e.Token, "theirs", slow); !errors.Is(err, verifier.ErrLink) || got != (verifier.Verdict{}) {
		t.Errorf("another browser: %+v, %v, want ErrLink", got, err)
	}
	c.advance(time.Minute)
	slow = totptest.Code(t, e.Entry.Key, c.now().Add(-4*time.Minute))
	if got, _, err := v.Confirm(ctx, "alice", slow, verifier.RequestID{}); err != nil || got.Reason != verifier.ReasonInvalid || got.Clock != 0 {
		t.Errorf("without the link: %+v, %v, want nothing of a clock", got, err)
	}
}

func twoClocks(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	c.advance(verifier.DefaultPendingTime - time.Second)
	opened, err := v.Open(ctx, e.Token, "")
	if until := c.now().Add(verifier.OpenTime); err != nil || !opened.Until.Equal(until) {
		t.Fatalf("opened in the last second: until %v, %v, want %v", opened.Until, err, until)
	}
	c.advance(verifier.OpenTime - time.Second)
	if again, err := v.Open(ctx, e.Token, opened.Cookie); err != nil || !again.Until.Equal(opened.Until) {
		t.Errorf("opened again: until %v, %v, want the same end", again.Until, err)
	}
	c.advance(time.Second)
	if _, _, err := v.ConfirmByLink(ctx, e.Token, opened.Cookie, code(t, e.Entry.Key, c)); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("after a quarter of an hour: %v, want ErrLink", err)
	}
	if e, err = v.Add(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	c.advance(verifier.DefaultPendingTime)
	if _, err := v.Open(ctx, e.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("after a day: %v, want ErrLink", err)
	}
}

// addedAgain wants that a link which was lost on its way is replaced, and that nobody is
// thrown out who has begun.
func addedAgain(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	lost, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	v.Confirm(ctx, "alice", wrong(lost.Entry.Key, c, 1)[0], verifier.RequestID{})
	e, err := v.Add(ctx, "alice")
	if err != nil || e.Token == lost.Token || e.Entry.Key.Equal(lost.Entry.Key) {
		t.Fatalf("adding again: %v, want another key and link", err)
	}
	if _, err := v.Open(ctx, lost.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the lost link: %v, want ErrLink", err)
	}
	if info, err := v.Show(ctx, "alice"); err != nil || info.PendingFailures != 0 {
		t.Errorf("Show: %+v, %v, want no failures of the old key", info, err)
	}
	opened, err := v.Open(ctx, e.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Add(ctx, "alice"); !errors.Is(err, verifier.ErrExists) {
		t.Errorf("adding while a browser has the link open: %v, want ErrExists", err)
	}
	if _, verdict, err := v.ConfirmByLink(ctx, e.Token, opened.Cookie, code(t, e.Entry.Key, c)); err != nil || !verdict.Valid {
		t.Errorf("confirming: %+v, %v", verdict, err)
	}
	if _, err := v.Add(ctx, "alice"); !errors.Is(err, verifier.ErrExists) {
		t.Errorf("adding an active account: %v, want ErrExists", err)
	}
	if _, err := v.Add(ctx, "bob"); err != nil {
		t.Fatal(err)
	}
	if err := v.Disable(ctx, "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Add(ctx, "bob"); !errors.Is(err, verifier.ErrExists) {
		t.Errorf("adding a disabled account: %v, want ErrExists", err)
	}
}

// pendingTold wants that an operator sees why somebody does not get on with her link.
func pendingTold(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, opened bool, failures int, wait time.Time) {
		t.Helper()
		info, err := v.Show(ctx, "alice")
		if err != nil || info.Status != verifier.StatusPending || info.Opened != opened || info.PendingFailures != failures || !info.PendingWaitUntil.Equal(wait) {
			t.Errorf("%s: %+v, %v", what, info, err)
		}
	}
	want("before", false, 0, time.Time{})
	opened, err := v.Open(ctx, e.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	want("opened", true, 0, time.Time{})
	for range 4 {
		v.ConfirmByLink(ctx, e.Token, opened.Cookie, wrong(e.Entry.Key, c, 1)[0])
	}
	want("after wrong codes", true, 3, c.now().Add(30*time.Second))
	if err := v.Unlock(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	want("unlocked", true, 0, time.Time{})
}

func keptForAnHour(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := v.Open(ctx, e.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, verdict, err := v.ConfirmByLink(ctx, e.Token, opened.Cookie, code(t, e.Entry.Key, c)); err != nil || !verdict.Valid {
		t.Fatalf("ConfirmByLink: %+v, %v", verdict, err)
	}
	c.advance(verifier.KeepTime)
	if _, err := v.Peek(ctx, e.Token, opened.Cookie); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("after an hour: %v, want ErrLink", err)
	}
}

// wantKept wants that the browser that has confirmed is shown the recovery codes until it
// acknowledges them.
func wantKept(t *testing.T, v *verifier.Verifier, c *clock, e verifier.Enrolment, mine string) {
	t.Helper()
	ctx := t.Context()
	c.advance(verifier.KeepTime - time.Second)
	seen, err := v.Peek(ctx, e.Token, mine)
	if err != nil || seen.Account != "alice" || len(seen.Codes) != 10 {
		t.Fatalf("Peek after the confirmation: %+v, %v", seen, err)
	}
	if _, verdict, err := v.ConfirmByLink(ctx, e.Token, mine, "000000"); err != nil || !verdict.Valid || !verdict.Repeated {
		t.Errorf("sending the form again: %+v, %v", verdict, err)
	}
	if _, err := v.Open(ctx, e.Token, mine); !errors.Is(err, verifier.ErrConfirmed) {
		t.Errorf("Open: %v, want ErrConfirmed", err)
	}
	for _, theirs := range []string{"", "theirs"} {
		_, errPeek := v.Peek(ctx, e.Token, theirs)
		_, errOpen := v.Open(ctx, e.Token, theirs)
		if errAcknowledge := v.Acknowledge(ctx, e.Token, theirs); !errors.Is(errPeek, verifier.ErrLink) || !errors.Is(errOpen, verifier.ErrLink) || !errors.Is(errAcknowledge, verifier.ErrLink) {
			t.Errorf("cookie %q: %v, %v, %v, want ErrLink", theirs, errPeek, errOpen, errAcknowledge)
		}
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: seen.Codes[0]}, "")
	if err := v.Acknowledge(ctx, e.Token, mine); err != nil {
		t.Errorf("Acknowledge: %v", err)
	}
	if _, err := v.Peek(ctx, e.Token, mine); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("a link that has ended: %v, want ErrLink", err)
	}
}

// sweptAway wants that no dead secret stays in the database.
func sweptAway(t *testing.T, open Open) {
	s, c := open(t), newClock()
	v := newVerifier(t, s, key(t), c)
	expired := func(name string) bool {
		a, err := s.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return a.Pending.Key.IsZero() && a.Pending.Token == "" && a.Kept.Codes == nil
	}
	touches := map[string]func(verifier.Enrolment){
		"peeked":    func(e verifier.Enrolment) { v.Peek(t.Context(), e.Token, "") },
		"opened":    func(e verifier.Enrolment) { v.Open(t.Context(), e.Token, "") },
		"confirmed": func(e verifier.Enrolment) { v.Confirm(t.Context(), "confirmed", "000000", verifier.RequestID{}) },
		"checked":   func(verifier.Enrolment) { v.Check(t.Context(), verifier.Attempt{Account: "checked", Code: "000000"}) },
		"unlocked":  func(verifier.Enrolment) { v.Unlock(t.Context(), "unlocked") },
		"swept":     func(verifier.Enrolment) { v.Sweep(t.Context()) },
	}
	enrolments := map[string]verifier.Enrolment{}
	for name := range touches {
		e, err := v.Add(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		enrolments[name] = e
	}
	c.advance(verifier.DefaultPendingTime - time.Second)
	live, err := v.Add(t.Context(), "live")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name := range touches {
		if expired(name) {
			t.Errorf("%s lost its pending key before its time", name)
		}
	}
	c.advance(time.Second)
	for name, touch := range touches {
		if name != "swept" {
			touch(enrolments[name])
			if !expired(name) {
				t.Errorf("an expired account that was %s still has its pending key", name)
			}
		}
	}
	touches["swept"](verifier.Enrolment{})
	if !expired("swept") || expired("live") {
		t.Errorf("after Sweep, swept is expired: %v, live: %v", expired("swept"), expired("live"))
	}
	if info, err := v.Show(t.Context(), "swept"); err != nil || info.Status != verifier.StatusExpired {
		t.Errorf("Show: %+v, %v, want expired", info, err)
	}
	if _, err := v.Peek(t.Context(), live.Token, ""); err != nil {
		t.Errorf("the link of a pending key: %v", err)
	}
}
