package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// store is the contract of a Store by itself.
var store = []test{
	{"an unknown account is ErrNoAccount", unknownAccount},
	{"an added account comes back", addedAccount},
	{"a kept confirmation comes back", keptComesBack},
	{"a link for new recovery codes comes back", codesLinkComesBack},
	{"a name is taken once", addTwice},
	{"a removed account is gone", removed},
	{"an edit replaces the whole account", edited},
	{"an edit that fails changes nothing", failedEdit},
	{"without a change nothing is written", noChange},
	{"accounts do not touch each other", separateAccounts},
	{"concurrent updates are all applied", concurrentUpdates},
	{"the last step never goes back", stepNeverBack},
	{"a cancelled caller fails nobody else", cancelledCaller},
	{"accounts are listed in the order of bytes", listed},
	{"accounts are loaded in the order of bytes", loadedPage},
	{"a link is found by its hash", linkFound},
	{"a fingerprint is the database's", fingerprints},
}

func unknownAccount(t *testing.T, open Open) {
	s := open(t)
	err := s.Decide(t.Context(), "nobody", func(verifier.Account) (verifier.State, bool) {
		t.Error("decide was called")
		return verifier.State{}, true
	})
	if !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Decide: %v, want ErrNoAccount", err)
	}
	if _, err := s.Load(t.Context(), "nobody"); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Load: %v, want ErrNoAccount", err)
	}
	err = s.Edit(t.Context(), "nobody", func(a verifier.Account) (verifier.Account, error) {
		t.Error("edit was called")
		return a, nil
	})
	if !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Edit: %v, want ErrNoAccount", err)
	}
	if err := s.Remove(t.Context(), "nobody"); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Remove: %v, want ErrNoAccount", err)
	}
	if _, err := s.FindToken(t.Context(), "nothing"); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("FindToken: %v, want ErrNoAccount", err)
	}
}

func addedAccount(t *testing.T, open Open) {
	s := open(t)
	for _, want := range []verifier.Account{full(t, "full"), {ID: "empty"}, full(t, "a:b \u05d0\u200f' \"%_\\")} {
		add(t, s, want)
		for i, s := range []verifier.Store{s, open(t)} {
			if got := load(t, s, want.ID); !same(got, want) {
				t.Errorf("through store %d:\n%+v, want\n%+v", i, got, want)
			}
		}
	}
}

func addTwice(t *testing.T, open Open) {
	s := open(t)
	add(t, s, full(t, "a"))
	if err := s.Add(t.Context(), verifier.Account{ID: "a"}); !errors.Is(err, verifier.ErrExists) {
		t.Errorf("second Add: %v, want ErrExists", err)
	}
	if got := load(t, s, "a"); got.Key.IsZero() {
		t.Error("the second Add changed the account")
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch err := s.Add(t.Context(), verifier.Account{ID: "b"}); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, verifier.ErrExists):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("%d of 20 added b, want one", made.Load())
	}
}

func removed(t *testing.T, open Open) {
	s := open(t)
	add(t, s, full(t, "a"))
	add(t, s, full(t, "b"))
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Decide(t.Context(), "a", keepState); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("Decide on a removed account: %v", err)
	}
	load(t, s, "b")
	add(t, s, verifier.Account{ID: "a"})
	if got := load(t, s, "a"); !same(got, verifier.Account{ID: "a"}) {
		t.Errorf("added again it is %+v", got)
	}
}

func edited(t *testing.T, open Open) {
	s, want := open(t), full(t, "a")
	add(t, s, verifier.Account{ID: "a", Created: want.Created})
	for _, want := range []verifier.Account{want, {ID: "a", Created: want.Created}} {
		edit(t, s, "a", func(a *verifier.Account) { *a = want })
		if got := load(t, open(t), "a"); !same(got, want) {
			t.Errorf("account is\n%+v, want\n%+v", got, want)
		}
	}
}

func failedEdit(t *testing.T, open Open) {
	s, want, failure := open(t), full(t, "a"), errors.New("no")
	add(t, s, want)
	err := s.Edit(t.Context(), "a", func(a verifier.Account) (verifier.Account, error) {
		return verifier.Account{}, failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("Edit: %v, want the error of edit", err)
	}
	if got := load(t, s, "a"); !same(got, want) {
		t.Errorf("account is %+v, want it unchanged", got)
	}
}

func noChange(t *testing.T, open Open) {
	s := open(t)
	add(t, s, verifier.Account{ID: "a"})
	err := s.Decide(t.Context(), "a", func(verifier.Account) (verifier.State, bool) {
		return verifier.State{LastStep: 99}, false
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := load(t, s, "a"); got.State != (verifier.State{}) {
		t.Errorf("state is %+v, want it unchanged", got.State)
	}
}

func separateAccounts(t *testing.T, open Open) {
	s := open(t)
	add(t, s, verifier.Account{ID: "a"})
	add(t, s, verifier.Account{ID: "A"})
	edit(t, s, "a", func(a *verifier.Account) { a.State.LastStep = 5 })
	decide(t, s, "a", addFailure)
	if got := load(t, s, "A"); got.State != (verifier.State{}) {
		t.Errorf("changing a changed A to %+v", got.State)
	}
}

func concurrentUpdates(t *testing.T, open Open) {
	stores := []verifier.Store{open(t), open(t)}
	add(t, stores[0], verifier.Account{ID: "a"})
	const callers = 60
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			var err error
			if i%3 == 0 {
				err = stores[i%2].Edit(t.Context(), "a", func(a verifier.Account) (verifier.Account, error) {
					a.State.Throttle.Failures++
					return a, nil
				})
			} else {
				err = stores[i%2].Decide(t.Context(), "a", addFailure)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := load(t, stores[1], "a").State.Throttle.Failures; got != callers {
		t.Errorf("%d of %d updates are in the state", got, callers)
	}
}

func stepNeverBack(t *testing.T, open Open) {
	s := open(t)
	add(t, s, verifier.Account{ID: "a", State: verifier.State{LastStep: 9}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := s.Decide(ctx, "a", func(a verifier.Account) (verifier.State, bool) {
		a.State.LastStep = 8
		return a.State, true
	})
	if err == nil {
		t.Error("Decide stored an earlier step")
	}
	if got := load(t, s, "a").State.LastStep; got != 9 {
		t.Errorf("last step is %d, want 9", got)
	}
}

func cancelledCaller(t *testing.T, open Open) {
	s := open(t)
	add(t, s, verifier.Account{ID: "a"})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Decide(cancelled, "a", addFailure); err == nil {
		t.Error("Decide with a cancelled context returned nil")
	}
	before := load(t, s, "a").State.Throttle.Failures
	decide(t, s, "a", addFailure)
	if got := load(t, s, "a").State.Throttle.Failures; got != before+1 {
		t.Errorf("failures went from %d to %d, want one more", before, got)
	}
}

func listed(t *testing.T, open Open) {
	s := open(t)
	want := []string{"!", "+", "B", "Z", "a", "aa", "b", "\u00e4", "\u05d0"}
	for i := range want {
		a := full(t, want[len(want)-1-i])
		if i == 0 {
			a.Key, a.Pending = totp.Key{}, verifier.Pending{}
		}
		add(t, s, a)
	}
	var got []string
	for from := ""; ; {
		page, err := s.List(t.Context(), verifier.Range{From: from}, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range page {
			if i < 2 {
				got = append(got, a.ID)
				checkSummary(t, a, a.ID != "\u05d0")
			}
		}
		if len(page) < 3 {
			break
		}
		from = page[2].ID
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func checkSummary(t *testing.T, got verifier.Summary, confirmed bool) {
	t.Helper()
	want := full(t, got.ID)
	if got.Confirmed != confirmed || got.State != want.State || got.Recovery != want.Recovery || !got.Created.Equal(want.Created) || got.PendingUntil.IsZero() == confirmed ||
		confirmed && (!got.Opened || got.PendingThrottle != want.Pending.Throttle) {
		t.Errorf("summary %+v of %+v", got, want)
	}
}

func linkFound(t *testing.T, open Open) {
	s := open(t)
	add(t, s, full(t, "a"))
	add(t, s, verifier.Account{ID: "b"})
	add(t, s, verifier.Account{ID: "c"})
	if id, err := s.FindToken(t.Context(), "token of a"); id != "a" || err != nil {
		t.Errorf("FindToken: %q, %v, want a", id, err)
	}
	edit(t, s, "a", func(a *verifier.Account) { a.Pending = verifier.Pending{} })
	if id, err := s.FindToken(t.Context(), "token of a"); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("FindToken after the link's end: %q, %v", id, err)
	}
}

func fingerprints(t *testing.T, open Open) {
	a, b := open(t), open(t)
	if a.Fingerprint("x") != b.Fingerprint("x") || a.Fingerprint("x") == a.Fingerprint("y") || len(a.Fingerprint("x")) != 32 {
		t.Errorf("fingerprints are %q, %q and %q", a.Fingerprint("x"), b.Fingerprint("x"), a.Fingerprint("y"))
	}
}

// full is an account with something in every field.
func full(t *testing.T, id string) verifier.Account {
	t.Helper()
	at := time.UnixMilli(20_000_000_000_123).UTC()
	return verifier.Account{
		ID:      id,
		Issuer:  "issuer of " + id,
		Created: at,
		State: verifier.State{
			LastStep:     1 << 40,
			Throttle:     verifier.Throttle{Failures: 41, Until: at.Add(time.Hour)},
			Disabled:     true,
			Revoked:      true,
			RecoveryUsed: 1<<15 | 1,
			Recent:       verifier.Tally{Failures: 7, Since: at},

			RecentRecovery: verifier.Tally{Failures: 8, Since: at.Add(time.Second)},
			Last: verifier.Answer{
				Request: verifier.NewRequestID("secret", "code"),
				At:      at,
				Verdict: verifier.Verdict{Valid: true, SkewSteps: -1, Failures: 41, Recovery: true, RecoveryLeft: 9},
			},
		},
		Key: key(t), Recovery: "recovery", Rekeyed: at.Add(time.Minute),
		Pending: verifier.Pending{
			Key: key(t), Until: at.Add(time.Minute), Throttle: verifier.Throttle{Failures: 3, Until: at.Add(time.Second)}, Token: "token of " + id, Cookie: "browser", Recovered: true,
		},
	}
}

// same compares accounts. Keys have no ==.
func same(a, b verifier.Account) bool {
	keys := a.Key.Equal(b.Key) && a.Pending.Key.Equal(b.Pending.Key)
	for _, x := range []*verifier.Account{&a, &b} {
		x.Key, x.Pending.Key = totp.Key{}, totp.Key{}
	}
	return keys && reflect.DeepEqual(a, b)
}

func addFailure(a verifier.Account) (verifier.State, bool) {
	a.State.Throttle.Failures++
	return a.State, true
}

func keepState(a verifier.Account) (verifier.State, bool) { return a.State, false }

func add(t *testing.T, s verifier.Store, a verifier.Account) {
	t.Helper()
	if err := s.Add(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, s verifier.Store, id string, change func(*verifier.Account)) {
	t.Helper()
	err := s.Edit(t.Context(), id, func(a verifier.Account) (verifier.Account, error) {
		change(&a)
		return a, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func decide(t *testing.T, s verifier.Store, id string, f func(verifier.Account) (verifier.State, bool)) {
	t.Helper()
	if err := s.Decide(t.Context(), id, f); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, s verifier.Store, id string) verifier.Account {
	t.Helper()
	a, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
