package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// accounts are the lives of stored accounts.
var accounts = []test{
	{"an account from pending to removed", lifeOfAnAccount},
	{"a rekey swaps keys at the first good code", rekeyed},
	{"a confirmation is told again", confirmedAgain},
	{"recovery codes are good once each", recoveryCodes},
	{"wrong recovery codes are counted, and keep nobody waiting", wrongRecoveryCodes},
	{"recovery codes of earlier versions stay good", oldRecoveryCodes},
	{"the hundredth failure stops a key", stopped},
	{"a stopped account has ways back", waysBack},
	{"a disabled account has no way back", disabledByAPerson},
	{"a revoked key is gone", revoked},
	{"no code of Steam is good", steamKey},
	{"what revokes ends remembered answers", forgottenAnswers},
}

func lifeOfAnAccount(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil || e.Entry.Issuer != "issuer" || e.Entry.Account != "alice" || e.Entry.Key.Algorithm() != totp.SHA256 || e.Entry.Key.Digits() != 8 {
		t.Fatalf("Add: %+v, %v", e, err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, verifier.ReasonPending)
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
		want := verifier.Verdict{Reason: verifier.ReasonInvalid}
		if i == 2 { // the code that starts a wait tells it, also when it is repeated
			want.RetryAfter = 30 * time.Second
		}
		request := verifier.NewRequestID("bearer", guess)
		for range 2 {
			if verdict, _, err := v.Confirm(t.Context(), "alice", guess, request); err != nil || verdict != want {
				t.Errorf("wrong code %d for the pending key: %+v, %v, want %+v", i, verdict, err, want)
			}
			want.Repeated = true
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

// confirmedAgain wants that the same request, and no other, gets a confirmation again,
// recovery codes included.
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

// wrongRecoveryCodes wants that an operator sees them: nothing else tells of who guesses them
// or has an old list.
func wrongRecoveryCodes(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	_, codes := enrol(t, v, c, "alice")
	begin := c.now().UTC()
	want := func(what string, n int) {
		t.Helper()
		info, err := v.Show(t.Context(), "alice")
		if err != nil || info.RecentRecovery != (verifier.Tally{Failures: n, Since: begin}) || info.Failures != 0 || info.Recent.Failures != 0 {
			t.Errorf("%s: %+v, %v; want %d wrong recovery codes", what, info, err, n)
		}
	}
	for range 4 {
		wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: strings.Repeat("A", 24)}, verifier.ReasonInvalid)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: "short"}, verifier.ReasonMalformed)
	c.advance(time.Hour)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.ReasonInvalid)
	want("four wrong codes and one that was used", 5)
	e, err := v.Rekey(t.Context(), "alice", true)
	if err != nil {
		t.Fatal(err)
	}
	confirm(t, v, c, "alice", e.Entry.Key)
	want("after a new key", 5)
	for range 1000 {
		wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[1]}, verifier.ReasonInvalid)
	}
	want("after very many", 999)
}

// oldRecoveryCodes wants that both lengths are read, as people type them.
func oldRecoveryCodes(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	_, fresh := enrol(t, v, c, "alice")
	if len(fresh[0]) != 24 {
		t.Errorf("a recovery code has %d letters, want 24: 120 random bits", len(fresh[0]))
	}
	entry, err := totp.NewEntry("", "bob", key(t))
	if err != nil {
		t.Fatal(err)
	}
	old := "4GD6AFYAKRKCGVPIVPHU5IHNKK" // 26 letters
	if err := v.AddActive(t.Context(), verifier.NewAccount{Name: "bob", Entry: entry, Recovery: []string{old, fresh[1]}}); err != nil {
		t.Fatal(err)
	}
	for account, typed := range map[string]string{"alice": fresh[0], "bob": old} {
		spaced := ""
		for i, r := range strings.ToLower(typed) {
			if i%4 == 0 {
				spaced += " "
			}
			spaced += string(r)
		}
		wantReason(t, v, verifier.Attempt{Account: account, RecoveryCode: spaced}, "")
	}
	for _, n := range []int{1, 23, 25, 27} {
		wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: strings.Repeat("A", n)}, verifier.ReasonMalformed)
	}
}

// stopped wants that guesses stop a key, and not its owner: recovery codes and the first
// code of a new key are good (NIST SP 800-63B-4 section 3.2.2).
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

// disabledByAPerson wants that only a person brings a disabled account back.
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

// forgottenAnswers wants that what revokes also ends a remembered answer.
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
