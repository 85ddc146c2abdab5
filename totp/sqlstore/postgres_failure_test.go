//go:build linux

package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
)

func postgresFixture(t *testing.T, url string) (*verifier.Verifier, *clock, totp.Entry) {
	t.Helper()
	c := newClock()
	v := newVerifier(t, openPostgres(t, url), c)
	e, _ := enrol(t, v, c, "alice")
	c.next()
	mustAccept(t, v, c, e.Entry)
	c.next()
	return v, c, e.Entry
}

// A store that nobody asked anything while the server was away is to notice
// nothing of it.
func TestLostConnectionsAreMadeAnewWithoutAnError(t *testing.T) {
	server := pgtest.Start(t)
	v, c, k := postgresFixture(t, server.URL(server.NewDatabase()))
	for name, lose := range map[string]func(){
		"terminated": func() {
			server.Exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'totpctl'")
		},
		"shut down": func() { server.Stop(); server.Resume() },
		"crashed":   func() { server.Crash(); server.Resume() },
		"killed":    func() { server.Kill(); server.Resume() },
	} {
		t.Run(name, func(t *testing.T) {
			lose()
			mustAccept(t, v, c, k)
			if _, err := v.RecoveryCodes(t.Context(), "alice"); err != nil {
				t.Error(err)
			}
			lose()
			if _, _, err := v.List(t.Context(), verifier.Query{}, 1); err != nil {
				t.Error(err)
			}
			c.next()
		})
	}
}

func TestWithoutAServerThereIsNoVerdictUntilItIsBack(t *testing.T) {
	server := pgtest.Start(t)
	v, c, k := postgresFixture(t, server.URL(server.NewDatabase()))
	server.Kill()
	for range 3 {
		mustFail(t, v, c, k)
	}
	server.Resume()
	mustAccept(t, v, c, k)
}

func TestASilentServerGivesNoVerdict(t *testing.T) {
	server := pgtest.Start(t)
	v, c, k := postgresFixture(t, server.URL(server.NewDatabase()))
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	verdict, err := v.Check(ctx, verifier.Attempt{Account: "alice", Code: codeOf(t, k.Key, c)})
	if !errors.Is(err, context.DeadlineExceeded) || verdict != (verifier.Verdict{}) {
		t.Errorf("%+v, %v, want the caller's deadline", verdict, err)
	}
	server.Continue()
	mustAccept(t, v, c, k) // it had only read
}

func TestASilentServerHoldsNobodyLongerThanTheCallersContext(t *testing.T) {
	server := pgtest.Start(t)
	p := openPostgres(t, server.URL(server.NewDatabase()))
	if err := p.Add(t.Context(), verifier.Account{ID: "alice"}); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	for name, ask := range map[string]func(context.Context) error{
		"adding":         func(ctx context.Context) error { return p.Add(ctx, verifier.Account{ID: "bob"}) },
		"removing":       func(ctx context.Context) error { return p.Remove(ctx, "alice") },
		"listing":        func(ctx context.Context) error { _, err := p.List(ctx, verifier.Range{}, 1); return err },
		"finding a link": func(ctx context.Context) error { _, err := p.FindToken(ctx, "nothing"); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if err := ask(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 2*time.Second {
			t.Errorf("%s: %v after %v, want the caller's deadline", name, err, time.Since(begin))
		}
	}
	server.Continue()
}

func TestTheHostThatTakesWritesIsFound(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.SynchronousStandby()
	name := primary.NewDatabase()
	v, c, k := postgresFixture(t, standby.URL(name, primary))
	mustAccept(t, v, c, k)
	c.next()
	primary.Kill()
	mustFail(t, v, c, k)
	standby.Promote()
	mustAccept(t, v, c, k)
}

func TestAReadOnlyServerIsNotOpened(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.SynchronousStandby()
	name := primary.NewDatabase()
	if _, err := (database{url: standby.URL(name)}).open(t, oldKey); err == nil {
		t.Error("a standby alone was opened")
	}
}

func TestASettingThatForgetsCommitsIsWarnedOf(t *testing.T) {
	server := pgtest.Start(t)
	name := server.NewDatabase()
	for value, want := range map[string]string{"on": "", "remote_write": "", "local": "local", "off": "off", "remote_apply": ""} {
		server.Exec("postgres", fmt.Sprintf("ALTER DATABASE %s SET synchronous_commit = %s", name, value))
		warnings, err := openPostgres(t, server.URL(name)).Warnings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(warnings, "\n"); want == "" && got != "" || !strings.Contains(got, "synchronous_commit is "+want) && want != "" {
			t.Errorf("synchronous_commit %s: %q", value, got)
		}
	}
}

// waitForSync returns when a commit waits for the standby.
func waitForSync(t *testing.T, server *pgtest.Server) {
	t.Helper()
	for begin := time.Now(); server.Query("postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "0"; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("no commit waits for the standby")
		}
	}
}

// PostgreSQL answers a commit whose wait for the standby was cancelled with
// success and a warning, or ends the session.
func TestACommitThatTheStandbyMayNotHaveIsNoVerdict(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.SynchronousStandby()
	name := primary.NewDatabase()
	v, c, k := postgresFixture(t, primary.URL(name))
	standby.Stop()
	wait := "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
	for _, interrupt := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		for _, change := range map[string]func() error{
			"check": func() error {
				verdict, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", Code: codeOf(t, k.Key, c)})
				if verdict != (verifier.Verdict{}) {
					t.Errorf("after %s: %+v, want no verdict", interrupt, verdict)
				}
				return err
			},
			"recovery codes": func() error { _, err := v.RecoveryCodes(t.Context(), "alice"); return err },
			"add":            func() error { _, err := v.Add(t.Context(), interrupt); return err },
		} {
			result := make(chan error)
			go func() { result <- change() }()
			waitForSync(t, primary)
			primary.Exec("postgres", "SELECT "+interrupt+"(pid) "+wait)
			if err := <-result; err == nil {
				t.Errorf("after %s: no error", interrupt)
			}
		}
		c.next()
	}
	standby.Resume()
	mustAccept(t, v, c, k)
}

// A table is on a disk of its own: PostgreSQL ends itself when the one of its log
// is full.
func TestAFullDiskOfPostgresGivesErrorsUntilThereIsRoomAgain(t *testing.T) {
	server := pgtest.Start(t)
	for _, table := range []string{"account", "enrolment"} {
		t.Run(table, func(t *testing.T) { testFullDisk(t, server, table) })
	}
}

func testFullDisk(t *testing.T, server *pgtest.Server, table string) {
	name := server.NewDatabase()
	v, c, k := postgresFixture(t, server.URL(name))
	disk := moveToSmallDisk(t, server, name, table)
	ballast := filepath.Join(disk, "ballast")
	fillDisk(t, ballast)
	confirm := func(e verifier.Enrolment) (verifier.Verdict, error) {
		verdict, _, err := v.Confirm(t.Context(), e.Entry.Account, codeOf(t, e.Entry.Key, c), verifier.RequestID{})
		return verdict, err
	}
	var refused verifier.Enrolment // there is room in some pages still
	for _, e := range addUntilFull(t, v) {
		if verdict, err := confirm(e); err != nil {
			if refused = e; verdict != (verifier.Verdict{}) || !strings.Contains(err.Error(), "No space left") {
				t.Errorf("a code on a full disk: %+v, %v", verdict, err)
			}
			break
		}
	}
	if refused.Account == "" {
		t.Fatal("there was room for every verdict")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Add(t.Context(), "bob"); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if verdict, err := confirm(refused); err != nil || !verdict.Valid {
		t.Errorf("the same code with room again: %+v, %v, want valid", verdict, err)
	}
	mustAccept(t, v, c, k)
	wantNoneDamaged(t, v)
}

// moveToSmallDisk returns the folder where the disk is mounted.
func moveToSmallDisk(t *testing.T, server *pgtest.Server, database, table string) string {
	t.Helper()
	disk := mountSmallDisk(t)
	folder := filepath.Join(disk, "space")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	server.Own(folder)
	server.Exec(database, "CREATE TABLESPACE small_"+table+" LOCATION '"+folder+"'")
	server.Exec(database, "ALTER TABLE "+table+" SET TABLESPACE small_"+table)
	return disk
}

// wantNoneDamaged looks for accounts of which only a part was written.
func wantNoneDamaged(t *testing.T, v *verifier.Verifier) {
	t.Helper()
	for from := ""; ; {
		page, next, err := v.List(t.Context(), verifier.Query{From: from}, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page {
			if a.Status == verifier.StatusDamaged {
				t.Errorf("%s is damaged", a.Name)
			}
		}
		if from = next; next == "" {
			return
		}
	}
}

// addUntilFull returns the accounts that there was room for.
func addUntilFull(t *testing.T, v *verifier.Verifier) (added []verifier.Enrolment) {
	t.Helper()
	for i := range 1000 {
		e, err := v.Add(t.Context(), fmt.Sprintf("account %d", i))
		if err != nil {
			if !strings.Contains(err.Error(), "No space left") {
				t.Fatalf("adding account %d to a full disk: %v", i, err)
			}
			return added
		}
		added = append(added, e)
	}
	t.Fatal("the disk is not full")
	return nil
}

// The standby has not what the first attempt wrote, so the retry of a request
// that got no answer must not get one either: after a failover the code would be
// good again.
func TestARepetitionIsNotAnsweredBeforeItsVerdictIsSafe(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.SynchronousStandby()
	v, c, k := postgresFixture(t, primary.URL(primary.NewDatabase()))
	standby.Stop()
	a := verifier.Attempt{Account: "alice", Code: codeOf(t, k.Key, c), Request: verifier.NewRequestID("bearer", "key")}
	result := make(chan error)
	go func() { _, err := v.Check(t.Context(), a); result <- err }()
	waitForSync(t, primary)
	primary.Exec("postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	if <-result == nil {
		t.Fatal("the first attempt got a verdict")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if verdict, err := v.Check(ctx, a); err == nil {
		t.Errorf("repeated while the standby is away: %+v, want an error", verdict)
	}
	standby.Resume()
	if verdict, err := v.Check(t.Context(), a); err != nil || !verdict.Valid {
		t.Errorf("repeated when it is back: %+v, %v, want valid", verdict, err)
	}
}
