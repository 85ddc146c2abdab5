package verifier

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/totp"
)

// A slowStore takes its time for each Edit: another time for an account that exists.
type slowStore struct {
	stalled
	takes map[string]time.Duration // by id; others do not exist
}

func (s slowStore) Edit(_ context.Context, id string, edit func(Account) (Account, error)) error {
	took, ok := s.takes[id]
	if !ok {
		return ErrNoAccount
	}
	time.Sleep(took)
	_, err := edit(Account{ID: id})
	return err
}

// TestARefusedRecoveryTakesTheSameTimeWhateverItFinds wants that the time of an answer tells
// nobody which accounts exist.
func TestARefusedRecoveryTakesTheSameTimeWhateverItFinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, err := New(Config{Store: slowStore{takes: map[string]time.Duration{"alice": 30 * time.Millisecond, "bob": 900 * time.Millisecond, "slow": 1100 * time.Millisecond}},
			Clock: time.Now, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]time.Duration{"alice": time.Second, "bob": time.Second, "nobody": time.Second, "..": time.Second, "slow": 2 * time.Second} {
			begin := time.Now()
			if _, err := v.Recover(t.Context(), name, "AAAAAAAAAAAAAAAAAAAAAAAA"); err != ErrRecover || time.Since(begin) != want {
				t.Errorf("%s: %v after %v, want ErrRecover after %v", name, err, time.Since(begin), want)
			}
		}
	})
}

// A fullStore can be read and not written.
type fullStore struct {
	slowStore
	accounts map[string]Account
}

var errFull = errors.New("disk is full")

func (s fullStore) Edit(_ context.Context, id string, edit func(Account) (Account, error)) error {
	a, ok := s.accounts[id]
	if !ok {
		return ErrNoAccount
	}
	if _, err := edit(a); err != nil {
		return err
	}
	return errFull
}

func (s fullStore) LoadPage(_ context.Context, from string, _ int) ([]Loaded, error) {
	return []Loaded{{Account: s.accounts[from]}}, nil
}

// TestAStoreThatCannotBeWrittenTellsNobodyWhichAccountsExist wants one answer, because a name
// that is not there is refused without writing.
func TestAStoreThatCannotBeWrittenTellsNobodyWhichAccountsExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		codes, stored := newRecovery("alice")
		v, err := New(Config{Clock: time.Now, New: totp.DefaultScheme(), Store: fullStore{accounts: map[string]Account{
			"alice":    {ID: "alice", Recovery: stored},
			"disabled": {ID: "disabled", Recovery: stored, State: State{Disabled: true}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"alice", "disabled", "nobody"} {
			begin := time.Now()
			if _, err := v.Recover(t.Context(), name, "AAAAAAAAAAAAAAAAAAAAAAAA"); err != ErrRecover || time.Since(begin) != time.Second {
				t.Errorf("%s: %v after %v, want ErrRecover after a second", name, err, time.Since(begin))
			}
		}
		if _, err := v.Recover(t.Context(), "alice", codes[0]); !errors.Is(err, errFull) {
			t.Errorf("the owner is told %v, want the store's error", err)
		}
	})
}

// TestRecoveriesAtOnceAreBounded wants that strangers who ask for many take no more than
// their share, and that one network takes less than all of it.
func TestRecoveriesAtOnceAreBounded(t *testing.T) {
	var r recoveries
	enter := func(network string, want bool) {
		t.Helper()
		if got := r.enter(network); got != want {
			t.Errorf("%s may enter: %t", network, got)
		}
	}
	for range maxRecoveriesEach {
		enter("192.0.2.1", true)
	}
	enter("192.0.2.1", false)
	for i := range maxRecoveries - maxRecoveriesEach {
		enter(fmt.Sprint(i), true)
	}
	enter("192.0.2.2", false)
	r.leave("192.0.2.1")
	enter("192.0.2.2", true)
	r.leave("192.0.2.2")
	for range maxRecoveriesEach - 1 {
		r.leave("192.0.2.1")
	}
	for i := range maxRecoveries - maxRecoveriesEach {
		r.leave(fmt.Sprint(i))
	}
	if r.all != 0 || len(r.of) != 0 {
		t.Errorf("afterwards %d are counted, of %v", r.all, r.of)
	}
}

func TestAStrangerWhoAsksForANameKeepsItsOwnerNotFromRecovering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, err := New(Config{Store: slowStore{}, Clock: time.Now, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		from := func(client string) context.Context { return WithOrigin(t.Context(), &Origin{Client: client}) }
		busy := make(chan error, 10)
		for i := range cap(busy) {
			go func() {
				_, err := v.Recover(from(fmt.Sprintf("2001:db8::%x", i)), "alice", "A")
				busy <- err
			}()
		}
		synctest.Wait()
		if _, err := v.Recover(from("192.0.2.1"), "alice", "A"); err != ErrRecover {
			t.Errorf("from another network the same name gets %v", err)
		}
		got := map[error]int{}
		for range cap(busy) {
			got[<-busy]++
		}
		if got[ErrRecover] != maxRecoveriesEach || got[ErrBusy] != cap(busy)-maxRecoveriesEach || errors.Is(ErrBusy, ErrRecover) {
			t.Errorf("the answers are %v", got)
		}
	})
}
