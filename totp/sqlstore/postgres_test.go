//go:build linux

package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
	"totpctl/totp/verifier/storetest"
)

func TestPostgresKeepsTheStoreContracts(t *testing.T) {
	server := pgtest.Start(t)
	storetest.Run(t, func(t *testing.T) storetest.Open {
		url := server.URL(server.NewDatabase())
		return func(t *testing.T) verifier.Store { return openPostgres(t, url) }
	})
}

func TestPostgresWhoseEncodingLacksNamesIsRefused(t *testing.T) {
	server := pgtest.Start(t)
	server.Exec("postgres", "CREATE DATABASE narrow ENCODING 'EUC_JP' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
	s, err := sqlstore.OpenPostgres(t.Context(), server.URL("narrow"), [][]byte{encryptionKey})
	if err == nil || !strings.Contains(err.Error(), "encoding is EUC_JP") {
		t.Errorf("opening: %v, %v, want that the encoding is told", s, err)
	}
}

// An operator's default must not make starts and batches fail each other.
func TestPostgresWorksWhateverTheDefaultIsolation(t *testing.T) {
	server := pgtest.Start(t)
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			name := server.NewDatabase()
			server.Exec(name, fmt.Sprintf("ALTER DATABASE %s SET default_transaction_isolation = '%s'", name, level))
			testIsolation(t, openAtOnce(t, server.URL(name), 4))
		})
	}
}

func openAtOnce(t *testing.T, url string, n int) []*sqlstore.Postgres {
	t.Helper()
	stores := make([]*sqlstore.Postgres, n)
	var all sync.WaitGroup
	for i := range stores {
		all.Go(func() {
			var err error
			if stores[i], err = sqlstore.OpenPostgres(context.Background(), url, [][]byte{encryptionKey}); err != nil {
				t.Errorf("opening %d stores at once: %v", n, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, s := range stores {
		t.Cleanup(func() { s.Close() })
	}
	return stores
}

func testIsolation(t *testing.T, stores []*sqlstore.Postgres) {
	var all sync.WaitGroup
	var added atomic.Int64
	for _, s := range stores {
		all.Go(func() {
			if err := s.Add(t.Context(), verifier.Account{ID: "alice"}); err == nil {
				added.Add(1)
			} else if !errors.Is(err, verifier.ErrExists) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := added.Load(); n != 1 {
		t.Errorf("alice was added %d times", n)
	}
	for i := range 40 {
		s := stores[i%len(stores)]
		fail := func(a verifier.Account) verifier.Account { a.State.Throttle.Failures++; return a }
		all.Go(func() {
			err := s.Decide(t.Context(), "alice", func(a verifier.Account) (verifier.State, bool) { return fail(a).State, true })
			if err != nil {
				t.Errorf("deciding: %v", err)
			}
		})
		all.Go(func() {
			err := s.Edit(t.Context(), "alice", func(a verifier.Account) (verifier.Account, error) { return fail(a), nil })
			if err != nil {
				t.Errorf("editing: %v", err)
			}
		})
	}
	all.Wait()
	page, err := stores[0].List(t.Context(), verifier.Range{From: "alice"}, 1)
	if err != nil || page[0].State.Throttle.Failures != 80 {
		t.Errorf("%+v, %v, want 80 changes", page, err)
	}
}

// Batches pass names in arrays.
func TestNamesOfOddCharactersShareABatch(t *testing.T) {
	p := openPostgres(t, onNewServer(t))
	names := []string{`"`, `\`, `{}`, `a,b`, `NULL`, `null`, `'`, ` x `, `a b`, `$1`, "ä", "\u2028", "\t", `{"a","b"}`, `\"`, `--`}
	for _, name := range names {
		if err := p.Add(t.Context(), verifier.Account{ID: name}); err != nil {
			t.Errorf("adding %q: %v", name, err)
		}
	}
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			err := p.Decide(t.Context(), name, func(a verifier.Account) (verifier.State, bool) {
				if a.ID != name {
					t.Errorf("read %q, want %q", a.ID, name)
				}
				a.State.Throttle.Failures = i + 1
				a.State.Last.Verdict.Reason = verifier.Reason(name)
				return a.State, true
			})
			if err != nil {
				t.Errorf("deciding on %q: %v", name, err)
			}
		})
	}
	all.Wait()
	for i, name := range names {
		page, err := p.List(t.Context(), verifier.Range{From: name}, 1)
		if err != nil || page[0].ID != name || page[0].State.Throttle.Failures != i+1 || page[0].State.Last.Verdict.Reason != verifier.Reason(name) {
			t.Errorf("%q came back as %+v, %v", name, page, err)
		}
	}
}

func onNewServer(t *testing.T) (url string) {
	server := pgtest.Start(t)
	return server.URL(server.NewDatabase())
}

func TestPostgresWithoutVerifiedTLSIsWarnedOf(t *testing.T) {
	server := pgtest.Start(t)
	url := server.URL(server.NewDatabase())
	if warnings, err := openPostgres(t, url).Warnings(t.Context()); err != nil || len(warnings) != 0 {
		t.Errorf("on loopback: %q, %v, want no warning", warnings, err)
	}
	warnings, err := openPostgres(t, strings.Replace(url, "@", "@db.invalid,", 1)).Warnings(t.Context())
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "PostgreSQL at db.invalid may read and change") {
		t.Errorf("beyond it: %q, %v, want a warning that names the host", warnings, err)
	}
}

func TestPostgresThatDoesNotSyncIsWarnedOf(t *testing.T) {
	server := pgtest.Start(t)
	server.Set("fsync", "off")
	warnings, err := openPostgres(t, server.URL(server.NewDatabase())).Warnings(t.Context())
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "fsync is off") {
		t.Errorf("warnings are %q, %v, want that fsync is off", warnings, err)
	}
}

func openPostgres(t *testing.T, url string) *sqlstore.Postgres {
	t.Helper()
	p, err := sqlstore.OpenPostgres(t.Context(), url, [][]byte{encryptionKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
