//go:build linux

package pgtest_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"totpctl/totp/sqlstore/pgtest"
)

func TestAServerKeepsWhatWasCommittedBeforeItWasKilled(t *testing.T) {
	s := pgtest.Start(t)
	d := s.NewDatabase()
	s.Exec(d, "CREATE TABLE kept (n INTEGER); INSERT INTO kept VALUES (42)")
	for _, end := range []func(){s.Stop, s.Crash, s.Kill} {
		end()
		s.Resume()
		if got := s.Query(d, "SELECT n FROM kept"); got != "42" {
			t.Errorf("after it ended: %s, want 42", got)
		}
	}
	if got := s.Query(d, "SELECT current_setting('fsync')"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	if dump := string(s.Dump(d)); !strings.Contains(dump, "INSERT INTO public.kept VALUES (42)") {
		t.Errorf("dump:\n%s", dump)
	}
}

func TestAStandbyTakesOverAfterItsPrimaryWasKilled(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.SynchronousStandby()
	d := primary.NewDatabase()
	primary.Exec(d, "CREATE TABLE kept (n INTEGER); INSERT INTO kept VALUES (42)")
	primary.Kill()
	standby.Promote()
	standby.Exec(d, "UPDATE kept SET n = n + 1")
	if got := standby.Query(d, "SELECT n FROM kept"); got != "43" {
		t.Errorf("on the promoted standby: %s, want 43", got)
	}
}

func TestClientsOfABouncerShareAConnection(t *testing.T) {
	url := pgtest.Start(t).Bouncer(1).URL("postgres")
	sessions := map[string]bool{}
	for range 2 {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		var session string
		if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()::text", pgx.QueryExecModeExec).Scan(&session); err != nil {
			t.Fatal(err)
		}
		sessions[session] = true
	}
	if len(sessions) != 1 {
		t.Errorf("sessions are %v, want one", sessions)
	}
}
