//go:build linux

package sqlstore_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// Malformed and throttled codes on an enrolment page come from strangers, as often
// as they like.
func TestAnEditThatChangesNothingWritesNothing(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		v := newVerifier(t, s, c)
		e, err := v.Add(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		opened, err := v.Open(t.Context(), e.Token, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, _, err := v.ConfirmByLink(t.Context(), e.Token, opened.Cookie, wrongCode(e.Entry.Key, c)); err != nil {
				t.Fatal(err)
			}
		}
		before := d.dump()
		for what, ask := range map[string]func() error{
			"a throttled code": func() error {
				_, _, err := v.ConfirmByLink(t.Context(), e.Token, opened.Cookie, codeOf(t, e.Entry.Key, c))
				return err
			},
			"a malformed code": func() error { _, _, err := v.ConfirmByLink(t.Context(), e.Token, opened.Cookie, "x"); return err },
			"opening it again": func() error { _, err := v.Open(t.Context(), e.Token, opened.Cookie); return err },
			"another browser": func() error {
				if _, err := v.Open(t.Context(), e.Token, "theirs"); err == nil {
					t.Error("another browser opens the link")
				}
				return nil
			},
			"a look": func() error { _, err := v.Peek(t.Context(), e.Token, opened.Cookie); return err },
			"ready":  func() error { return v.Ready(t.Context()) },
			"show":   func() error { _, err := v.Show(t.Context(), "alice"); return err },
		} {
			if err := ask(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if after := d.dump(); after != before {
				t.Fatalf("%s has written something:\n%s\nwas\n%s", what, after, before)
			}
		}
	})
}

func TestAReadOfTheDefaultAccountWritesNothing(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		before := ""
		v := defaultVerifier(t, d.mustOpen(t, oldKey), newClock(), "12345678901234567890")
		before = d.dump()
		if enrolled, err := v.Enrolled(t.Context()); enrolled || err != nil {
			t.Errorf("Enrolled: %v, %v", enrolled, err)
		}
		if info, err := v.Show(t.Context(), ""); err != nil || info.Status != verifier.StatusActive {
			t.Errorf("Show: %+v, %v", info, err)
		}
		if err := v.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		if after := d.dump(); after != before {
			t.Errorf("something was written:\n%s\nwas\n%s", after, before)
		}
	})
}

func defaultVerifier(t *testing.T, s verifier.Store, c *clock, secret string) *verifier.Verifier {
	t.Helper()
	raw, err := totp.NewSecret([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{Store: s, Clock: func() time.Time { return c.now }, Key: keyOf(t, raw.Base32()), Skew: 1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What a removed account, an expired link and a replaced secret had is not in the
// file any more, free pages included.
func TestSQLiteOverwritesWhatIsDeleted(t *testing.T) {
	d, c := sqliteDatabase(t), newClock()
	s := d.mustOpen(t, oldKey)
	v := newVerifier(t, s, c)
	enrol(t, v, c, "rekeyed")
	const removed = 200 // fill pages, which become free
	for i := range removed {
		if _, err := v.Add(t.Context(), fmt.Sprint("removed", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Add(t.Context(), "expired"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	dead := sealsInSQLite(t, strings.TrimPrefix(d.url, "sqlite:"))
	if len(dead) != removed+3 {
		t.Fatalf("%d seals, want %d", len(dead), removed+3)
	}
	s = d.mustOpen(t, oldKey)
	v = newVerifier(t, s, c)
	for i := range removed {
		if err := v.Remove(t.Context(), fmt.Sprint("removed", i)); err != nil {
			t.Fatal(err)
		}
	}
	e, err := v.Rekey(t.Context(), "rekeyed", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Confirm(t.Context(), "rekeyed", codeOf(t, e.Entry.Key, c), verifier.RequestID{}); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(verifier.DefaultPendingTime)
	if err := v.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close() // SQLite moves its log into the file, and deletes it
	raw := d.raw()
	for what, seal := range dead {
		if bytes.Contains(raw, []byte(seal)) {
			t.Errorf("the file still has the %s", what)
		}
	}
}

// A server that goes on does not wait for thousands of verdicts until then.
func TestSQLiteSoonOverwritesWhatIsRevoked(t *testing.T) {
	d, c := sqliteDatabase(t), newClock()
	s := d.mustOpen(t, oldKey)
	v := newVerifier(t, s, c)
	for _, name := range []string{"rekeyed", "removed", "renewed"} {
		enrol(t, v, c, name)
	}
	dead := sealsInSQLite(t, strings.TrimPrefix(d.url, "sqlite:"))
	delete(dead, "sealed_key of renewed")
	if _, err := v.Rekey(t.Context(), "rekeyed", true); err != nil {
		t.Fatal(err)
	}
	delete(dead, "recovery of rekeyed")
	if _, err := v.RecoveryCodes(t.Context(), "renewed"); err != nil {
		t.Fatal(err)
	}
	if err := v.Remove(t.Context(), "removed"); err != nil {
		t.Fatal(err)
	}
	if len(dead) != 4 {
		t.Fatalf("%d seals, want 4", len(dead))
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := ""
		for what, seal := range dead {
			if bytes.Contains(d.raw(), []byte(seal)) {
				left = what
			}
		}
		if left == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the files still have the %s", left)
		}
	}
	for range 3 { // the log begins anew
		c.next()
		enrol(t, v, c, fmt.Sprint("later", c.now.Unix()))
	}
}

// An older program has left deleted rows in free pages.
func TestSQLiteOverwritesWhatAnOlderProgramHasLeft(t *testing.T) {
	d := sqliteDatabase(t)
	loadVersion2(t, d)
	dead := sealsInSQLite(t, strings.TrimPrefix(d.url, "sqlite:"))
	for i := range 200 {
		dead[fmt.Sprint("removed ", i)] = fmt.Sprintf("removed%0100d", i)
		d.exec(fmt.Sprintf("INSERT INTO enrolment (number, account, created_at, sealed_key, recovery, pending) VALUES (%d, 'removed', 1, '%s', '', '')", i, dead[fmt.Sprint("removed ", i)]))
	}
	d.exec("DELETE FROM enrolment WHERE account = 'removed'")
	if raw := d.raw(); !bytes.Contains(raw, []byte("removed0")) {
		t.Fatal("nothing is left of the deleted rows")
	}
	s := d.mustOpen(t, oldKey)
	if told := s.Upgraded(); len(told) != 2 {
		t.Errorf("it tells %q; want the upgrade and frank", told)
	}
	s.Close()
	delete(dead, "sealed_key of alice") // frank's, who is left as he was
	delete(dead, "sealed_key of frank")
	delete(dead, "recovery of frank")
	raw := d.raw()
	for what, seal := range dead {
		if bytes.Contains(raw, []byte(seal)) {
			t.Errorf("the file still has the %s", what)
		}
	}
}

// sealsInSQLite are the sealed texts of all accounts, by column and account.
func sealsInSQLite(t *testing.T, path string) map[string]string {
	t.Helper()
	seals := map[string]string{}
	onSQLite(t, path, func(db *sql.DB) error {
		for _, column := range []string{"sealed_key", "recovery", "pending"} {
			rows, err := db.Query(`SELECT account, ` + column + ` FROM enrolment WHERE ` + column + ` <> ''`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var account, text string
				if err := rows.Scan(&account, &text); err != nil {
					return err
				}
				seals[column+" of "+account] = text
			}
		}
		return nil
	})
	return seals
}

// Whoever reads the database must not be able to test guesses of a short secret.
func TestTheDefaultAccountsFingerprintIsKeyed(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		other := d.another(t)
		ids := map[string]bool{}
		for _, d := range []database{d, other} {
			c := newClock()
			v := defaultVerifier(t, d.mustOpen(t, oldKey), c, "short")
			if _, err := v.Check(t.Context(), verifier.Attempt{Code: "000000"}); err != nil {
				t.Fatal(err)
			}
			_, rest, ok := strings.Cut(d.dump(), verifier.DefaultPrefix)
			if !ok || ids[rest[:32]] {
				t.Errorf("the row's id is %q, want one of its own in each database", rest[:min(32, len(rest))])
			}
			ids[rest[:32]] = true
		}
	})
}

// The default account goes on through every change of keys: a code that was used
// before is not good after it.
func TestTheDefaultAccountOutlivesItsEncryptionKeys(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		first := d.mustOpen(t)
		v := defaultVerifier(t, first, c, "12345678901234567890")
		used := verifier.Attempt{Code: codeOf(t, defaultKey(t), c), Request: verifier.NewRequestID("bearer", "1")}
		if verdict, err := v.Check(t.Context(), used); err != nil || !verdict.Valid {
			t.Fatalf("%+v, %v", verdict, err)
		}
		var stores []sqlstore.Store
		for _, keys := range [][][]byte{{}, {oldKey}, {oldKey, newKey}, {newKey, oldKey}, {newKey}} {
			s := d.mustOpen(t, keys...)
			stores = append(stores, s)
			v := defaultVerifier(t, s, c, "12345678901234567890")
			if verdict, err := v.Check(t.Context(), verifier.Attempt{Code: used.Code}); err != nil || verdict.Reason != verifier.ReasonReplayed {
				t.Errorf("with %d keys, a used code: %+v, %v", len(keys), verdict, err)
			}
		}
		// It would not find what the others use up.
		if verdict, err := v.Check(t.Context(), verifier.Attempt{Code: used.Code}); err == nil || errors.Is(err, verifier.ErrNoAccount) {
			t.Errorf("the first server, which has no key: %+v, %v; want no verdict", verdict, err)
		}
		if n := strings.Count(d.dump(), verifier.DefaultPrefix); n != 2 { // the account and its enrolment
			t.Errorf("%d rows of the default account, want 2", n)
		}
		for _, s := range append(stores, first) {
			s.Close()
		}
	})
}

func defaultKey(t *testing.T) totp.Key {
	return keyOf(t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
}
