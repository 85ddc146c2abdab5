// Package storetest tests that a verifier.Store keeps its contracts, alone and
// under the rules of package verifier.
package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

// Open returns a Store on the one database of a test. Every call opens it anew,
// while the Stores opened before may still be in use; the Store is closed by the
// test's cleanup.
type Open func(t *testing.T) verifier.Store

// Run runs the suite. fresh makes an empty database for each test.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	tests := map[string]func(*testing.T, Open){
		"an unknown account is ErrNoAccount":           unknownAccount,
		"a created account has the zero state":         createdAccount,
		"every field of a state comes back":            fieldsComeBack,
		"without a change nothing is written":          noChange,
		"accounts do not touch each other":             separateAccounts,
		"a cancelled caller fails nobody else":         cancelledCaller,
		"concurrent updates are all applied":           concurrentUpdates,
		"one of 100 who offer a code is accepted":      oneAccepted,
		"a storm of guesses around a good code":        guessStorm,
		"a used code stays used after a new start":     usedAfterRestart,
		"a wait goes on after a new start":             waitAfterRestart,
		"a repeated request gets its first verdict":    repeatedRequest,
		"a repetition is told from another request":    otherRequest,
		"a new key starts anew, the old is remembered": newKey,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func unknownAccount(t *testing.T, open Open) {
	err := open(t).Update(t.Context(), "nobody", func(verifier.State) (verifier.State, bool) {
		t.Error("decide was called")
		return verifier.State{}, true
	})
	if !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Update of an unknown account: %v, want ErrNoAccount", err)
	}
}

func createdAccount(t *testing.T, open Open) {
	s := open(t)
	create(t, s, "a")
	if got := load(t, s, "a"); got != (verifier.State{}) {
		t.Errorf("state after Create: %+v, want the zero State", got)
	}
	store(t, s, "a", verifier.State{LastStep: 7})
	create(t, s, "a")
	if got := load(t, s, "a"); got.LastStep != 7 {
		t.Errorf("a second Create changed the state to %+v", got)
	}
}

func fieldsComeBack(t *testing.T, open Open) {
	at := time.UnixMilli(20_000_000_000_123).UTC()
	want := verifier.State{
		LastStep:  1 << 40,
		Failures:  41,
		WaitUntil: at.Add(time.Hour),
		Last: verifier.Answer{
			Request: verifier.NewRequestID("secret", "code"),
			At:      at,
			Verdict: verifier.Verdict{Valid: true, SkewSteps: -1, Failures: 41},
		},
	}
	s := open(t)
	create(t, s, "a")
	store(t, s, "a", want)
	if got := load(t, s, "a"); got != want {
		t.Errorf("loaded %+v\nwant %+v", got, want)
	}
	if got := load(t, open(t), "a"); got != want {
		t.Errorf("loaded through a second Store %+v\nwant %+v", got, want)
	}
}

func noChange(t *testing.T, open Open) {
	s := open(t)
	create(t, s, "a")
	err := s.Update(t.Context(), "a", func(verifier.State) (verifier.State, bool) {
		return verifier.State{LastStep: 99}, false
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := load(t, s, "a"); got != (verifier.State{}) {
		t.Errorf("state is %+v, want it unchanged", got)
	}
}

func separateAccounts(t *testing.T, open Open) {
	s := open(t)
	create(t, s, "a")
	create(t, s, "A")
	store(t, s, "a", verifier.State{LastStep: 5})
	if got := load(t, s, "A"); got != (verifier.State{}) {
		t.Errorf("updating a changed A to %+v", got)
	}
}

func cancelledCaller(t *testing.T, open Open) {
	s := open(t)
	create(t, s, "a")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(cancelled, "a", addFailure); err == nil {
		t.Error("Update with a cancelled context returned nil")
	}
	before := load(t, s, "a").Failures
	if err := s.Update(t.Context(), "a", addFailure); err != nil {
		t.Fatal(err)
	}
	if got := load(t, s, "a").Failures; got != before+1 {
		t.Errorf("failures went from %d to %d, want one more", before, got)
	}
}

func concurrentUpdates(t *testing.T, open Open) {
	stores := []verifier.Store{open(t), open(t)}
	create(t, stores[0], "a")
	const callers = 60
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			if err := stores[i%2].Update(t.Context(), "a", addFailure); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := load(t, stores[1], "a").Failures; got != callers {
		t.Errorf("%d of %d updates are in the state", got, callers)
	}
}

func addFailure(s verifier.State) (verifier.State, bool) {
	s.Failures++
	return s, true
}

func create(t *testing.T, s verifier.Store, id string) {
	t.Helper()
	if err := s.Create(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func store(t *testing.T, s verifier.Store, id string, state verifier.State) {
	t.Helper()
	err := s.Update(t.Context(), id, func(verifier.State) (verifier.State, bool) { return state, true })
	if err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, s verifier.Store, id string) (state verifier.State) {
	t.Helper()
	err := s.Update(t.Context(), id, func(s verifier.State) (verifier.State, bool) {
		state = s
		return s, false
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}
