package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// imports are what AddAll promises, and what Import does with it.
var imports = []test{
	{"many accounts are added and changed at once", addedAtOnce},
	{"many accounts are added or none", addedOrNone},
	{"a cancelled AddAll adds nothing", cancelledAddAll},
	{"concurrent AddAlls add each account once", concurrentAddAlls},
	{"an AddAll and verdicts lose nothing of each other", addAllAmidVerdicts},
	{"an imported account is active at once", imported},
	{"an import leaves out what does not fit", importLeavesOut},
	{"an import that is repeated undoes nothing", importedAgain},
	{"an import replaces where it may", importReplaces},
	{"a strict import takes all or nothing", strictImport},
	{"thousands of accounts are imported", importedThousands},
}

func none(map[int]verifier.Loaded) (map[int]verifier.Account, error) { return nil, nil }

func addedAtOnce(t *testing.T, open Open) {
	s := open(t)
	old := full(t, "b")
	add(t, s, old)
	add(t, s, full(t, "kept"))
	next := full(t, "b")
	next.State, next.Recovery, next.Pending.Token = verifier.State{LastStep: 1 << 41}, "other", "another token"
	all := []verifier.Account{full(t, "z"), full(t, "kept"), full(t, "b"), full(t, "a:b \u05d0\u200f' \"%_\\<&>"), {ID: "empty"}}
	err := s.AddAll(t.Context(), all, func(stored map[int]verifier.Loaded) (map[int]verifier.Account, error) {
		if len(stored) != 2 || stored[1].Account.ID != "kept" || !same(stored[2].Account, old) {
			t.Errorf("stored: %+v", stored)
		}
		return map[int]verifier.Account{2: next}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all[2] = next
	for _, s := range []verifier.Store{s, open(t)} {
		for i, want := range all {
			if got := load(t, s, want.ID); i != 1 && !same(got, want) {
				t.Errorf("account %d:\n%+v, want\n%+v", i, got, want)
			}
		}
	}
	for token, want := range map[string]string{"token of z": "z", "another token": "b"} {
		if id, err := s.FindToken(t.Context(), token); id != want || err != nil {
			t.Errorf("FindToken(%s): %q, %v, want %s", token, id, err, want)
		}
	}
}

func addedOrNone(t *testing.T, open Open) {
	s, failure := open(t), errors.New("no")
	old := full(t, "b")
	add(t, s, old)
	refuse := func(map[int]verifier.Loaded) (map[int]verifier.Account, error) {
		return map[int]verifier.Account{1: {ID: "b"}}, failure
	}
	if err := s.AddAll(t.Context(), []verifier.Account{{ID: "a"}, {ID: "b"}, {ID: "c"}}, refuse); !errors.Is(err, failure) {
		t.Errorf("AddAll: %v, want the error of edit", err)
	}
	if err := s.AddAll(t.Context(), []verifier.Account{{ID: "a"}, {ID: "c"}, {ID: "a"}}, none); err == nil {
		t.Error("AddAll takes two accounts of one ID")
	}
	if err := s.AddAll(t.Context(), nil, none); err != nil {
		t.Errorf("AddAll of nothing: %v", err)
	}
	wantAccounts(t, s, "b")
	if got := load(t, s, "b"); !same(got, old) {
		t.Errorf("the account that exists is %+v, want it unchanged", got)
	}
}

func wantAccounts(t *testing.T, s verifier.Store, ids ...string) {
	t.Helper()
	page, err := s.List(t.Context(), verifier.Range{From: " "}, 100)
	if err != nil || len(page) != len(ids) {
		t.Fatalf("%d accounts, %v, want %q", len(page), err, ids)
	}
	for i, a := range page {
		if a.ID != ids[i] || a.Damaged {
			t.Errorf("account %d is %+v, want %s", i, a, ids[i])
		}
	}
}

func cancelledAddAll(t *testing.T, open Open) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.AddAll(ctx, []verifier.Account{{ID: "a"}}, none); !errors.Is(err, context.Canceled) {
		t.Errorf("AddAll: %v, want that it is cancelled", err)
	}
	wantAccounts(t, open(t))
}

// concurrentAddAlls has several stores add the same accounts, in batches that overlap.
func concurrentAddAlls(t *testing.T, open Open) {
	stores := []verifier.Store{open(t), open(t)}
	const accounts, batch = 60, 20
	var added atomic.Int32
	var all sync.WaitGroup
	for from := 0; from < accounts; from += batch / 2 {
		all.Go(func() {
			var some []verifier.Account
			for i := range batch {
				some = append(some, verifier.Account{ID: fmt.Sprintf("%02d", (from+batch-i)%accounts)})
			}
			var n int
			err := stores[from/batch%2].AddAll(t.Context(), some, func(stored map[int]verifier.Loaded) (map[int]verifier.Account, error) {
				n = batch - len(stored)
				return nil, nil
			})
			if err != nil {
				t.Error(err)
			}
			added.Add(int32(n))
		})
	}
	all.Wait()
	page, err := stores[0].List(t.Context(), verifier.Range{}, 100)
	if err != nil || len(page) != accounts || added.Load() != accounts {
		t.Errorf("%d accounts, %d were told as added, %v, want %d", len(page), added.Load(), err, accounts)
	}
}

// addAllAmidVerdicts wants that neither an AddAll nor a verdict that runs beside it writes
// over what the other has written.
func addAllAmidVerdicts(t *testing.T, open Open) {
	stores := []verifier.Store{open(t), open(t)}
	ids, accounts := []string{"a", "b", "c"}, []verifier.Account{}
	for _, id := range ids {
		add(t, stores[0], verifier.Account{ID: id})
		accounts = append(accounts, verifier.Account{ID: id})
	}
	const rounds = 30
	count := func(stored map[int]verifier.Loaded) (map[int]verifier.Account, error) {
		next := map[int]verifier.Account{}
		for i, l := range stored {
			l.Account.State.Throttle.Failures++
			next[i] = l.Account
		}
		return next, nil
	}
	var all sync.WaitGroup
	for i := range rounds {
		all.Go(func() {
			if err := stores[i%2].AddAll(t.Context(), accounts, count); err != nil {
				t.Error(err)
			}
		})
		for _, id := range ids {
			all.Go(func() {
				if err := stores[(i+1)%2].Decide(t.Context(), id, addFailure); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for _, id := range ids {
		if got := load(t, stores[0], id).State.Throttle.Failures; got != 2*rounds {
			t.Errorf("%d of %d changes are in the state of %s", got, 2*rounds, id)
		}
	}
}

func newAccount(name string, k totp.Key, codes ...string) verifier.NewAccount {
	return verifier.NewAccount{Name: name, Entry: totp.Entry{Account: name, Key: k}, Recovery: codes}
}

func importAll(t *testing.T, v *verifier.Verifier, o verifier.ImportOptions, accounts ...verifier.NewAccount) []verifier.Imported {
	t.Helper()
	results, err := v.Import(t.Context(), accounts, o)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func wantOutcomes(t *testing.T, what string, got []verifier.Imported, want ...any) {
	t.Helper()
	for i, r := range got {
		switch w := want[i].(type) {
		case verifier.Outcome:
			if r != (verifier.Imported{Outcome: w}) {
				t.Errorf("%s, account %d: %+v, want %s", what, i, r, w)
			}
		case error:
			if r.Outcome != "" || !errors.Is(r.Err, w) {
				t.Errorf("%s, account %d: %+v, want %v", what, i, r, w)
			}
		}
	}
}

const (
	codeOne = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	codeTwo = "234567ABCDEFGHIJKLMNOPQRST"
)

func imported(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, ctx := key(t), t.Context()
	n := newAccount("alice", k, "abcdefgh-ijklmnop-qrstuvwxyz", codeTwo)
	n.Entry.Issuer = "A:B"
	wantOutcomes(t, "Import", importAll(t, v, verifier.ImportOptions{}, n), verifier.OutcomeAdded)
	info, err := v.Show(ctx, "alice")
	if err != nil || info.Status != verifier.StatusActive || info.RecoveryLeft != 2 || !info.Created.Equal(c.now()) || !info.PendingUntil.IsZero() {
		t.Errorf("Show: %+v, %v", info, err)
	}
	if live, pending, err := v.Keys(ctx, "alice"); err != nil || live.Issuer != "A:B" || live.Account != "alice" || !live.Key.Equal(k) || !pending.Key.IsZero() {
		t.Errorf("Keys: %v, %v, %v", live, pending, err)
	}
	if _, _, err := v.Confirm(ctx, "alice", code(t, k, c), verifier.RequestID{}); !errors.Is(err, verifier.ErrNotPending) {
		t.Errorf("Confirm: %v, want ErrNotPending", err)
	}
	good := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, good, "")
	wantReason(t, v, good, verifier.ReasonReplayed)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codeOne}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codeOne}, verifier.ReasonInvalid)
}

func importLeavesOut(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	enrol(t, v, c, "taken")
	if _, err := v.Add(t.Context(), "expired"); err != nil {
		t.Fatal(err)
	}
	c.advance(verifier.DefaultPendingTime)
	if _, err := v.Add(t.Context(), "pending"); err != nil {
		t.Fatal(err)
	}
	steam, err := totp.GenerateKey(totp.SteamScheme())
	if err != nil {
		t.Fatal(err)
	}
	k, added := key(t), verifier.OutcomeAdded
	accounts := []verifier.NewAccount{newAccount("alice", k), newAccount("taken", key(t)), newAccount("pending", key(t)), newAccount("expired", k),
		newAccount("alice", key(t)), newAccount("alice", k), newAccount("a:b:c", k), newAccount("", k), newAccount("..", k),
		newAccount("short", k, "12345678"), newAccount("twice", k, codeOne, codeOne), newAccount("steam", steam), newAccount("coded", steam, codeOne)}
	want := []any{added, verifier.ErrExists, verifier.ErrExists, added,
		verifier.ErrTwice, verifier.OutcomeUnchanged, verifier.ErrName, verifier.ErrName, verifier.ErrName,
		verifier.ErrRecovery, verifier.ErrRecovery, added, verifier.ErrSteam}
	for range 2 {
		wantOutcomes(t, "dry run", importAll(t, v, verifier.ImportOptions{DryRun: true}, accounts...), want...)
	}
	wantOutcomes(t, "Import", importAll(t, v, verifier.ImportOptions{}, accounts...), want...)
	wantReason(t, v, verifier.Attempt{Account: "expired", Code: code(t, k, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "steam", Code: code(t, steam, c)}, verifier.ReasonMalformed)
	if page, _, err := v.List(t.Context(), verifier.Query{}, 10); err != nil || len(page) != 5 {
		t.Errorf("List: %+v, %v", page, err)
	}
}

func importedAgain(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k := key(t)
	n := newAccount("alice", k, codeOne)
	importAll(t, v, verifier.ImportOptions{}, n)
	used := verifier.Attempt{Account: "alice", Code: code(t, k, c)}
	wantReason(t, v, used, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codeOne}, "")
	for _, o := range []verifier.ImportOptions{{}, {Replace: true}, {Strict: true}, {Strict: true, Replace: true}} {
		wantOutcomes(t, fmt.Sprintf("%+v", o), importAll(t, v, o, n), verifier.OutcomeUnchanged)
		wantReason(t, v, used, verifier.ReasonReplayed)
		wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codeOne}, verifier.ReasonInvalid)
	}
}

func importReplaces(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx, k, replace := t.Context(), key(t), verifier.ImportOptions{Replace: true}
	old, codes := enrol(t, v, c, "alice")
	pending, err := v.Rekey(ctx, "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	a := verifier.Attempt{Account: "alice", Code: code(t, old, c), Request: verifier.NewRequestID("bearer", "1")}
	wantReason(t, v, a, "")
	for _, guess := range wrong(old, c, 3) {
		wantReason(t, v, verifier.Attempt{Account: "alice", Code: guess}, verifier.ReasonInvalid)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}, verifier.ReasonThrottled)
	enrol(t, v, c, "bob")
	if err := v.Disable(ctx, "bob"); err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, "Import", importAll(t, v, replace, newAccount("alice", k, codeOne), newAccount("bob", k), newAccount("carol", k)),
		verifier.OutcomeReplaced, verifier.OutcomeReplaced, verifier.OutcomeAdded)
	wantReason(t, v, a, verifier.ReasonMalformed) // 8 digits, and its answer has ended
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codeOne}, "")
	wantReason(t, v, verifier.Attempt{Account: "bob", Code: code(t, k, c)}, verifier.ReasonDisabled)
	if _, err := v.Peek(ctx, pending.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the link of the pending key: %v, want ErrLink", err)
	}
}

func strictImport(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	enrol(t, v, c, "taken")
	strict := verifier.ImportOptions{Strict: true}
	for what, last := range map[string]verifier.NewAccount{"a name that is taken": newAccount("taken", key(t)), "a bad name": newAccount("a:", key(t))} {
		results, err := v.Import(t.Context(), []verifier.NewAccount{newAccount("alice", key(t)), last}, strict)
		if !errors.Is(err, verifier.ErrLeftOut) || results[0].Outcome != verifier.OutcomeAdded || results[1].Err == nil {
			t.Errorf("%s: %+v, %v, want ErrLeftOut", what, results, err)
		}
	}
	if _, err := v.Show(t.Context(), "alice"); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Show: %v, want ErrNoAccount", err)
	}
	strict.DryRun = true
	wantOutcomes(t, "dry run", importAll(t, v, strict, newAccount("alice", key(t))), verifier.OutcomeAdded)
	if _, err := v.Show(t.Context(), "alice"); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Show after a dry run: %v, want ErrNoAccount", err)
	}
	strict.DryRun, strict.Replace = false, true
	wantOutcomes(t, "Import", importAll(t, v, strict, newAccount("alice", key(t)), newAccount("taken", key(t))), verifier.OutcomeAdded, verifier.OutcomeReplaced)
}

func importedThousands(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	const n = 2500
	var accounts []verifier.NewAccount
	for i := range n {
		accounts = append(accounts, newAccount(fmt.Sprintf("%04d", n-i), key(t)))
	}
	accounts = append(accounts, newAccount("a:", key(t)))
	var done []int
	results := importAll(t, v, verifier.ImportOptions{Progress: func(n int) { done = append(done, n) }}, accounts...)
	for i, r := range results[:n] {
		if r != (verifier.Imported{Outcome: verifier.OutcomeAdded}) {
			t.Fatalf("account %d: %+v", i, r)
		}
	}
	if fmt.Sprint(done) != "[1001 2001 2501]" {
		t.Errorf("progress was %v", done)
	}
	for _, i := range []int{0, 999, 1000, n - 1} {
		wantReason(t, v, verifier.Attempt{Account: accounts[i].Name, Code: code(t, accounts[i].Entry.Key, c)}, "")
	}
	for i := range accounts {
		accounts[i].Name = "strict " + accounts[i].Name
	}
	results = importAll(t, v, verifier.ImportOptions{Strict: true}, accounts[:n]...)
	wantOutcomes(t, "strict", results[n-1:], verifier.OutcomeAdded)
	wantReason(t, v, verifier.Attempt{Account: accounts[n-1].Name, Code: code(t, accounts[n-1].Entry.Key, c)}, "")
}
