package sqlstore_test

import (
	"fmt"
	"strings"
	"sync"
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

// An operator's default must not make batches fail each other.
func TestPostgresIsReadCommittedWhateverTheDefault(t *testing.T) {
	server := pgtest.Start(t)
	name := server.NewDatabase()
	server.Exec("postgres", fmt.Sprintf("ALTER DATABASE %s SET default_transaction_isolation = serializable", name))
	stores := []*sqlstore.Postgres{openPostgres(t, server.URL(name)), openPostgres(t, server.URL(name))}
	if err := stores[0].Add(t.Context(), verifier.Account{ID: "alice"}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			err := stores[i%2].Decide(t.Context(), "alice", func(a verifier.Account) (verifier.State, bool) {
				a.State.Failures++
				return a.State, true
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
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
