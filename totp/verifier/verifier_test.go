package verifier

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
)

var errDown = errors.New("store is down")

// down is a store that does not answer; reached counts who asked it. Every
// method but those here would panic.
type down struct {
	Store
	reached int
}

func (d *down) Decide(context.Context, string, func(Account) (State, bool)) error {
	d.reached++
	return errDown
}

func (d *down) Load(context.Context, string) (Account, error) {
	d.reached++
	return Account{}, errDown
}

func (d *down) Fingerprint(text string) string { return text }
func (d *down) Keyed() bool                    { return true }

func TestWithoutAStoreThereIsNoVerdict(t *testing.T) {
	r := testRules(t)
	v, err := New(Config{Store: &down{}, Clock: func() time.Time { return moment }, Key: r.key, Skew: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []Attempt{r.codeAt(moment, 0), r.badCode(moment)} {
		if got, err := v.Check(t.Context(), a); !errors.Is(err, errDown) || got != (Verdict{}) {
			t.Errorf("Check: %+v, %v, want the store's error", got, err)
		}
	}
	if err := v.Ready(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("Ready: %v", err)
	}
	if enrolled, err := v.Enrolled(t.Context()); enrolled || !errors.Is(err, errDown) {
		t.Errorf("Enrolled: %v, %v", enrolled, err)
	}
}

func TestANameThatNoAccountHasReachesNoStore(t *testing.T) {
	r := testRules(t)
	store := &down{}
	v, _ := New(Config{Store: store, Clock: func() time.Time { return moment }, Key: r.key, Skew: 1})
	for _, name := range []string{"a\nb", "\x00", "\x01default", strings.Repeat("a", 129), ".", "..", " a", "alice ", "\xff"} {
		for what, ask := range map[string]func(context.Context, string) error{
			"Check": func(ctx context.Context, name string) error {
				_, err := v.Check(ctx, Attempt{Account: name, Code: "123456"})
				return err
			},
			"Add":   func(ctx context.Context, name string) error { _, err := v.Add(ctx, name); return err },
			"Rekey": func(ctx context.Context, name string) error { _, err := v.Rekey(ctx, name, false); return err },
			"Confirm": func(ctx context.Context, name string) error {
				_, _, err := v.Confirm(ctx, name, "123456", RequestID{})
				return err
			},
			"Recover": func(ctx context.Context, name string) error { _, err := v.RecoveryCodes(ctx, name); return err },
			"Show":    func(ctx context.Context, name string) error { _, err := v.Show(ctx, name); return err },
			"Keys":    func(ctx context.Context, name string) error { _, _, err := v.Keys(ctx, name); return err },
			"Unlock":  v.Unlock, "Disable": v.Disable, "Remove": v.Remove,
		} {
			if err := ask(t.Context(), name); !errors.Is(err, ErrName) || errors.Is(err, ErrNoAccount) {
				t.Errorf("%s of %q: %v, want ErrName", what, name, err)
			}
		}
	}
	if store.reached != 0 {
		t.Errorf("the store was asked %d times", store.reached)
	}
}

func TestSkewOutOfRangeIsRefused(t *testing.T) {
	for _, skew := range []int{-1, totp.MaxSkew + 1} {
		if _, err := New(Config{Store: &down{}, Skew: skew}); err == nil {
			t.Errorf("skew %d: no error", skew)
		}
	}
}

func TestTheDefaultAccountsIDIsNoNameAndTellsItsKeyApart(t *testing.T) {
	k := testRules(t).key
	id := DefaultPrefix + digest(k)
	if want := DefaultPrefix + "e6ef2701a515bcd0e1a5d7965db774d8"; id != want {
		t.Errorf("the id is %q and not %q: what was used of the default account would be forgotten", id, want)
	}
	if _, err := totp.ParseName(id); err == nil {
		t.Errorf("%q is a name that an account can take", id)
	}
	if strings.Contains(id, k.Secret().Base32()) {
		t.Error("the id holds the secret")
	}
	longer, err := totp.NewKey(k.Secret(), totp.Scheme{Algorithm: k.Algorithm(), Digits: k.Digits(), Period: 2 * k.Period()})
	if err != nil {
		t.Fatal(err)
	}
	if DefaultPrefix+digest(longer) == id {
		t.Error("another period has the same id, and other steps")
	}
}

func TestAWaitIsBelievedForASecondAtMost(t *testing.T) {
	var w waitCache
	waiting := State{Throttle: Throttle{Until: moment.Add(time.Minute)}}
	w.remember("a", waiting, moment)
	for _, v := range []struct {
		after, want time.Duration
	}{{0, time.Minute}, {999 * time.Millisecond, time.Minute - 999*time.Millisecond}, {time.Second, 0}, {-time.Second, 0}} {
		if _, got := w.find("a", moment.Add(v.after)); got != v.want {
			t.Errorf("%v later: %v, want %v", v.after, got, v.want)
		}
	}
	w.remember("a", State{}, moment)
	if _, got := w.find("a", moment); got != 0 {
		t.Errorf("after it was cleared: %v", got)
	}
	for i := range 3 * maxWaits {
		w.remember(string(rune(i)), waiting, moment)
	}
	if len(w.entries) > maxWaits {
		t.Errorf("%d waits are remembered, want at most %d", len(w.entries), maxWaits)
	}
}
