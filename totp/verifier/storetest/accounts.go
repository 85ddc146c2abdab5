package storetest

import (
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
	c, k := newClock(), key(t, "default")
	return newVerifier(t, open(t), k, c), c, k
}

func enrol(t *testing.T, v *verifier.Verifier, c *clock, name string) (totp.Key, []string) {
	t.Helper()
	e, err := v.Add(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return e.Key, confirm(t, v, c, name, e.Key)
}

func confirm(t *testing.T, v *verifier.Verifier, c *clock, name string, k totp.Key) []string {
	t.Helper()
	verdict, codes, err := v.Confirm(t.Context(), name, code(t, k, c))
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
	if err != nil || e.Key.Issuer() != "issuer" || e.Key.Account() != "alice" || e.Key.Algorithm() != totp.SHA256 || e.Key.Digits() != 8 {
		t.Fatalf("Add: %+v, %v", e, err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Key, c)}, verifier.NotYet)
	if _, err := v.Add(ctx, "alice"); !errors.Is(err, verifier.ErrExists) {
		t.Errorf("adding a pending account again: %v, want ErrExists", err)
	}
	c.advance(verifier.DefaultPendingTime)
	if _, _, err := v.Confirm(ctx, "alice", code(t, e.Key, c)); !errors.Is(err, verifier.ErrNotPending) {
		t.Errorf("confirming too late: %v, want ErrNotPending", err)
	}
	k, _ := enrol(t, v, c, "alice") // an expired one is replaced
	used := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, used, verifier.Replayed) // by its confirmation
	c.advance(time.Minute)
	next := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, next, "")
	if err := v.Disable(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, verifier.Disabled)
	if err := v.Unlock(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, next, verifier.Replayed)
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
	e, err := v.Rekey(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	for i, guess := range wrong(e.Key, c, 3) {
		if verdict, _, err := v.Confirm(t.Context(), "alice", guess); err != nil || verdict.Reason != verifier.Invalid {
			t.Errorf("wrong code %d for the pending key: %+v, %v", i, verdict, err)
		}
	}
	if verdict, _, err := v.Confirm(t.Context(), "alice", code(t, e.Key, c)); err != nil || verdict.Reason != verifier.Throttled {
		t.Errorf("after three wrong codes for the pending key: %+v, %v", verdict, err)
	}
	c.advance(time.Minute)
	if got := check(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}); got != (verifier.Verdict{Valid: true}) {
		t.Errorf("the live key meanwhile: %+v", got)
	}
	fresh := confirm(t, v, c, "alice", e.Key)
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}, verifier.Invalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Key, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.Invalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: fresh[0]}, "")
}

func recoveryCodes(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, codes := enrol(t, v, c, "alice")
	_, others := enrol(t, v, c, "bob")
	for _, guess := range wrong(k, c, 3) {
		wantReason(t, v, verifier.Attempt{Account: "alice", Code: guess}, verifier.Invalid)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: wrong(k, c, 1)[0]}, verifier.Throttled)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: others[0]}, verifier.Invalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: "short"}, verifier.Malformed)
	for i, code := range codes {
		a := verifier.Attempt{Account: "alice", RecoveryCode: code, Request: verifier.NewRequestID("bearer", fmt.Sprint(i))}
		want := verifier.Verdict{Valid: true, Recovery: true, RecoveryLeft: 9 - i}
		if got := check(t, v, a); got != want {
			t.Errorf("recovery code %d: %+v, want %+v", i, got, want)
		}
		if got := check(t, v, a); got != want {
			t.Errorf("recovery code %d, repeated: %+v, want %+v", i, got, want)
		}
		a.Request = verifier.RequestID{}
		wantReason(t, v, a, verifier.Invalid)
	}
	fresh, err := v.RecoveryCodes(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Disable(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: fresh[0]}, verifier.Disabled)
}

func stopped(t *testing.T, open Open) {
	v, c, k := fixture(t, open)
	stop(t, v, c, "", k)
	k, _ = enrol(t, v, c, "alice")
	stop(t, v, c, "alice", k)
}

func stop(t *testing.T, v *verifier.Verifier, c *clock, name string, k totp.Key) {
	t.Helper()
	for range 100 {
		c.advance(time.Hour)
		wantReason(t, v, verifier.Attempt{Account: name, Code: wrong(k, c, 1)[0]}, verifier.Invalid)
	}
	c.advance(time.Hour)
	wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, k, c)}, verifier.Disabled)
	info, err := v.Show(t.Context(), name)
	if err != nil || info.Status != verifier.StatusDisabled || info.Failures != 100 {
		t.Errorf("Show(%q): %+v, %v", name, info, err)
	}
	if err := v.Unlock(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Account: name, Code: wrong(k, c, 1)[0]}, verifier.Invalid)
	wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, k, c)}, "")
}

func link(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if name, err := v.Peek(ctx, e.Token, ""); name != "alice" || err != nil {
		t.Errorf("Peek: %q, %v", name, err)
	}
	if _, err := v.Open(ctx, e.Token+"A", ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("a mistyped link: %v", err)
	}
	opened, err := v.Open(ctx, e.Token, "chosen")
	if err != nil || opened.Key.URI() != e.Key.URI() || opened.Browser == "chosen" {
		t.Errorf("Open: %v, %v", opened.Key, err)
	}
	mine := opened.Browser
	if again, err := v.Open(ctx, e.Token, mine); err != nil || again.Browser != mine {
		t.Errorf("Open again: %v, %v", again.Key, err)
	}
	if _, err := v.Open(ctx, e.Token, "chosen"); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("Open with a cookie from before: %v, want ErrLink", err)
	}
	if _, err := v.Open(ctx, e.Token, "theirs"); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("another browser: %v, want ErrLink", err)
	}
	if _, _, err := v.ConfirmByLink(ctx, e.Token, "theirs", code(t, e.Key, c)); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("another browser confirms: %v, want ErrLink", err)
	}
	verdict, codes, err := v.ConfirmByLink(ctx, e.Token, mine, code(t, e.Key, c))
	if err != nil || !verdict.Valid || len(codes) != 10 {
		t.Errorf("ConfirmByLink: %+v, %v", verdict, err)
	}
	if _, err := v.Open(ctx, e.Token, mine); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("a used link: %v, want ErrLink", err)
	}
}
