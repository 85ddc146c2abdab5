//go:build linux

package cmd_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type serversKey struct{}

// servers are the processes that a script has started; the last one is meant.
type servers struct{ all []*background }

// A background process and its standard error so far.
type background struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	errOut io.Closer // our end of its standard error
	log    struct {
		sync.Mutex
		bytes.Buffer
	}
	read chan struct{} // closed when standard error has ended
}

const patience = 20 * time.Second

// serve [ARG…] starts `totpctl serve` on a free port and sets TOTPCTL_URL.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	start(ts, `"msg":"listening".*"addr":"([^"]+)"`, "totpctl", append([]string{"serve", "--listen-addr", "127.0.0.1:0"}, args...)...)
}

// prototype FILE starts the prototype's Flask server and sets TOTPCTL_URL.
func prototype(ts *testscript.TestScript, neg bool, args []string) {
	start(ts, `Running on http://(\S+)`, "/usr/bin/python3", "-u", ts.MkAbs(args[0])) // Debian's: it has the packages
}

func start(ts *testscript.TestScript, listening, name string, args ...string) {
	path, err := exec.LookPath(name)
	ts.Check(err)
	b := &background{cmd: exec.Command(path, args...), read: make(chan struct{})}
	b.cmd.Env, b.cmd.Dir, b.cmd.Stdout = environment(ts), ts.MkAbs("."), &b.out
	errOut, err := b.cmd.StderrPipe()
	ts.Check(err)
	b.errOut = errOut
	ts.Check(b.cmd.Start())
	ts.Defer(func() { b.cmd.Process.Kill(); b.cmd.Wait() })
	addr := make(chan string, 1)
	go b.follow(errOut, regexp.MustCompile(listening), addr)
	select {
	case a := <-addr:
		if !strings.HasPrefix(a, "unix:") {
			a = "http://" + a
		}
		ts.Setenv("TOTPCTL_URL", a)
	case <-b.read:
		ts.Fatalf("%s ended:\n%s", name, b.text())
	case <-time.After(patience):
		ts.Fatalf("%s does not listen:\n%s", name, b.text())
	}
	s := ts.Value(serversKey{}).(*servers)
	s.all = append(s.all, b)
}

// environment is the script's.
func environment(ts *testscript.TestScript) []string {
	ts.Check(ts.Exec("env", "-0"))
	return strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
}

func (b *background) follow(errOut io.Reader, listening *regexp.Regexp, addr chan<- string) {
	defer close(b.read)
	for lines := bufio.NewScanner(errOut); lines.Scan(); {
		b.log.Lock()
		b.log.WriteString(lines.Text() + "\n")
		b.log.Unlock()
		if m := listening.FindStringSubmatch(lines.Text()); m != nil && len(addr) == 0 {
			addr <- m[1]
		}
	}
}

func (b *background) text() string {
	b.log.Lock()
	defer b.log.Unlock()
	return b.log.String()
}

var signals = map[string]os.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP}

// signal SIGNAL REGEXP sends a signal to the server that was started last, waits
// until what it logs from then on matches, and leaves that for stderr.
func signal(ts *testscript.TestScript, neg bool, args []string) {
	b := ts.Value(serversKey{}).(*servers).last()
	before := len(b.text())
	ts.Check(b.cmd.Process.Signal(signals[args[0]]))
	wanted := regexp.MustCompile(args[1])
	for end := time.Now().Add(patience); !wanted.MatchString(b.text()[before:]); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("after %s the log has no match of %s:\n%s", args[0], args[1], b.text())
		}
	}
	fmt.Fprint(ts.Stderr(), b.text()[before:])
}

// scrape prints the metrics of the server that was started last.
func scrape(ts *testscript.TestScript, neg bool, args []string) {
	b := ts.Value(serversKey{}).(*servers).last()
	url := regexp.MustCompile(`"msg":"metrics are served","url":"([^"]+)"`).FindStringSubmatch(b.text())
	if url == nil {
		ts.Fatalf("the log names no address of metrics:\n%s", b.text())
	}
	resp, err := http.Get(url[1])
	ts.Check(err)
	defer resp.Body.Close()
	io.Copy(ts.Stdout(), resp.Body)
}

// deafen closes the reading end of the last server's standard error.
func deafen(ts *testscript.TestScript, neg bool, args []string) {
	b := ts.Value(serversKey{}).(*servers).last()
	ts.Check(b.errOut.Close())
	<-b.read
}

func (s *servers) last() *background { return s.all[len(s.all)-1] }

// halt SIGNAL ends the server that was started last, wants exit code 0 unless the
// signal is KILL, and leaves its output for stdout and stderr.
func halt(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(serversKey{}).(*servers)
	b := s.last()
	s.all = s.all[:len(s.all)-1]
	ts.Check(b.cmd.Process.Signal(signals[args[0]]))
	select {
	case <-b.read:
	case <-time.After(patience):
		ts.Fatalf("it goes on after %s:\n%s", args[0], b.text())
	}
	err := b.cmd.Wait()
	fmt.Fprint(ts.Stdout(), b.out.String())
	fmt.Fprint(ts.Stderr(), b.text())
	if strings.Contains(b.out.String()+b.text(), unspeakable) {
		ts.Fatalf("a secret was printed:\n%s", b.text())
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !(exited && args[0] == "KILL") {
		ts.Fatalf("after %s: %v\n%s", args[0], err, b.text())
	}
}

// fake [-status N] [-date OFFSET] [-location URL] LOG BODY sets TOTPCTL_URL to a
// server that answers everything so, and writes to LOG who asked for what.
func fake(ts *testscript.TestScript, neg bool, args []string) {
	f := flag.NewFlagSet("fake", flag.ContinueOnError)
	status := f.Int("status", http.StatusOK, "")
	offset := f.Duration("date", 0, "")
	location := f.String("location", "", "")
	ts.Check(f.Parse(args))
	log, err := os.Create(ts.MkAbs(f.Arg(0)))
	ts.Check(err)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(log, "%s %s authorization=%q key=%t %s\n", r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("Idempotency-Key") != "", body)
		w.Header().Set("Date", time.Now().Add(*offset).UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Type", "application/json")
		if *location != "" {
			w.Header().Set("Location", *location+r.URL.Path)
		}
		w.WriteHeader(*status)
		io.WriteString(w, f.Arg(1))
	}))
	ts.Defer(func() { s.Close(); log.Close() })
	ts.Setenv("TOTPCTL_URL", s.URL)
}
