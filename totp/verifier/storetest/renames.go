package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// renames are what becomes of an account that gets another name.
var renames = []test{
	{"a renamed account comes back under its new ID", renamedComesBack},
	{"a rename that fails changes nothing", failedRename},
	{"concurrent renames move an account once", concurrentRenames},
	{"a rename loses no verdict", renameAmidVerdicts},
	{"a renamed account keeps its life", renamedLife},
	{"a link goes on through a rename", renamedLink},
	{"a renamed account keeps its issuer", renamedIssuer},
}

func keep(a verifier.Account) (verifier.Account, error) { return a, nil }

func renamedComesBack(t *testing.T, open Open) {
	s, ctx := open(t), t.Context()
	kept := full(t, "kept")
	kept.Pending = verifier.Pending{}
	kept.Kept = verifier.Kept{Verdict: verifier.Verdict{Valid: true}, Codes: []string{"A"}, Until: kept.Created, Token: "kept token", Cookie: "cookie"}
	for _, a := range []verifier.Account{full(t, "a"), kept, {ID: "empty"}} {
		add(t, s, a)
		edited := a
		err := s.Rename(ctx, a.ID, "new "+a.ID, func(got verifier.Account) (verifier.Account, error) {
			if !same(got, a) {
				t.Errorf("edit is called with\n%+v, want\n%+v", got, a)
			}
			edited.Issuer = "another issuer"
			return edited, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		edited.ID = "new " + a.ID
		for _, s := range []verifier.Store{s, open(t)} {
			if got := load(t, s, edited.ID); !same(got, edited) {
				t.Errorf("renamed:\n%+v, want\n%+v", got, edited)
			}
			if _, err := s.Load(ctx, a.ID); !errors.Is(err, verifier.ErrNoAccount) {
				t.Errorf("Load of the old ID: %v, want ErrNoAccount", err)
			}
		}
	}
	for token, want := range map[string]string{"token of a": "new a", "kept token": "new kept"} {
		if id, err := s.FindToken(ctx, token); id != want || err != nil {
			t.Errorf("FindToken(%s): %q, %v, want %s", token, id, err, want)
		}
	}
	add(t, s, verifier.Account{ID: "a"}) // the old ID is free
}

func failedRename(t *testing.T, open Open) {
	s, ctx, failure := open(t), t.Context(), errors.New("no")
	a, b := full(t, "a"), full(t, "b")
	add(t, s, a)
	add(t, s, b)
	for _, v := range []struct {
		from, to string
		want     error
	}{{"a", "b", verifier.ErrExists}, {"a", "a", verifier.ErrExists}, {"nobody", "c", verifier.ErrNoAccount}, {"nobody", "a", verifier.ErrNoAccount}} {
		if err := s.Rename(ctx, v.from, v.to, keep); !errors.Is(err, v.want) {
			t.Errorf("Rename from %s to %s: %v, want %v", v.from, v.to, err, v.want)
		}
	}
	err := s.Rename(ctx, "a", "c", func(verifier.Account) (verifier.Account, error) { return verifier.Account{}, failure })
	if !errors.Is(err, failure) {
		t.Errorf("Rename: %v, want the error of edit", err)
	}
	wantAccounts(t, s, "a", "b")
	if !same(load(t, s, "a"), a) || !same(load(t, s, "b"), b) {
		t.Error("an account has changed")
	}
}

func concurrentRenames(t *testing.T, open Open) {
	stores := []verifier.Store{open(t), open(t)}
	add(t, stores[0], full(t, "a"))
	add(t, stores[0], full(t, "b"))
	var moved atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			switch err := stores[i%2].Rename(t.Context(), []string{"a", "b"}[i/2%2], "c", keep); {
			case err == nil:
				moved.Add(1)
			case !errors.Is(err, verifier.ErrExists) && !errors.Is(err, verifier.ErrNoAccount):
				t.Error(err)
			}
		})
	}
	all.Wait()
	page, err := stores[0].List(t.Context(), verifier.Range{}, 10)
	if err != nil || len(page) != 2 || page[1].ID != "c" || page[0].Damaged || page[1].Damaged || moved.Load() != 1 {
		t.Errorf("%d were told that they have moved an account; accounts are %+v, %v", moved.Load(), page, err)
	}
}

// renameAmidVerdicts wants that a code which was accepted under the old name is used under
// the new one.
func renameAmidVerdicts(t *testing.T, open Open) {
	c := newClock()
	a, b := newVerifier(t, open(t), totp.Key{}, c), newVerifier(t, open(t), totp.Key{}, c)
	k, _ := enrol(t, a, c, "0")
	names := []string{"0", "1"}
	for range 20 {
		c.advance(time.Minute)
		good := code(t, k, c)
		var accepted, renamed atomic.Int32
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				verdict, err := []*verifier.Verifier{a, b}[i%2].Check(t.Context(), verifier.Attempt{Account: names[i/2%2], Code: good})
				if err != nil && !errors.Is(err, verifier.ErrNoAccount) {
					t.Error(err)
				}
				if verdict.Valid {
					accepted.Add(1)
				}
			})
			if i == 2 {
				all.Go(func() {
					if err := b.Rename(t.Context(), names[0], names[1]); err != nil {
						t.Error(err)
					}
					renamed.Add(1)
				})
			}
		}
		all.Wait()
		if check(t, a, verifier.Attempt{Account: names[1], Code: good}).Valid {
			accepted.Add(1)
		}
		if accepted.Load() != 1 {
			t.Fatalf("a code was accepted %d times", accepted.Load())
		}
		names[0], names[1] = names[1], names[0]
	}
}

func renamedLife(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	k, codes := enrol(t, v, c, "alice")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, "")
	for _, guess := range wrong(k, c, 3) {
		wantReason(t, v, verifier.Attempt{Account: "alice", Code: guess}, verifier.ReasonInvalid)
	}
	before, err := v.Show(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][2]string{{"alice", "Work:bob"}, {"Work:bob", "carol"}} {
		if err := v.Rename(ctx, names[0], names[1]); err != nil {
			t.Fatal(err)
		}
		after, err := v.Show(ctx, names[1])
		after.RecentRecovery = verifier.Tally{} // what is below offers a used recovery code
		if before.Name = names[1]; err != nil || after != before {
			t.Errorf("Show: %+v, %v, want %+v", after, err, before)
		}
		if _, err := v.Check(ctx, verifier.Attempt{Account: names[0], Code: code(t, k, c)}); !errors.Is(err, verifier.ErrNoAccount) {
			t.Errorf("the old name: %v, want ErrNoAccount", err)
		}
		wantReason(t, v, verifier.Attempt{Account: names[1], Code: code(t, k, c)}, verifier.ReasonThrottled)
		wantReason(t, v, verifier.Attempt{Account: names[1], RecoveryCode: codes[0]}, verifier.ReasonInvalid)
	}
	wantReason(t, v, verifier.Attempt{Account: "carol", RecoveryCode: codes[1]}, "")
	other, _ := enrol(t, v, c, "alice") // the old name's, for somebody else
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[2]}, verifier.ReasonInvalid)
	c.advance(time.Hour)
	wantReason(t, v, verifier.Attempt{Account: "carol", Code: code(t, k, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, other, c)}, "")
	fresh, err := v.RecoveryCodes(ctx, "carol")
	if err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Account: "carol", RecoveryCode: codes[3]}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: "carol", RecoveryCode: fresh[0]}, "")
	for _, v := range []struct {
		err, want error
	}{{v.Rename(ctx, "carol", "alice"), verifier.ErrExists}, {v.Rename(ctx, "nobody", "dave"), verifier.ErrNoAccount}, {v.Rename(ctx, "carol", "a:b:c"), verifier.ErrName}, {v.Rename(ctx, "", "dave"), verifier.ErrName}} {
		if !errors.Is(v.err, v.want) {
			t.Errorf("Rename: %v, want %v", v.err, v.want)
		}
	}
}

func renamedLink(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	e, err := v.Add(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Rename(ctx, "alice", "bob"); err != nil {
		t.Fatal(err)
	}
	opened, err := v.Open(ctx, e.Token, "")
	if err != nil || opened.Account != "bob" || !opened.Entry.Key.Equal(e.Entry.Key) {
		t.Fatalf("Open: %+v, %v", opened, err)
	}
	if err := v.Rename(ctx, "bob", "carol"); err != nil {
		t.Fatal(err)
	}
	if name, verdict, err := v.ConfirmByLink(ctx, e.Token, opened.Cookie, code(t, e.Entry.Key, c)); err != nil || !verdict.Valid || name != "carol" {
		t.Fatalf("ConfirmByLink: %q, %+v, %v", name, verdict, err)
	}
	if err := v.Rename(ctx, "carol", "dave"); err != nil {
		t.Fatal(err)
	}
	seen, err := v.Peek(ctx, e.Token, opened.Cookie)
	if err != nil || len(seen.Codes) != 10 || seen.Account != "dave" {
		t.Fatalf("Peek: %+v, %v", seen, err)
	}
	wantReason(t, v, verifier.Attempt{Account: "dave", RecoveryCode: seen.Codes[0]}, "")
}

func renamedIssuer(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	enrol(t, v, c, "GitHub:alice")
	from := "GitHub:alice"
	for _, want := range []struct{ to, issuer, label string }{
		{"alice", "GitHub", "alice"}, {"bob", "GitHub", "bob"}, {"Work:bob", "Work", "bob"}, {"GitHub:bob", "GitHub", "bob"},
	} {
		if err := v.Rename(t.Context(), from, want.to); err != nil {
			t.Fatal(err)
		}
		if live, _, err := v.Keys(t.Context(), want.to); err != nil || live.Issuer != want.issuer || live.Account != want.label {
			t.Errorf("renamed from %s to %s: %v, %v, want %s and %s", from, want.to, live, err, want.issuer, want.label)
		}
		from = want.to
	}
}
