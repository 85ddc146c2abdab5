//go:build linux

package cmd_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/sqlstore/pgtest"
)

func TestDoctorReadsPostgreSQLsSettingsAndChangesNothing(t *testing.T) {
	server := pgtest.Start(t)
	name := server.NewDatabase()
	program := cmdtest.NewProgram(t, server.URL(name))
	doctor := func() (out string, code int) {
		t.Helper()
		c := exec.Command(cmdtest.Binary(t), "doctor")
		c.Dir, c.Env = t.TempDir(), program.Env
		text, err := c.Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return string(text), exit.ExitCode()
		}
		return string(text), 0
	}
	if out, code := doctor(); code != 1 || !strings.Contains(out, "warning  database: there is no database of totpctl") {
		t.Errorf("of an empty database it exits %d and says\n%s", code, out)
	}
	if got := server.Query(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); got != "0" {
		t.Errorf("it has made %s tables", got)
	}
	program.Serve().Kill()
	server.Set("synchronous_commit", "off")
	out, code := doctor()
	for _, want := range []string{"warning  database: the role in DATABASE_URL is a superuser", "warning  database: synchronous_commit is off: ", "ok       keys: "} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("it exits %d and says\n%s\nwant %s", code, out, want)
		}
	}
}
