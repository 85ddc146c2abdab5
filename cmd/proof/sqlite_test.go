//go:build linux

package proof

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// After each kill the same file is opened anew, and every code whose acceptance
// was received in the round before must be used.
func TestNoAcceptedCodeIsLostWhenTheServerIsKilled(t *testing.T) {
	const rounds, clients = 50, 16
	url := "sqlite:" + filepath.Join(t.TempDir(), "totpctl.db")
	p := cmdtest.NewProgram(t, url)
	c := crowd{history: newHistory(t), offers: offersOf(t, enrol(t, url, 3000)), next: new(atomic.Int64), clients: clients}
	known := 0 // how many acceptances have been looked at
	for round := range rounds + 1 {
		server := p.Serve()
		c.servers = []*cmdtest.Server{server}
		accepted := c.history.accepted()
		for _, o := range accepted[known:] {
			if outcome := c.history.offer(-1, server.URL, o); outcome != outcomeReplayed {
				t.Errorf("%v was accepted before the kill; after it: %s", o, outcome)
			}
		}
		known = len(accepted)
		if round == rounds {
			break
		}
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() { c.run(stop); close(stopped) }()
		c.mustProgress(t, server)
		time.Sleep(time.Duration(rand.IntN(100_000)) * time.Microsecond)
		server.Kill()
		close(stop)
		<-stopped
	}
	c.history.check()
}

// The trace of one verdict: the request is read, the write-ahead log is written,
// then synced, and only then is the answer written.
func TestAVerdictIsSyncedBeforeItIsAnswered(t *testing.T) {
	folder := t.TempDir()
	p := cmdtest.NewProgram(t, "sqlite:"+filepath.Join(folder, "totpctl.db"))
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed: apt-get install strace")
	}
	server := p.Serve()
	trace := filepath.Join(folder, "trace")
	end := traceProcess(t, strace, "-f", "-y", "-s", "1000", "-e", "trace=read,write,pwrite64,fsync,fdatasync", "-o", trace, "-p", strconv.Itoa(server.Process.Pid))
	code, err := p.Entry.Key.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	check(patient, server.URL, "", "12345678", "") // makes the account's row
	if got := check(patient, server.URL, "", code, ""); !got.Status {
		t.Fatalf("good code: %+v\n%s", got, server.Lines())
	}
	end()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(string(text), "\n")
	from := 0
	for _, v := range []struct{ what, pattern string }{
		{"the request", `read(\(\d+<| resumed>).*` + code},
		{"a write to the write-ahead log", `pwrite64\(\d+<[^>]*-wal>`},
		{"a sync of the write-ahead log", `f(data)?sync\(\d+<[^>]*-wal>\).*= 0|<... f(data)?sync resumed.*= 0`},
		{"the answer", `write\(\d+<[^>]*>, "HTTP/1.1 200`},
	} {
		found := findCall(calls[from:], v.pattern)
		if found < 0 {
			t.Fatalf("the trace has not %s where it should:\n%s", v.what, strings.Join(calls[max(0, from-5):], "\n"))
		}
		t.Logf("%s: %.120s", v.what, calls[from+found])
		from += found + 1
	}
}

func findCall(calls []string, pattern string) int {
	re := regexp.MustCompile(pattern)
	for i, c := range calls {
		if re.MatchString(c) {
			return i
		}
	}
	return -1
}

// traceProcess runs strace and returns when it has attached to the process; end
// has it let go and write out all it has seen.
func traceProcess(t *testing.T, strace string, args ...string) (end func()) {
	t.Helper()
	c := exec.Command(strace, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	errOut, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	lines := bufio.NewScanner(errOut)
	if !lines.Scan() || !strings.Contains(lines.Text(), "attached") {
		t.Fatalf("strace: %s: is ptrace permitted here?", lines.Text())
	}
	go io.Copy(io.Discard, errOut)
	return func() {
		c.Process.Signal(syscall.SIGINT)
		c.Wait()
	}
}
