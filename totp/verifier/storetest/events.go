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

var events = []test{
	{"a witness is told of every change and verdict", everyEvent},
	{"a witness is told what a verdict has cost", costs},
	{"a verdict that cannot be witnessed is none, and its code is used", unwitnessed},
	{"a witness that is not ready costs no code and changes nothing", notReady},
	{"a guess whose caller leaves is witnessed, and nothing is begun afterwards", callerLeft},
}

// A witness keeps what it is told.
type witness struct {
	told        []verifier.Event
	down, fails error
	asked       func() // by Ready; may be nil
}

func (w *witness) Ready() error {
	if w.asked != nil {
		w.asked()
	}
	return w.down
}

func (w *witness) Tell(_ context.Context, events ...verifier.Event) error {
	if w.fails == nil {
		w.told = append(w.told, events...)
	}
	return w.fails
}

// take returns what was told since the last take, a line each.
func (w *witness) take() (lines []string) {
	for _, e := range w.told {
		line := fmt.Sprintf("%s %q by %s", e.Kind, e.Account+e.To, e.Origin.By)
		switch {
		case e.Refusal != "":
			line += fmt.Sprintf(" refused %s, free %t", e.Refusal, e.Free)
		case e.IsVerdict():
			line += fmt.Sprintf(" valid %t%s, failures %d, recent %d, free %t, stopped %t, repeated %t, recovery %t",
				e.Verdict.Valid, e.Verdict.Reason, e.Failures, e.Recent, e.Free, e.Stopped, e.Verdict.Repeated, e.Recovery)
		}
		lines = append(lines, line)
	}
	w.told = nil
	return lines
}

func (w *witness) want(t *testing.T, lines ...string) {
	t.Helper()
	if got := w.take(); !slices.Equal(got, lines) {
		t.Errorf("the witness was told\n%q, want\n%q", got, lines)
	}
}

func witnessed(t *testing.T, open Open) (*verifier.Verifier, *witness, *clock, totp.Key) {
	t.Helper()
	c, k, w := newClock(), key(t), &witness{}
	v, err := verifier.New(verifier.Config{Store: open(t), Clock: c.now, Key: k, Skew: 1, New: totp.DefaultScheme(), Witness: w, RefusalTime: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return v, w, c, k
}

func everyEvent(t *testing.T, open Open) {
	v, w, c, _ := witnessed(t, open)
	ctx := verifier.WithOrigin(t.Context(), &verifier.Origin{By: "me"})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	e, err := v.Add(ctx, "alice")
	must(err)
	w.want(t, `account.add "alice" by me`)
	opened, err := v.Open(ctx, e.Token, "")
	must(err)
	_, err = v.Open(ctx, e.Token, opened.Cookie)
	must(err)
	w.want(t, `link.open "alice" by me`)
	_, _, err = v.ConfirmByLink(ctx, e.Token, opened.Cookie, wrong(e.Entry.Key, c, 1)[0])
	must(err)
	_, _, err = v.ConfirmByLink(ctx, e.Token, opened.Cookie, code(t, e.Entry.Key, c))
	must(err)
	w.want(t, `confirm "alice" by me valid falseinvalid, failures 1, recent 0, free false, stopped false, repeated false, recovery false`,
		`confirm "alice" by me valid true, failures 1, recent 0, free false, stopped false, repeated false, recovery false`)
	must(v.Acknowledge(ctx, e.Token, opened.Cookie))
	_, err = v.RecoveryCodes(ctx, "alice")
	must(err)
	l, err := v.RecoveryLink(ctx, "alice")
	must(err)
	_, err = v.Open(ctx, l.Token, "")
	must(err)
	must(v.Disable(ctx, "alice"))
	must(v.Unlock(ctx, "alice"))
	_, err = v.Rekey(ctx, "alice", false)
	must(err)
	_, err = v.Rekey(ctx, "alice", true)
	must(err)
	must(v.Rename(ctx, "alice", "bob"))
	must(v.Remove(ctx, "bob"))
	must(v.Disable(ctx, ""))
	w.want(t, `link.acknowledge "alice" by me`, `account.recovery_codes "alice" by me`,
		`account.recovery_link "alice" by me`, `link.open "alice" by me`, `account.recovery_codes "alice" by me`, `account.disable "alice" by me`, `account.unlock "alice" by me`,
		`account.rekey "alice" by me`, `account.revoke "alice" by me`, `account.rename "alicebob" by me`, `account.remove "bob" by me`, `account.disable "" by me`)
	imported := []verifier.NewAccount{{Name: "carol", Entry: totp.Entry{Key: key(t)}}, {Name: "dave", Entry: totp.Entry{Key: key(t)}}}
	for _, o := range []verifier.ImportOptions{{DryRun: true}, {}, {}, {Replace: true}} {
		_, err = v.Import(ctx, imported, o)
		must(err)
		imported[0].Entry.Key = key(t)
	}
	w.want(t, `account.import "carol" by me`, `account.import "dave" by me`, `account.replace "carol" by me`)
	must(v.Refuse(ctx, verifier.RefusedBearer))
	w.want(t, `refuse "" by me refused unauthorized, free true`)
	_, err = v.Fence(ctx, false)
	must(err)
	w.want(t, `fence "" by me`)
	for _, err := range []error{v.Remove(ctx, "nobody"), v.Disable(ctx, "nobody"), v.Rename(ctx, "carol", "dave")} {
		if err == nil {
			t.Error("a change that cannot be made was made")
		}
	}
	w.want(t)
}

func costs(t *testing.T, open Open) {
	v, w, c, k := witnessed(t, open)
	bad, good := wrong(k, c, 3), verifier.Attempt{Code: code(t, k, c), Request: verifier.NewRequestID("bearer")}
	for _, a := range []verifier.Attempt{
		{Code: bad[0]}, {Code: "12"}, good, good, {Code: good.Code}, {Code: bad[0]}, {Code: bad[1]}, {Code: bad[2]}, {Code: bad[0]}, {Code: bad[0]},
		{RecoveryCode: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	} {
		check(t, v, a)
	}
	for _, name := range []string{"hunter2", "hunter\t2"} {
		if _, err := v.Check(t.Context(), verifier.Attempt{Account: name, Code: "123456"}); err == nil {
			t.Errorf("%q has a verdict", name)
		}
	}
	const rest = ", stopped false, repeated false, recovery false"
	w.want(t,
		`check "" by  valid falseinvalid, failures 1, recent 1, free false`+rest,
		`check "" by  valid falsemalformed, failures 1, recent 1, free true`+rest,
		`check "" by  valid true, failures 1, recent 1, free false`+rest,
		`check "" by  valid true, failures 1, recent 1, free false, stopped false, repeated true, recovery false`,
		`check "" by  valid falsereplayed, failures 0, recent 1, free true`+rest,
		`check "" by  valid falseinvalid, failures 1, recent 2, free false`+rest,
		`check "" by  valid falseinvalid, failures 2, recent 3, free false`+rest,
		`check "" by  valid falseinvalid, failures 3, recent 4, free false`+rest,
		`check "" by  valid falsethrottled, failures 3, recent 4, free true`+rest,
		`check "" by  valid falsethrottled, failures 3, recent 4, free true`+rest,
		`check "" by  valid falseinvalid, failures 3, recent 1, free true, stopped false, repeated false, recovery true`,
		`check "" by  refused no_account, free true`, `check "" by  refused bad_account, free true`)
	for i := 4; i <= 100; i++ {
		c.advance(time.Hour)
		check(t, v, verifier.Attempt{Code: wrong(k, c, 1)[0]})
	}
	told := w.take()
	if last := told[len(told)-1]; last != `check "" by  valid falseinvalid, failures 100, recent 101, free false, stopped true, repeated false, recovery false` {
		t.Errorf("the hundredth wrong code in a row: %s", last)
	}
}

var errWitness = errors.New("the witness has lost its pen")

func unwitnessed(t *testing.T, open Open) {
	v, w, c, k := witnessed(t, open)
	a := verifier.Attempt{Code: code(t, k, c), Request: verifier.NewRequestID("bearer")}
	w.fails = errWitness
	if verdict, err := v.Check(t.Context(), a); !errors.Is(err, verifier.ErrWitness) || !errors.Is(err, errWitness) || verdict != (verifier.Verdict{}) {
		t.Errorf("Check: %+v, %v", verdict, err)
	}
	if _, err := v.Check(t.Context(), verifier.Attempt{Account: "nobody"}); !errors.Is(err, verifier.ErrWitness) || errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Check of nobody: %v", err)
	}
	if e, err := v.Add(t.Context(), "alice"); !errors.Is(err, verifier.ErrWitness) || e.Token != "" {
		t.Errorf("Add: %+v, %v", e, err)
	}
	w.fails = nil
	if _, err := v.Show(t.Context(), "alice"); err != nil {
		t.Errorf("what was committed is gone: %v", err)
	}
	if got := check(t, v, a); !got.Valid || !got.Repeated {
		t.Errorf("the repeated request: %+v", got)
	}
	w.want(t, `check "" by  valid true, failures 0, recent 0, free false, stopped false, repeated true, recovery false`)
	wantReason(t, v, verifier.Attempt{Code: a.Code}, verifier.ReasonReplayed)
}

func notReady(t *testing.T, open Open) {
	v, w, c, k := witnessed(t, open)
	if err := v.AddActive(t.Context(), verifier.NewAccount{Name: "alice", Entry: totp.Entry{Key: key(t)}}); err != nil {
		t.Fatal(err)
	}
	w.down = errWitness
	_, checked := v.Check(t.Context(), verifier.Attempt{Code: code(t, k, c)})
	_, added := v.Add(t.Context(), "bob")
	_, _, confirmed := v.Confirm(t.Context(), "alice", "123456", verifier.RequestID{})
	_, imported := v.Import(t.Context(), []verifier.NewAccount{{Name: "carol", Entry: totp.Entry{Key: key(t)}}}, verifier.ImportOptions{})
	for i, err := range []error{checked, added, confirmed, imported, v.Disable(t.Context(), "alice"), v.Remove(t.Context(), "alice"), v.Rename(t.Context(), "alice", "dave"), v.Refuse(t.Context(), verifier.RefusedLink)} {
		if !errors.Is(err, verifier.ErrWitness) {
			t.Errorf("%d: %v", i, err)
		}
	}
	w.down = nil
	if page, _, err := v.List(t.Context(), verifier.Query{}, 9); err != nil || len(page) != 1 || page[0].Name != "alice" || page[0].Status != verifier.StatusActive {
		t.Errorf("the accounts are %+v, %v", page, err)
	}
	if got := check(t, v, verifier.Attempt{Code: code(t, k, c)}); !got.Valid {
		t.Errorf("the code was used up for nothing: %+v", got)
	}
}

func callerLeft(t *testing.T, open Open) {
	v, w, c, k := witnessed(t, open)
	ctx, leave := context.WithCancel(t.Context())
	w.asked = leave
	if verdict, err := v.Check(ctx, verifier.Attempt{Code: wrong(k, c, 1)[0]}); err != nil || verdict.Reason != verifier.ReasonInvalid {
		t.Errorf("%+v, %v", verdict, err)
	}
	w.want(t, `check "" by  valid falseinvalid, failures 1, recent 1, free false, stopped false, repeated false, recovery false`)
	imported := []verifier.NewAccount{{Name: "carol", Entry: totp.Entry{Key: key(t)}}}
	if _, err := v.Import(ctx, imported, verifier.ImportOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("an import that was stopped before: %v", err)
	}
	w.want(t)
}
