//go:build linux

package sqlstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
)

// rowsRole makes a role that may read and write rows of the tables that are there, and
// returns the database as that role sees it.
func rowsRole(server *pgtest.Server, owner database) database {
	name := owner.url[strings.LastIndex(owner.url, "/")+1:]
	server.Exec(name, `DO $$ BEGIN IF to_regrole('app') IS NULL THEN CREATE ROLE app LOGIN; END IF; END $$;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app`)
	app := owner
	app.url = strings.Replace(owner.url, "postgres://postgres@", "postgres://app@", 1)
	return app
}

func TestARoleThatMayOnlyChangeRowsIsEnough(t *testing.T) {
	server := pgtest.Start(t)
	owner := postgresDatabase(server)
	owner.mustOpen(t).Close()
	app := rowsRole(server, owner)
	s := app.mustOpen(t, oldKey) // makes the key known
	h := fill(t, s)
	owner.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'damaged'`)
	h.wantAll(t, s)
	s.Close()
	s = app.mustOpen(t, newKey, oldKey)
	v := h.verifier(t, s)
	if _, err := s.Reseal(t.Context()); !errors.Is(err, sqlstore.ErrDamaged) {
		t.Errorf("Reseal: %v, want the damaged account alone", err)
	}
	for what, err := range map[string]error{
		"fence":  func() error { _, err := v.Fence(t.Context(), false); return err }(),
		"rename": v.Rename(t.Context(), "alice", "alicia"),
		"remove": v.Remove(t.Context(), "damaged"),
		"import": v.AddActive(t.Context(), verifier.NewAccount{Name: "x", Entry: h.alice.Entry}),
		"sweep":  v.Sweep(t.Context()),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if told := s.Upgraded(); len(told) > 0 {
		t.Errorf("it tells %q", told)
	}
}

// A migrator holds the lock for as long as it takes, and a server on current tables must
// start meanwhile.
func TestOpeningCurrentTablesTakesNoLock(t *testing.T) {
	server := pgtest.Start(t)
	owner := postgresDatabase(server)
	owner.mustOpen(t, oldKey).Close()
	name := owner.url[strings.LastIndex(owner.url, "/")+1:]
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Exec(name, `SELECT pg_advisory_lock(1953461360); SELECT pg_sleep(3)`)
	}()
	for server.Query(name, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'`) == "0" {
		time.Sleep(10 * time.Millisecond)
	}
	rowsRole(server, owner).mustOpen(t, oldKey).Close()
	if server.Query(name, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'`) == "0" {
		t.Error("opening has waited for the lock")
	}
	<-done
}

func TestARoleWithoutRightsIsToldOfAnOlderSchema(t *testing.T) {
	server := pgtest.Start(t)
	owner := postgresDatabase(server)
	loadVersion(t, owner, 3)
	app := rowsRole(server, owner)
	if _, err := app.open(t, oldKey); !errors.Is(err, sqlstore.ErrRights) || !strings.Contains(err.Error(), "from version 3 to ") {
		t.Errorf("opening version 3: %v, want ErrRights", err)
	}
	owner.mustOpen(t, oldKey).Close()
	app.mustOpen(t, oldKey).Close()
	owner.exec(`UPDATE schema_version SET version = 4711`)
	if _, err := app.open(t, oldKey); !errors.Is(err, sqlstore.ErrNewer) {
		t.Errorf("opening a newer schema: %v, want ErrNewer", err)
	}
	empty := rowsRole(server, postgresDatabase(server))
	if _, err := empty.open(t, oldKey); !errors.Is(err, sqlstore.ErrRights) {
		t.Errorf("opening an empty database: %v, want ErrRights", err)
	}
}

// A role that may only change rows cannot mark the source of a move, and nothing happens.
func TestAMoveNeedsTheOwner(t *testing.T) {
	server := pgtest.Start(t)
	owner, to := postgresDatabase(server), sqliteDatabase(t)
	h := fill(t, owner.mustOpen(t, oldKey))
	owner.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'damaged'`)
	app := rowsRole(server, owner)
	if err := moveOf(app, to, oldKey).Run(t.Context()); !errors.Is(err, sqlstore.ErrRights) {
		t.Errorf("moving: %v, want ErrRights", err)
	}
	h.wantAll(t, app.mustOpen(t, oldKey))
	if err := moveOf(owner, to, oldKey).Run(t.Context()); err != nil {
		t.Errorf("moving as the owner: %v", err)
	}
}
