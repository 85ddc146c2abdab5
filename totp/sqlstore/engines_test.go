//go:build linux

package sqlstore_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

// A database is one that a test has to itself, and what others than the store
// may do with it.
type database struct {
	url  string
	exec func(statement string)
	dump func() string // every table's definition and rows
	raw  func() []byte // everything that the engine has written of it

	stall func(t *testing.T) (release func()) // has whatever changes the database wait

	another func(t *testing.T) database // an empty one on the same engine
}

// onBothEngines runs a test on an empty database of each.
func onBothEngines(t *testing.T, test func(*testing.T, database)) {
	t.Run("SQLite", func(t *testing.T) { test(t, sqliteDatabase(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, postgresDatabase(pgtest.Start(t))) })
}

func sqliteDatabase(t *testing.T) database {
	path := filepath.Join(t.TempDir(), "totpctl.db")
	return database{
		url: "sqlite:" + path,
		exec: func(statement string) {
			onSQLite(t, path, func(db *sql.DB) error { _, err := db.Exec(statement); return err })
		},
		dump: func() (text string) {
			onSQLite(t, path, func(db *sql.DB) (err error) { text, err = dumpSQLite(db); return err })
			return text
		},
		raw: func() (all []byte) {
			for _, suffix := range []string{"", "-wal"} {
				part, err := os.ReadFile(path + suffix)
				if err != nil && suffix == "" {
					t.Fatal(err)
				}
				all = append(all, part...)
			}
			return all
		},
		stall:   func(t *testing.T) func() { return stallSQLite(t, path) },
		another: sqliteDatabase,
	}
}

func onSQLite(t *testing.T, path string, f func(*sql.DB) error) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := f(db); err != nil {
		t.Fatal(err)
	}
}

// stallSQLite holds a transaction open, as another process may.
func stallSQLite(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() { db.Close() }
}

func dumpSQLite(db *sql.DB) (string, error) {
	var b strings.Builder
	for _, query := range []string{
		`SELECT name || ': ' || coalesce(sql, '') FROM sqlite_master ORDER BY name`,
		`SELECT version FROM schema_version`,
		`SELECT id || ' ' || canary || ' ' || database_key FROM sealing_key ORDER BY id`,
		`SELECT id || ' ' || enrolment || ' ' || revision || ' ' || last_step || ' ' || failures || ' ' || blocked || ' ' || recovery_used || ' ' || answer
			FROM account ORDER BY id`,
		`SELECT number || ' ' || account || ' ' || sealed_key || ' ' || recovery || ' ' || pending || ' ' || kept || ' ' || expires_at FROM enrolment ORDER BY number`,
	} {
		rows, err := db.Query(query)
		if err != nil {
			return "", err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return "", err
			}
			fmt.Fprintln(&b, line)
		}
	}
	return b.String(), nil
}

// restricted are the lines of pg_dump that are different each time.
var restricted = regexp.MustCompile(`(?m)^\\(un)?restrict .*$`)

func postgresDatabase(server *pgtest.Server) database {
	name := server.NewDatabase()
	return database{
		url:     server.URL(name),
		exec:    func(statement string) { server.Exec(name, statement) },
		dump:    func() string { return restricted.ReplaceAllString(string(server.Dump(name)), "") },
		raw:     func() []byte { return server.Dump(name) },
		stall:   func(*testing.T) func() { server.Pause(); return server.Continue },
		another: func(*testing.T) database { return postgresDatabase(server) },
	}
}

// open opens the store with the given encryption keys; the test closes it.
func (d database) open(t *testing.T, keys ...[]byte) (sqlstore.Store, error) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: d.url, EncryptionKeys: keys})
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func (d database) mustOpen(t *testing.T, keys ...[]byte) sqlstore.Store {
	t.Helper()
	s, err := d.open(t, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A clock stands still unless moved.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Unix(1_111_111_109, 0)} }

// next moves the clock to the next step.
func (c *clock) next() { c.now = c.now.Add(totp.DefaultPeriod) }

func newVerifier(t *testing.T, s verifier.Store, c *clock) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{Store: s, Clock: func() time.Time { return c.now }, Skew: 1,
		New: totp.DefaultScheme(), Issuer: "issuer", RefusalTime: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func codeOf(t *testing.T, k totp.Key, c *clock) string {
	t.Helper()
	return totptest.Code(t, k, c.now)
}

// enrol adds and confirms an account.
func enrol(t *testing.T, v *verifier.Verifier, c *clock, name string) (verifier.Enrolment, []string) {
	t.Helper()
	e, err := v.Add(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	verdict, recovery, err := v.Confirm(t.Context(), name, codeOf(t, e.Entry.Key, c), verifier.RequestID{})
	if err != nil || !verdict.Valid {
		t.Fatalf("confirming %s: %+v, %v", name, verdict, err)
	}
	return e, recovery
}

// mustAccept checks a code of the clock's step, which must not have been used.
func mustAccept(t *testing.T, v *verifier.Verifier, c *clock, e totp.Entry) {
	t.Helper()
	verdict, err := v.Check(t.Context(), verifier.Attempt{Account: e.Account, Code: codeOf(t, e.Key, c)})
	if err != nil || !verdict.Valid {
		t.Errorf("a good code of %s: %+v, %v", e.Account, verdict, err)
	}
}

// newClockOf returns the function that reads a clock.
func newClockOf(c *clock) func() time.Time { return func() time.Time { return c.now } }

func wrongCodeOf(t *testing.T, e verifier.Enrolment, c *clock) string {
	t.Helper()
	return totptest.WrongCode(e.Entry.Key, c.now)
}
