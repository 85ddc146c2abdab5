//go:build linux

package pam_test

import (
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// address is that of the page: no port that a user without privileges could take.
const address = "127.0.0.1:870"

// A server is one as the page wants it, with its .env and its database in a folder.
type server struct {
	t       *testing.T
	dir     string
	process *exec.Cmd
}

// startServer starts a server without accounts, and writes what asks it as the page tells.
func startServer(t *testing.T) *server {
	t.Helper()
	if err := os.MkdirAll("/usr/local/bin", 0o755); err != nil {
		t.Fatal(err)
	}
	bash(t, "/", "install -m 755 "+cmdtest.Binary(t)+" /usr/local/bin/totpctl")
	s := &server{t: t, dir: t.TempDir()}
	s.run("init")
	bash(t, s.dir, "printf 'LISTEN_ADDR=%s\nTOTP_PERIOD=3600\nTOTP_DIGITS=6\n' "+address+" >>.env")
	bash(t, s.dir, cmdtest.Recipe(t, "pam.md", "check-env"))
	s.start("tcp", address)
	return s
}

func (s *server) start(network, address string) {
	s.t.Helper()
	s.process = exec.Command("/usr/local/bin/totpctl", "serve")
	s.process.Dir = s.dir
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	process := s.process
	s.t.Cleanup(func() { process.Process.Kill(); process.Wait() })
	awaitListener(s.t, network, address)
}

func awaitListener(t *testing.T, network, address string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial(network, address); err == nil {
			c.Close()
			return
		}
	}
	t.Fatalf("nothing listens on %s", address)
}

func (s *server) stop() {
	s.process.Process.Kill()
	s.process.Wait()
}

// hang makes the server accept connections and answer none.
func (s *server) hang() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) run(arguments ...string) string {
	s.t.Helper()
	return s.give("", arguments...)
}

// give runs totpctl with a text on its standard input.
func (s *server) give(text string, arguments ...string) string {
	s.t.Helper()
	c := exec.Command("/usr/local/bin/totpctl", arguments...)
	c.Dir, c.Stdin = s.dir, strings.NewReader(text)
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("totpctl %q: %v: %s", arguments, err, out)
	}
	return strings.TrimSpace(string(out))
}

// enrol makes the account anew and returns a good code of it.
func (s *server) enrol(account string) (code string) {
	s.t.Helper()
	exec.Command("/usr/local/bin/totpctl", "--env", filepath.Join(s.dir, ".env"), "account", "remove", "--", account).Run() // there may be none
	s.give((rand.Text() + rand.Text())[:32], "account", "add", "--secret", "-", "--", account)
	return s.run("gen", "--once", "--", account)
}

// wrong returns a code that is not valid.
func wrong(code string) string {
	last := code[len(code)-1]
	return code[:len(code)-1] + string('0'+(last-'0'+5)%10)
}

// recoveryCode returns a recovery code of an account, without spaces and dashes.
func (s *server) recoveryCode(account string) string {
	s.t.Helper()
	code, _, _ := strings.Cut(s.run("account", "recovery-codes", account), "\n")
	return strings.NewReplacer(" ", "", "-", "").Replace(code)
}
