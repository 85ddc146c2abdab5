//go:build linux

package proof

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// tool runs totpctl with the servers' environment, and returns its output.
func tool(t *testing.T, p *cmdtest.Program, args ...string) string {
	t.Helper()
	c := toolCommand(t, p, args...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("totpctl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func toolCommand(t *testing.T, p *cmdtest.Program, args ...string) *exec.Cmd {
	c := exec.Command(cmdtest.Binary(t), args...)
	c.Dir, c.Env = t.TempDir(), p.Env
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// The server is under load while backups are taken, goes on for a while, and loses its
// disk. No code that was offered to it is good after the restore.
func TestNoUsedCodeIsGoodAfterARestore(t *testing.T) {
	folder := t.TempDir()
	path, backup := filepath.Join(folder, "totpctl.db"), filepath.Join(folder, "backup")
	p := cmdtest.NewProgram(t, "sqlite:"+path)
	c := crowd{history: newHistory(t), offers: offersOf(t, enrol(t, "sqlite:"+path, 500)), next: new(atomic.Int64), clients: 16}
	server := p.Serve()
	c.servers = []*cmdtest.Server{server}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { c.run(stop); close(stopped) }()
	for range 3 {
		c.mustProgress(t, server)
		tool(t, p, "backup", backup, "--force")
	}
	known := len(c.history.accepted())
	c.mustProgress(t, server)
	server.Kill()
	close(stop)
	<-stopped
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	tool(t, p, "restore", backup)
	server = p.Serve()
	for _, o := range c.offers {
		if answer := check(patient, server.URL, o.account, o.code, ""); answer.status != 200 || answer.Status || answer.Reason != "replayed" {
			t.Errorf("%v after the restore: %+v", o, answer)
		}
	}
	accepted := len(c.history.accepted())
	t.Logf("%d codes were accepted, %d or more of them after the last backup", accepted, accepted-known)
}

// The restore is killed at any moment. The accounts are then those from before or those of
// the backup.
func TestAKilledRestoreLeavesTheOldDatabaseOrTheNew(t *testing.T) {
	folder := t.TempDir()
	path, other := filepath.Join(folder, "totpctl.db"), filepath.Join(folder, "other.db")
	p, others := cmdtest.NewProgram(t, "sqlite:"+path), cmdtest.NewProgram(t, "sqlite:"+other)
	enrol(t, "sqlite:"+path, 300)
	enrol(t, "sqlite:"+other, 1200)
	backups := map[string]string{}
	for name, from := range map[string]*cmdtest.Program{"300": p, "1200": others} {
		backups[name] = filepath.Join(folder, name)
		tool(t, from, "backup", backups[name])
	}
	begin := time.Now()
	tool(t, p, "restore", backups["300"], "--force")
	takes := time.Since(begin)
	is, outcomes := "300", map[string]int{}
	for range 25 {
		next := map[string]string{"300": "1200", "1200": "300"}[is]
		restore := toolCommand(t, p, "restore", backups[next], "--force")
		if err := restore.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(takes * 3 / 2))
		restore.Process.Kill()
		restore.Wait()
		count := strings.Count(tool(t, p, "account", "list"), "\naccount ")
		switch {
		case count == 300 && is == "300", count == 1200 && is == "1200":
			outcomes["old"]++
			takes = takes * 4 / 3
		case count == 300, count == 1200:
			outcomes["new"]++
			is, takes = next, takes*3/4
		default:
			t.Fatalf("%d accounts are left, want all of the old database or all of the new", count)
		}
	}
	t.Logf("%v", outcomes)
	tool(t, p, "restore", backups[is], "--force")
	if left, _ := filepath.Glob(filepath.Join(folder, ".*")); len(left) > 0 {
		t.Errorf("the killed restores have left %q", left)
	}
	if outcomes["old"] == 0 || outcomes["new"] == 0 {
		t.Error("the kills were not spread over the restore")
	}
}
