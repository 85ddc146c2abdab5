//go:build linux

package proof

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// A process that is killed while it writes may leave a half line, which the next cuts off.
// The line of each acceptance that was received must be whole.
func TestTheAuditLogHasEveryAcceptedCodeInWholeLinesAfterKills(t *testing.T) {
	const rounds, clients = 15, 16
	dir := t.TempDir()
	url, log := "sqlite:"+filepath.Join(dir, "totpctl.db"), filepath.Join(dir, "audit.log")
	p := cmdtest.NewProgram(t, url)
	p.Env = append(p.Env, "AUDIT_LOG="+log)
	c := crowd{history: newHistory(t), offers: offersOf(t, enrol(t, url, 2000)), next: new(atomic.Int64), clients: clients}
	for range rounds {
		server := p.Serve()
		c.servers = []*cmdtest.Server{server}
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() { c.run(stop); close(stopped) }()
		c.mustProgress(t, server)
		time.Sleep(time.Duration(rand.IntN(100_000)) * time.Microsecond)
		server.Kill()
		close(stop)
		<-stopped
	}
	p.Serve().Kill()
	recorded := auditedAcceptances(t, log)
	for _, o := range c.history.accepted() {
		if recorded[o.account]--; recorded[o.account] < 0 {
			t.Errorf("%v was accepted, and is not in the audit log", o)
		}
	}
}

// auditedAcceptances returns how many good codes an audit log has of each account.
func auditedAcceptances(t *testing.T, path string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var l struct {
			Event, Account string
			Valid          bool
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil || !strings.HasSuffix(line, "\n") {
			t.Errorf("not a whole line: %q, %v", line, err)
		}
		if l.Event == "check" && l.Valid {
			recorded[l.Account]++
		}
	}
	return recorded
}
