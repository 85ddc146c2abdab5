package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// fixture is a verifier of a default key of its own, and its clock.
func fixture(t *testing.T, open Open) (*verifier.Verifier, *clock, totp.Key) {
	c, k := newClock(), key(t)
	return newVerifier(t, open(t), k, c), c, k
}

func enrol(t *testing.T, v *verifier.Verifier, c *clock, name string) (totp.Key, []string) {
	t.Helper()
	e, err := v.Add(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return e.Entry.Key, confirm(t, v, c, name, e.Entry.Key)
}

func confirm(t *testing.T, v *verifier.Verifier, c *clock, name string, k totp.Key) []string {
	t.Helper()
	verdict, codes, err := v.Confirm(t.Context(), name, code(t, k, c), verifier.RequestID{})
	if err != nil || !verdict.Valid {
		t.Fatalf("confirming %s: %+v, %v", name, verdict, err)
	}
	if len(codes) != 10 || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != 10 {
		t.Errorf("recovery codes are %q, want ten different ones", codes)
	}
	return codes
}

func wantReason(t *testing.T, v *verifier.Verifier, a verifier.Attempt, want verifier.Reason) {
	t.Helper()
	if got := check(t, v, a); got.Reason != want {
		t.Errorf("%+v, want reason %q", got, want)
	}
}

func lifeOfAnAccount(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil || e.Entry.Issuer != "issuer" || e.Entry.Account != "alice" || e.Entry.Key.Algorithm() != totp.SHA256 || e.Entry.Key.Digits() != 8 {
		t.Fatalf("Add: %+v, %v", e, err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, verifier.ReasonPending)
	if _, err := v.Add(ctx, "alice"); !errors.Is(err, verifier.ErrExists) {
		t.Errorf("adding a pending account again: %v, want ErrExists", err)
	}
	c.advance(verifier.DefaultPendingTime)
	if _, _, err := v.Confirm(ctx, "alice", code(t, e.Entry.Key, c), verifier.RequestID{}); !errors.Is(err, verifier.ErrNotPending) {
		t.Errorf("confirming too late: %v, want ErrNotPending", err)
	}
	k, _ := enrol(t, v, c, "alice") // an expired one is replaced
	used := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, used, verifier.ReasonReplayed) // by its confirmation
	c.advance(time.Minute)
	next := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, next, "")
	if err := v.Disable(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, verifier.ReasonDisabled)
	if err := v.Unlock(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, next, verifier.ReasonReplayed)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, "")
	if err := v.Remove(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Check(ctx, next); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("a removed account: %v, want ErrNoAccount", err)
	}
}

func rekeyed(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	old, codes := enrol(t, v, c, "alice")
	e, err := v.Rekey(t.Context(), "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	for i, guess := range wrong(e.Entry.Key, c, 3) {
		if verdict, _, err := v.Confirm(t.Context(), "alice", guess, verifier.RequestID{}); err != nil || verdict.Reason != verifier.ReasonInvalid {
			t.Errorf("wrong code %d for the pending key: %+v, %v", i, verdict, err)
		}
	}
	if verdict, _, err := v.Confirm(t.Context(), "alice", code(t, e.Entry.Key, c), verifier.RequestID{}); err != nil || verdict.Reason != verifier.ReasonThrottled {
		t.Errorf("after three wrong codes for the pending key: %+v, %v", verdict, err)
	}
	c.advance(time.Minute)
	if got := check(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}); got != (verifier.Verdict{Valid: true}) {
		t.Errorf("the live key meanwhile: %+v", got)
	}
	fresh := confirm(t, v, c, "alice", e.Entry.Key)
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: fresh[0]}, "")
}

func recoveryCodes(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, codes := enrol(t, v, c, "alice")
	_, others := enrol(t, v, c, "bob")
	for _, guess := range wrong(k, c, 3) {
		wantReason(t, v, verifier.Attempt{Account: "alice", Code: guess}, verifier.ReasonInvalid)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: wrong(k, c, 1)[0]}, verifier.ReasonThrottled)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: others[0]}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: "short"}, verifier.ReasonMalformed)
	for i, code := range codes {
		a := verifier.Attempt{Account: "alice", RecoveryCode: code, Request: verifier.NewRequestID("bearer", fmt.Sprint(i))}
		want := verifier.Verdict{Valid: true, Recovery: true, RecoveryLeft: 9 - i}
		if got := check(t, v, a); got != want {
			t.Errorf("recovery code %d: %+v, want %+v", i, got, want)
		}
		want.Repeated = true
		if got := check(t, v, a); got != want {
			t.Errorf("recovery code %d, repeated: %+v, want %+v", i, got, want)
		}
		a.Request = verifier.RequestID{}
		wantReason(t, v, a, verifier.ReasonInvalid)
	}
	fresh, err := v.RecoveryCodes(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Disable(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: fresh[0]}, verifier.ReasonDisabled)
}

// stopped by guesses, a key is stopped and its owner is not: recovery codes and
// the first code of a new key are good (NIST SP 800-63B-4 section 3.2.2).
func stopped(t *testing.T, open Open) {
	v, c, k := fixture(t, open)
	stop(t, v, c, "", k)
	unlocked(t, v, c, "", k)
	k, _ = enrol(t, v, c, "alice")
	stop(t, v, c, "alice", k)
	unlocked(t, v, c, "alice", k)
}

func stop(t *testing.T, v *verifier.Verifier, c *clock, name string, k totp.Key) {
	t.Helper()
	for range 100 {
		c.advance(time.Hour)
		wantReason(t, v, verifier.Attempt{Account: name, Code: wrong(k, c, 1)[0]}, verifier.ReasonInvalid)
	}
	c.advance(time.Hour)
	wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, k, c)}, verifier.ReasonStopped)
	info, err := v.Show(t.Context(), name)
	if err != nil || info.Status != verifier.StatusStopped || info.Failures != 100 {
		t.Errorf("Show(%q): %+v, %v", name, info, err)
	}
}

func unlocked(t *testing.T, v *verifier.Verifier, c *clock, name string, k totp.Key) {
	t.Helper()
	if err := v.Unlock(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Account: name, Code: wrong(k, c, 1)[0]}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, k, c)}, "")
}

func waysBack(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	old, codes := enrol(t, v, c, "alice")
	stop(t, v, c, "alice", old)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}, verifier.ReasonStopped)
	e, err := v.Rekey(t.Context(), "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	confirm(t, v, c, "alice", e.Entry.Key)
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, "")
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}, verifier.ReasonInvalid)
}

// A disabled account has no way back but a person's.
func disabledByAPerson(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, codes := enrol(t, v, c, "alice")
	e, err := v.Rekey(t.Context(), "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := v.Open(t.Context(), e.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Disable(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.ReasonDisabled)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, verifier.ReasonDisabled)
	if verdict, _, err := v.Confirm(t.Context(), "alice", code(t, e.Entry.Key, c), verifier.RequestID{}); err != nil || verdict.Reason != verifier.ReasonDisabled {
		t.Errorf("confirming: %+v, %v", verdict, err)
	}
	_, errPeek := v.Peek(t.Context(), e.Token, opened.Cookie)
	_, errOpen := v.Open(t.Context(), e.Token, opened.Cookie)
	_, _, errConfirm := v.ConfirmByLink(t.Context(), e.Token, opened.Cookie, code(t, e.Entry.Key, c))
	for _, err := range []error{errPeek, errOpen, errConfirm} {
		if !errors.Is(err, verifier.ErrLink) {
			t.Errorf("the link of a disabled account: %v, want ErrLink", err)
		}
	}
}

func revoked(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	stolen, codes := enrol(t, v, c, "alice")
	c.advance(time.Minute)
	used := verifier.Attempt{Account: "alice", Code: code(t, stolen, c), Request: verifier.NewRequestID("bearer", "1")}
	wantReason(t, v, used, "")
	if _, err := v.Rekey(ctx, "alice", true); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, used, verifier.ReasonStopped) // not even repeated
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, stolen, c)}, verifier.ReasonStopped)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, "")
	if err := v.Unlock(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, stolen, c)}, verifier.ReasonStopped)
	c.advance(verifier.DefaultPendingTime) // the new key's time is over
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, stolen, c)}, verifier.ReasonStopped)
	if info, err := v.Show(ctx, "alice"); err != nil || info.Status != verifier.StatusStopped || info.RecoveryLeft != 9 {
		t.Errorf("Show: %+v, %v", info, err)
	}
	if _, err := v.Add(ctx, "alice"); !errors.Is(err, verifier.ErrExists) {
		t.Errorf("adding a revoked account: %v, want ErrExists", err)
	}
	e, err := v.Rekey(ctx, "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	confirm(t, v, c, "alice", e.Entry.Key)
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[1]}, verifier.ReasonInvalid)
}

// What revokes ends what was remembered for a repeated request.
func forgottenAnswers(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	for name, revoke := range map[string]func(string) error{
		"recovery codes": func(name string) error { _, err := v.RecoveryCodes(t.Context(), name); return err },
		"disable": func(name string) error {
			return errors.Join(v.Disable(t.Context(), name), v.Unlock(t.Context(), name))
		},
		"revoking rekey": func(name string) error { _, err := v.Rekey(t.Context(), name, true); return err },
	} {
		_, codes := enrol(t, v, c, name)
		a := verifier.Attempt{Account: name, RecoveryCode: codes[0], Request: verifier.NewRequestID("bearer", "1")}
		wantReason(t, v, a, "")
		if got := check(t, v, a); !got.Valid || !got.Repeated {
			t.Errorf("%s: before, the repeated request gets %+v", name, got)
		}
		if err := revoke(name); err != nil {
			t.Fatal(err)
		}
		wantReason(t, v, a, verifier.ReasonInvalid)
	}
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

// wantKept expects the recovery codes to be shown to the browser that has
// confirmed, until it acknowledges them.
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

// A lost answer is given again, codes included, to the same request alone.
func confirmedAgain(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	request, good := verifier.NewRequestID("bearer", "1"), code(t, e.Entry.Key, c)
	bad, wrongRequest := wrong(e.Entry.Key, c, 1)[0], verifier.NewRequestID("bearer", "0")
	for range 5 {
		if verdict, _, err := v.Confirm(ctx, "alice", bad, wrongRequest); err != nil || verdict.Reason != verifier.ReasonInvalid {
			t.Errorf("a wrong code, repeated: %+v, %v, want invalid each time, charged once", verdict, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel() // a caller who leaves has confirmed all the same
	first, codes, err := v.Confirm(cancelled, "alice", good, request)
	if err != nil || !first.Valid || first.Failures != 1 || first.Repeated || len(codes) != 10 {
		t.Fatalf("Confirm: %+v, %v", first, err)
	}
	c.advance(5*time.Minute - time.Second)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, "") // does not end it
	again, same, err := v.Confirm(ctx, "alice", good, request)
	if err != nil || !again.Valid || again.Failures != 1 || !again.Repeated || !slices.Equal(same, codes) {
		t.Errorf("repeated: %+v, %q, %v", again, same, err)
	}
	if verdict, codes, err := v.Confirm(ctx, "alice", good, verifier.NewRequestID("bearer", "2")); !errors.Is(err, verifier.ErrNotPending) || codes != nil {
		t.Errorf("another request: %+v, %v", verdict, err)
	}
	c.advance(time.Second)
	if verdict, codes, err := v.Confirm(ctx, "alice", good, request); !errors.Is(err, verifier.ErrNotPending) || codes != nil {
		t.Errorf("after 5 minutes: %+v, %v", verdict, err)
	}
}

// Times that a wrong clock has left in the database keep nobody out for longer than
// right ones would.
func clockWasAhead(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, _ := enrol(t, v, c, "alice")
	c.advance(10 * 365 * 24 * time.Hour)
	ahead := verifier.Attempt{Account: "alice", Code: code(t, k, c), Request: verifier.NewRequestID("bearer", "1")}
	wantReason(t, v, ahead, "")
	for _, guess := range wrong(k, c, 3) {
		wantReason(t, v, verifier.Attempt{Account: "alice", Code: guess}, verifier.ReasonInvalid)
	}
	wrongAhead := verifier.Attempt{Account: "alice", Code: wrong(k, c, 1)[0], Request: ahead.Request}
	c.advance(-10 * 365 * 24 * time.Hour)
	if got := check(t, v, wrongAhead); got != (verifier.Verdict{Reason: verifier.ReasonThrottled, RetryAfter: time.Hour}) {
		t.Errorf("a wait from the future: %+v, want an hour", got)
	}
	c.advance(time.Hour)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, verifier.ReasonReplayed)
	info, err := v.Show(t.Context(), "alice")
	if until := c.now().Add(9 * 365 * 24 * time.Hour); err != nil || info.RefusedUntil.Before(until) {
		t.Errorf("Show: %+v, %v, want the time until which codes are refused", info, err)
	}
	good := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	if err := v.Unlock(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, good, verifier.ReasonReplayed) // it may have been used
	if info, err := v.Show(t.Context(), "alice"); err != nil || !info.RefusedUntil.IsZero() {
		t.Errorf("Show after Unlock: %+v, %v", info, err)
	}
	c.advance(2 * time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, "")
}

// A slow clock must not make good again what was used by the right one.
func clockIsSlow(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, _ := enrol(t, v, c, "alice")
	c.advance(time.Hour)
	used := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, used, "")
	c.advance(-2 * time.Minute)
	if err := v.Unlock(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	c.advance(2 * time.Minute)
	wantReason(t, v, used, verifier.ReasonReplayed)
}

// What was written while the clock was ahead does not last for longer than it would
// by a right one.
func linksOfAClockAhead(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	const year = 365 * 24 * time.Hour
	c.advance(year)
	byLink, err := v.Add(ctx, "by link")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := v.Open(ctx, byLink.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.ConfirmByLink(ctx, byLink.Token, opened.Cookie, code(t, byLink.Entry.Key, c)); err != nil {
		t.Fatal(err)
	}
	byRequest, err := v.Add(ctx, "by request")
	if err != nil {
		t.Fatal(err)
	}
	request := verifier.NewRequestID("bearer", "1")
	if _, _, err := v.Confirm(ctx, "by request", code(t, byRequest.Entry.Key, c), request); err != nil {
		t.Fatal(err)
	}
	pending, err := v.Add(ctx, "pending")
	if err != nil {
		t.Fatal(err)
	}
	c.advance(-year)
	if seen, err := v.Peek(ctx, byLink.Token, opened.Cookie); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the recovery codes: %+v, %v, want ErrLink", seen, err)
	}
	if verdict, codes, err := v.Confirm(ctx, "by request", "000000", request); !errors.Is(err, verifier.ErrNotPending) || codes != nil {
		t.Errorf("the repeated confirmation: %+v, %v, want ErrNotPending", verdict, err)
	}
	if _, err := v.Open(ctx, pending.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the pending link: %v, want ErrLink", err)
	}
}

func beforeTheEpoch(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, _ := enrol(t, v, c, "alice")
	e, err := v.Rekey(t.Context(), "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	now := c.ms.Swap(-1_000)
	for _, code := range []string{"12345678", "1"} {
		if verdict, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", Code: code}); !errors.Is(err, totp.ErrBeforeEpoch) {
			t.Errorf("before 1970: %+v, %v, want no verdict", verdict, err)
		}
		if verdict, _, err := v.Confirm(t.Context(), "alice", code, verifier.RequestID{}); !errors.Is(err, totp.ErrBeforeEpoch) {
			t.Errorf("confirming before 1970: %+v, %v, want no verdict", verdict, err)
		}
	}
	c.ms.Store(now)
	c.advance(time.Minute)
	if got := check(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}); got != (verifier.Verdict{Valid: true}) {
		t.Errorf("afterwards: %+v, want nothing charged", got)
	}
	if verdict, _, err := v.Confirm(t.Context(), "alice", code(t, e.Entry.Key, c), verifier.RequestID{}); err != nil || verdict != (verifier.Verdict{Valid: true}) {
		t.Errorf("confirming afterwards: %+v, %v, want nothing charged", verdict, err)
	}
}

// A dead secret does not stay in the database.
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
