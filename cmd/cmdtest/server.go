//go:build linux

package cmdtest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"totpctl/totp"
)

// Bearer may check codes.
const Bearer = "bearer-of-the-proofs"

// EncryptionKey returns the key that seals the servers' secrets.
func EncryptionKey() []byte { return bytes.Repeat([]byte("p"), 32) }

// Period is long, so that no step ends while a test runs; a code of the
// present step and one of the next are good all the time.
const Period = time.Hour

// A Program is the environment that servers of the real binary get.
type Program struct {
	t     *testing.T
	Entry totp.Entry // of the default account
	Env   []string
}

// NewProgram returns one whose servers are on the database and on free ports.
func NewProgram(t *testing.T, databaseURL string) *Program {
	t.Helper()
	p := &Program{t: t, Entry: newEntry(t, "default")}
	p.Env = []string{
		"TOTP_BASE32_SECRET=" + p.Entry.Key.Secret().Base32(),
		fmt.Sprintf("TOTP_PERIOD=%d", int(Period.Seconds())),
		fmt.Sprintf("TOTP_DIGITS=%d", totp.MaxDigits),
		"BEARER=" + Bearer,
		"ENCRYPTION_KEY=" + base64.StdEncoding.EncodeToString(EncryptionKey()),
		"DATABASE_URL=" + databaseURL,
		"LISTEN_ADDR=127.0.0.1:0",
	}
	return p
}

func newEntry(t *testing.T, account string) totp.Entry {
	t.Helper()
	k, err := totp.GenerateKey(Scheme())
	if err != nil {
		t.Fatal(err)
	}
	return totp.Entry{Account: account, Key: k}
}

// Scheme returns how the servers' keys make codes.
func Scheme() totp.Scheme {
	return totp.Scheme{Algorithm: totp.SHA1, Digits: totp.MaxDigits, Period: Period}
}

// A Server is a process of its own.
type Server struct {
	t       *testing.T
	URL     string
	Process *os.Process
	ended   chan struct{}
	mu      sync.Mutex
	errOut  []string // its last lines
}

// Serve starts a server, which ends with the test, and returns when it listens.
func (p *Program) Serve() *Server {
	p.t.Helper()
	return p.serve(nil)
}

// ServeOnTerminal does what Serve does, with a terminal for the server's standard output.
// It returns the set-up link that the server prints there, too.
func (p *Program) ServeOnTerminal() (s *Server, setupLink string) {
	p.t.Helper()
	control, terminal, err := OpenTerminal(200, 24)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { control.Close() })
	s = p.serve(terminal)
	terminal.Close()
	for lines := bufio.NewScanner(control); lines.Scan(); { // the link comes before the server listens
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "http") {
			return s, line
		}
	}
	p.t.Fatalf("server has printed no set-up link:\n%s", s.Lines())
	return nil, ""
}

func (p *Program) serve(stdout *os.File) *Server {
	p.t.Helper()
	c := exec.Command(Binary(p.t), "serve")
	if stdout != nil {
		c.Stdout = stdout
	}
	c.Dir, c.Env = p.t.TempDir(), p.Env
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	errOut, err := c.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	s := &Server{t: p.t, Process: c.Process, ended: make(chan struct{})}
	p.t.Cleanup(s.Kill)
	listening := make(chan string, 1)
	go func() {
		s.read(errOut, listening)
		c.Wait()
		close(s.ended)
	}()
	select {
	case s.URL = <-listening:
	case <-s.ended:
		p.t.Fatalf("server ended:\n%s", s.Lines())
	case <-time.After(20 * time.Second):
		p.t.Fatalf("server does not listen:\n%s", s.Lines())
	}
	return s
}

func (s *Server) read(errOut io.Reader, listening chan<- string) {
	for lines := bufio.NewScanner(errOut); lines.Scan(); {
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			listening <- "http://" + line.Addr
		}
		s.mu.Lock()
		s.errOut = append(s.errOut[max(0, len(s.errOut)-20):], lines.Text())
		s.mu.Unlock()
	}
}

// Lines returns the last lines of the server's log.
func (s *Server) Lines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.errOut, "\n")
}

// Signal sends a signal to the process.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Kill ends the process by SIGKILL and waits for its end.
func (s *Server) Kill() {
	s.Process.Kill()
	<-s.ended
}
