package storetest

import (
	"errors"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// clocks are what wrong ones must not do.
var clocks = []test{
	{"a clock that was ahead locks nobody out", clockWasAhead},
	{"a clock that is slow frees no used code", clockIsSlow},
	{"links of a clock ahead do not last", linksOfAClockAhead},
	{"a clock before 1970 gives no verdict", beforeTheEpoch},
}

// clockWasAhead wants that times which a wrong clock has left in the database keep nobody
// out for longer than right ones would.
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

// clockIsSlow wants that a slow clock does not make good again what was used by the right
// clock.
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

// linksOfAClockAhead wants that what was written while the clock was ahead does not last
// for longer than it would by a right clock.
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
