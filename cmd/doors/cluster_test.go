//go:build linux

package doors

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/totptest"
)

const (
	adminBearer = "admin-bearer-of-the-doors"
	host        = "totp.example.com" // in the recipes
	site        = "https://" + host
)

// patience bounds every wait.
const patience = 30 * time.Second

// A cluster is three servers on a PostgreSQL behind PgBouncer, each with an audit log.
type cluster struct {
	database *pgtest.Server
	entry    totp.Entry // of the default account
	servers  []*cmdtest.Server
	audits   []string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	database := pgtest.Start(t)
	p := cmdtest.NewProgram(t, database.Bouncer(4).URL(database.NewDatabase()))
	p.Env = append(p.Env, "ADMIN_BEARER="+adminBearer)
	p.Env = append(p.Env, recipeEnv(t)...)
	c := &cluster{database: database, entry: p.Entry}
	env := p.Env
	for i := range 3 {
		c.audits = append(c.audits, filepath.Join(t.TempDir(), fmt.Sprintf("audit%d.log", i)))
		p.Env = append(env[:len(env):len(env)], "AUDIT_LOG="+c.audits[i])
		c.servers = append(c.servers, p.Serve())
	}
	return c
}

// recipeEnv has the lines of the manual's .env.
func recipeEnv(t *testing.T) []string {
	t.Helper()
	lines := strings.Fields(cmdtest.Recipe(t, "web-servers.md", "env"))
	if len(lines) != 2 || lines[0] != "PUBLIC_URL="+site {
		t.Fatalf("the manual's .env has %q", lines)
	}
	return lines
}

// An auditLine is what the tests look for in an audit log.
type auditLine struct {
	Account, Client string
	ID              string `json:"request_id"`
	Valid           *bool
}

// audited returns which server has a request in its audit log, and the line.
func (c *cluster) audited(t *testing.T, id string) (server int, line auditLine) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for i, file := range c.audits {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for each := range strings.Lines(string(text)) {
				if json.Unmarshal([]byte(each), &line) == nil && line.ID == id {
					return i, line
				}
			}
		}
	}
	t.Fatalf("no audit log has the request %q", id)
	return 0, line
}

// logged returns the client of a request as a server's request log names it.
func (c *cluster) logged(t *testing.T, id string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, s := range c.servers {
			for each := range strings.Lines(s.Lines()) {
				var line auditLine
				if json.Unmarshal([]byte(each), &line) == nil && line.ID == id {
					return line.Client
				}
			}
		}
	}
	t.Fatalf("no server's log has the request %q", id)
	return ""
}

// newKey returns a key whose codes of the present step and of the next are good as long as
// a test runs.
func newKey(t *testing.T) totp.Key {
	t.Helper()
	k, err := totp.GenerateKey(cmdtest.Scheme())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func codeOf(t *testing.T, k totp.Key) string { return totptest.Code(t, k, time.Now()) }

func nextCodeOf(t *testing.T, k totp.Key) string {
	return totptest.Code(t, k, time.Now().Add(cmdtest.Period))
}

// freeAddress is one of a host that nothing listens on, out of the range that the kernel
// gives to clients: one of those could take it while a test has nobody listen.
func freeAddress(t *testing.T, host string) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port between 20000 and 32000")
	return ""
}

// replaced is a recipe with other addresses and files: pairs of old and new. Each old text
// must be there.
func replaced(t *testing.T, recipe string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(recipe, pairs[i]) {
			t.Fatalf("the recipe has no %q:\n%s", pairs[i], recipe)
		}
	}
	return strings.NewReplacer(pairs...).Replace(recipe)
}
