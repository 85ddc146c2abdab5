package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// fences are what is good after a Fence.
var fences = []test{
	{"after a fence no code up to the present step and the skew is good", fenceVoidsCodes},
	{"a fence holds for a default account that has no row", fenceOfTheDefaultAccount},
	{"a fence holds for the default accounts of other secrets", fenceOfOtherDefaultAccounts},
	{"a fence lowers no last step", fenceLowersNothing},
	{"a fence voids recovery codes until they are renewed", fenceVoidsRecoveryCodes},
	{"a fence can keep recovery codes", fenceKeepsRecoveryCodes},
	{"a fence ends links, answers and confirmations", fenceEndsLinks},
	{"a fence keeps failures, waits and what has stopped an account", fenceKeepsTheRest},
	{"a fence by a clock before 1970 changes nothing", fenceBeforeTheEpoch},
}

func mustFence(t *testing.T, v *verifier.Verifier, keepRecovery bool) verifier.Fenced {
	t.Helper()
	done, err := v.Fence(t.Context(), keepRecovery)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// withSkew returns a Verifier without a default account.
func withSkew(t *testing.T, s verifier.Store, c *clock, skew int) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{Store: s, Clock: c.now, Skew: skew, New: totp.DefaultScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func fenceVoidsCodes(t *testing.T, open Open) {
	s, c := open(t), newClock()
	periods := []time.Duration{time.Second, 30 * time.Second, time.Minute, 24 * time.Hour}
	for skew := range totp.MaxSkew + 1 {
		v, keys := withSkew(t, s, c, skew), map[string]totp.Key{}
		for _, period := range periods {
			k, err := totp.GenerateKey(totp.Scheme{Algorithm: totp.SHA512, Digits: totp.MaxDigits, Period: period})
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("skew %d, %v", skew, period)
			if err := v.AddActive(t.Context(), verifier.NewAccount{Name: name, Entry: totp.Entry{Account: name, Key: k}}); err != nil {
				t.Fatal(err)
			}
			keys[name] = k
		}
		mustFence(t, v, false)
		for name, k := range keys {
			testFenced(t, s, c.now(), name, k, skew)
		}
	}
}

// testFenced moves a clock of its own through the steps around a fence.
func testFenced(t *testing.T, s verifier.Store, at time.Time, name string, k totp.Key, skew int) {
	t.Helper()
	c := newClock()
	v := withSkew(t, s, c, skew)
	offer := func(at time.Time) verifier.Verdict {
		code, err := k.Code(at)
		if err != nil {
			t.Fatal(err)
		}
		return check(t, v, verifier.Attempt{Account: name, Code: code})
	}
	for steps := -skew; steps <= skew; steps++ {
		if got := offer(at.Add(time.Duration(steps) * k.Period())); got != (verifier.Verdict{Reason: verifier.ReasonReplayed}) {
			t.Errorf("%s: the code of step %+d: %+v, want replayed", name, steps, got)
		}
	}
	c.advance(time.Duration(skew+1) * k.Period())
	if got := offer(c.now()); !got.Valid || got.SkewSteps != 0 {
		t.Errorf("%s: the first code after the fence: %+v, want valid", name, got)
	}
}

func fenceOfTheDefaultAccount(t *testing.T, open Open) {
	v, c, k := fixture(t, open)
	if done := mustFence(t, v, false); done.Accounts != 1 {
		t.Errorf("%+v, want the default account", done)
	}
	wantReason(t, v, verifier.Attempt{Code: code(t, k, c)}, verifier.ReasonReplayed)
	c.advance(2 * k.Period())
	wantReason(t, v, verifier.Attempt{Code: code(t, k, c)}, "")
	mustFence(t, v, false)
	c.advance(k.Period())
	wantReason(t, v, verifier.Attempt{Code: code(t, k, c)}, verifier.ReasonReplayed)
}

// Who makes the fence may have another secret in the configuration than the servers, or none.
func fenceOfOtherDefaultAccounts(t *testing.T, open Open) {
	s, c := open(t), newClock()
	for what, secret := range map[string]totp.Key{"none": {}, "another": freshKey(t)} {
		k := freshKey(t)
		server := verifierWith(t, s, c, k)
		wantReason(t, server, verifier.Attempt{Code: code(t, k, c)}, "")
		c.advance(k.Period())
		mustFence(t, verifierWith(t, s, c, secret), false)
		if got := check(t, server, verifier.Attempt{Code: code(t, k, c)}); got.Reason != verifier.ReasonReplayed {
			t.Errorf("a fence with the secret %s: %+v, want replayed", what, got)
		}
	}
}

func freshKey(t *testing.T) totp.Key {
	t.Helper()
	k, err := totp.GenerateKey(totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func verifierWith(t *testing.T, s verifier.Store, c *clock, k totp.Key) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{Store: s, Clock: c.now, Key: k, Skew: 1, New: totp.DefaultScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func fenceLowersNothing(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, _ := enrol(t, v, c, "alice")
	enrol(t, v, c, "bob")
	c.advance(time.Hour)
	ahead := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, ahead, "")
	c.advance(-time.Hour)
	if done := mustFence(t, v, false); done != (verifier.Fenced{Accounts: 3, Ahead: 1}) {
		t.Errorf("%+v, want three accounts, of which alice is ahead", done)
	}
	c.advance(time.Hour)
	wantReason(t, v, ahead, verifier.ReasonReplayed)
}

func fenceVoidsRecoveryCodes(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	_, codes := enrol(t, v, c, "alice")
	mustFence(t, v, false)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.ReasonInvalid)
	if info, err := v.Show(t.Context(), "alice"); err != nil || info.RecoveryLeft != 0 || info.Status != verifier.StatusActive {
		t.Errorf("Show: %+v, %v, want no recovery code left", info, err)
	}
	fresh, err := v.RecoveryCodes(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if got := check(t, v, verifier.Attempt{Account: "alice", RecoveryCode: fresh[0]}); !got.Valid || got.RecoveryLeft != 9 {
		t.Errorf("a renewed recovery code: %+v", got)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[1]}, verifier.ReasonInvalid)
}

func fenceKeepsRecoveryCodes(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	_, codes := enrol(t, v, c, "alice")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, "")
	mustFence(t, v, true)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.ReasonInvalid)
	if got := check(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[1]}); !got.Valid || got.RecoveryLeft != 8 {
		t.Errorf("an unused recovery code: %+v", got)
	}
}

func fenceEndsLinks(t *testing.T, open Open) {
	v, c, k := fixture(t, open)
	ctx := t.Context()
	pending, err := v.Add(ctx, "pending")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := v.Add(ctx, "kept")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := v.Open(ctx, kept.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, verdict, err := v.ConfirmByLink(ctx, kept.Token, opened.Cookie, code(t, kept.Entry.Key, c)); err != nil || !verdict.Valid {
		t.Fatalf("%+v, %v", verdict, err)
	}
	answered := verifier.Attempt{Code: code(t, k, c), Request: verifier.NewRequestID("bearer", "1")}
	wantReason(t, v, answered, "")
	mustFence(t, v, true)
	if _, err := v.Peek(ctx, pending.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the pending link: %v, want ErrLink", err)
	}
	if seen, err := v.Peek(ctx, kept.Token, opened.Cookie); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the confirmed link: %+v, %v, want ErrLink", seen, err)
	}
	wantReason(t, v, answered, verifier.ReasonReplayed)
	if verdict, _, err := v.Confirm(ctx, "pending", code(t, pending.Entry.Key, c), verifier.RequestID{}); !errors.Is(err, verifier.ErrNotPending) {
		t.Errorf("confirming the pending key: %+v, %v, want ErrNotPending", verdict, err)
	}
	if _, err := v.Add(ctx, "pending"); err != nil {
		t.Errorf("adding it anew: %v", err)
	}
}

func fenceKeepsTheRest(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	guessed, _ := enrol(t, v, c, "guessed")
	enrol(t, v, c, "disabled")
	enrol(t, v, c, "revoked")
	for _, guess := range wrong(guessed, c, 3) {
		wantReason(t, v, verifier.Attempt{Account: "guessed", Code: guess}, verifier.ReasonInvalid)
	}
	if err := v.Disable(t.Context(), "disabled"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Rekey(t.Context(), "revoked", true); err != nil {
		t.Fatal(err)
	}
	mustFence(t, v, false)
	for name, want := range map[string]verifier.Status{"guessed": verifier.StatusWaiting, "disabled": verifier.StatusDisabled, "revoked": verifier.StatusStopped} {
		if info, err := v.Show(t.Context(), name); err != nil || info.Status != want || name == "guessed" && info.Failures != 3 {
			t.Errorf("%s: %+v, %v, want %s", name, info, err, want)
		}
	}
}

func fenceBeforeTheEpoch(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	_, codes := enrol(t, v, c, "alice")
	now := c.ms.Swap(-1_000)
	if _, err := v.Fence(context.Background(), false); !errors.Is(err, totp.ErrBeforeEpoch) {
		t.Errorf("%v, want ErrBeforeEpoch", err)
	}
	c.ms.Store(now)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, "")
}
