//go:build linux

package sqlstore_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

var (
	oldKey = bytes.Repeat([]byte("o"), 32)
	newKey = bytes.Repeat([]byte("n"), 32)
)

func TestThreeThatOpenAtOnceMigrateOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for range 10 {
			testOpenAtOnce(t, first.another(t))
		}
	})
}

func testOpenAtOnce(t *testing.T, d database) {
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			s, err := d.open(t, oldKey)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Decide(t.Context(), "nobody", nil); !errors.Is(err, verifier.ErrNoAccount) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	before := d.dump()
	d.mustOpen(t, oldKey)
	if after := d.dump(); after != before {
		t.Errorf("a fourth changed something:\n%s\nwas\n%s", after, before)
	}
}

func TestADatabaseThatHeldNothingIsToldOf(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s := d.mustOpen(t, oldKey)
		if s.Fresh() == "" || !strings.HasSuffix(d.url, s.Fresh()) {
			t.Errorf("%s: fresh is %q", d.url, s.Fresh())
		}
		s.Close()
		if s = d.mustOpen(t, oldKey); s.Fresh() != "" {
			t.Errorf("opened again, %s is fresh", s.Fresh())
		}
	})
}

func TestADatabaseThatMustExistIsNotMade(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		open := func() error {
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: d.url, EncryptionKeys: [][]byte{oldKey}, MustExist: true})
			if err == nil {
				s.Close()
			}
			return err
		}
		for range 2 {
			if err := open(); !errors.Is(err, sqlstore.ErrMissing) {
				t.Errorf("opening %s: %v, want ErrMissing", d.url, err)
			}
		}
		s := d.mustOpen(t, oldKey)
		if s.Fresh() == "" {
			t.Errorf("%s was made by a store that must not", d.url)
		}
		s.Close()
		if err := open(); err != nil {
			t.Error(err)
		}
	})
}

func TestANewerDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s := d.mustOpen(t, oldKey)
		enrol(t, newVerifier(t, s, newClock()), newClock(), "alice")
		s.Close()
		d.exec("UPDATE schema_version SET version = version + 1")
		before := d.dump()
		if _, err := d.open(t, newKey, oldKey); !errors.Is(err, sqlstore.ErrNewer) {
			t.Errorf("opening: %v, want ErrNewer", err)
		}
		if after := d.dump(); after != before {
			t.Errorf("it was changed:\n%s\nwas\n%s", after, before)
		}
	})
}

func TestAWrongOrAbsentEncryptionKeyIsToldAndNothingIsWritten(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		e, _ := enrol(t, newVerifier(t, s, c), c, "alice")
		s.Close()
		wantOtherKeysRefused(t, d)
		c.next()
		mustAccept(t, newVerifier(t, d.mustOpen(t, oldKey), c), c, e.Entry)
	})
}

func wantOtherKeysRefused(t *testing.T, d database) {
	t.Helper()
	before := d.dump()
	for _, keys := range [][][]byte{{newKey}, {}} {
		if _, err := d.open(t, keys...); !errors.Is(err, sqlstore.ErrKey) {
			t.Errorf("opening with %d keys, none of them right: %v, want ErrKey", len(keys), err)
		}
		if after := d.dump(); after != before {
			t.Errorf("something was written:\n%s\nwas\n%s", after, before)
		}
	}
}

// Two servers with a key each would both seal.
func TestAKeyThatTheDatabaseDoesNotKnowIsToldBeforeAnythingIsSealed(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		d.mustOpen(t, oldKey).Close()
		wantOtherKeysRefused(t, d)
		d.mustOpen(t, newKey, oldKey).Close()
		d.mustOpen(t, newKey)
	})
}

func TestOfTwoKeysAtOnceOneBeginsTheDatabase(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for range 10 {
			d := first.another(t)
			errs := make([]error, 2)
			var both sync.WaitGroup
			for i, key := range [][]byte{oldKey, newKey} {
				both.Go(func() { _, errs[i] = d.open(t, key) })
			}
			both.Wait()
			if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), sqlstore.ErrKey) {
				t.Errorf("opening with two keys at once: %v; want that one is refused", errs)
			}
		}
	})
}

func TestAPendingKeyNeedsItsEncryptionKeyToo(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s := d.mustOpen(t, oldKey)
		if _, err := newVerifier(t, s, newClock()).Add(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if _, err := d.open(t, newKey); !errors.Is(err, sqlstore.ErrKey) {
			t.Errorf("opening: %v, want ErrKey", err)
		}
	})
}

func TestACanaryOfAnotherKeyIsErrKey(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		d.mustOpen(t, oldKey).Close()
		d.exec("UPDATE sealing_key SET canary = 'AAAA' || substr(canary, 5)")
		if _, err := d.open(t, oldKey); !errors.Is(err, sqlstore.ErrKey) {
			t.Errorf("opening: %v, want ErrKey", err)
		}
	})
}

func TestKeysRotateWhileReplicasGoOn(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		replica := func(keys ...[]byte) (sqlstore.Store, *verifier.Verifier) {
			s := d.mustOpen(t, keys...)
			return s, newVerifier(t, s, c)
		}
		a, va := replica(oldKey)
		alice, _ := enrol(t, va, c, "alice")
		b, vb := replica(oldKey, newKey)
		bob, _ := enrol(t, vb, c, "bob")
		a.Close()
		a, va = replica(newKey, oldKey)
		carol, _ := enrol(t, va, c, "carol")
		if _, err := vb.Rekey(t.Context(), "carol", false); err != nil {
			t.Fatal(err)
		}
		c.next()
		for _, e := range []verifier.Enrolment{alice, bob, carol} { // through the one that seals with the old key
			mustAccept(t, vb, c, e.Entry)
		}
		b.Close()
		if n, err := a.Reseal(t.Context()); n != 3 || err != nil {
			t.Errorf("Reseal: %d, %v, want 3: alice, bob and carol's pending key", n, err)
		}
		if n, err := a.Reseal(t.Context()); n != 0 || err != nil {
			t.Errorf("Reseal again: %d, %v, want 0", n, err)
		}
		a.Close()
		_, va = replica(newKey)
		c.next()
		for _, e := range []verifier.Enrolment{alice, bob, carol} {
			mustAccept(t, va, c, e.Entry)
		}
		if _, err := d.open(t, oldKey); !errors.Is(err, sqlstore.ErrKey) {
			t.Errorf("opening with the old key alone: %v, want ErrKey", err)
		}
	})
}
