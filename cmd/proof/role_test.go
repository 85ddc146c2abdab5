//go:build linux

package proof

import (
	"strings"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/sqlstore/pgtest"
)

// The owner of the tables makes them, and serve runs as a role that may read and write rows.
func TestServeNeedsNoRightToChangeTables(t *testing.T) {
	database := pgtest.Start(t)
	name := database.NewDatabase()
	owner := cmdtest.NewProgram(t, database.URL(name))
	app := *owner
	app.Env = append(append([]string{}, owner.Env...), "DATABASE_URL="+strings.Replace(database.URL(name), "postgres@", "app@", 1))
	database.Exec(name, `CREATE ROLE app LOGIN`)
	out, err := toolCommand(t, &app, "serve").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this role may not change the database's tables") || !strings.Contains(string(out), "hint: run `totpctl migrate`") {
		t.Errorf("serve on an empty database: %v, %s", err, out)
	}
	if out := tool(t, owner, "migrate"); !strings.HasPrefix(out, "database "+name+" was new: its tables are made\n") {
		t.Errorf("migrate says %q", out)
	}
	if out := tool(t, owner, "migrate"); out != "the database's tables are up to date\n" {
		t.Errorf("migrate says %q the second time", out)
	}
	database.Exec(name, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO app`)
	out, err = toolCommand(t, &app, "serve").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "permission denied for table") || !strings.Contains(string(out), "this role needs SELECT, INSERT, UPDATE and DELETE") {
		t.Errorf("serve with a role that may only read: %v, %s", err, out)
	}
	database.Exec(name, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app`)
	server := app.Serve()
	code, err := app.Entry.Key.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if answer := check(patient, server.URL, "", code, ""); !answer.Status {
		t.Errorf("a good code: %+v\n%s", answer, server.Lines())
	}
	if out := tool(t, &app, "fence"); !strings.HasPrefix(out, "fenced 1 accounts: ") {
		t.Errorf("fence says %q", out)
	}
}
