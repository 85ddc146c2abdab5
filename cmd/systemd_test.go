//go:build linux

package cmd_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/sqlstore/pgtest"
)

const unitFolder = "manual/systemd"

func TestTheUnitsAreCleanAndHardened(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"totpctl.service", "totpctl.socket"} {
		text, err := os.ReadFile(filepath.Join(unitFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		installed := strings.ReplaceAll(string(text), "/usr/local/bin/totpctl", cmdtest.Binary(t))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(installed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	service, socket := filepath.Join(dir, "totpctl.service"), filepath.Join(dir, "totpctl.socket")
	for _, args := range [][]string{
		{"verify", service, socket},
		{"security", "--offline=true", "--no-pager", "--threshold=15", service}, // tenths
	} {
		out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
		others := regexp.MustCompile(`(?m)^/(usr/)?lib/systemd/.*\n`) // verify reads this machine's units, too
		if err != nil || args[0] == "verify" && len(others.ReplaceAll(out, nil)) > 0 {
			t.Errorf("systemd-analyze %v: %v\n%s", args, err, out)
		}
	}
}

// A serviceManager has the other end of NOTIFY_SOCKET.
type serviceManager struct {
	t    *testing.T
	path string
	conn *net.UnixConn
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	m := &serviceManager{t: t, path: filepath.Join(t.TempDir(), "notify")}
	var err error
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.conn.Close() })
	return m
}

// next returns the next message, or "" if none comes in time.
func (m *serviceManager) next(limit time.Duration) string {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(limit))
	text := make([]byte, 4096)
	n, err := m.conn.Read(text)
	if err != nil && !os.IsTimeout(err) {
		m.t.Fatal(err)
	}
	return string(text[:n])
}

// await returns the next message that matches.
func (m *serviceManager) await(wanted string) string {
	m.t.Helper()
	var seen []string
	for end := time.Now().Add(patience); time.Now().Before(end); {
		text := m.next(patience)
		if regexp.MustCompile(wanted).MatchString(text) {
			return text
		}
		seen = append(seen, text)
	}
	m.t.Fatalf("no message matches %s: %q", wanted, seen)
	return ""
}

// drain reads what has come already.
func (m *serviceManager) drain() {
	for m.next(100*time.Millisecond) != "" {
	}
}

func (m *serviceManager) start(p *cmdtest.Program, watchdog time.Duration) *cmdtest.Server {
	p.Env = append(p.Env, "NOTIFY_SOCKET="+m.path)
	if watchdog > 0 {
		p.Env = append(p.Env, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	}
	return p.Serve()
}

func TestServeTellsTheServiceManagerWhenItAnswersRereadsAndStops(t *testing.T) {
	m := newServiceManager(t)
	p := cmdtest.NewProgram(t, "sqlite:"+filepath.Join(t.TempDir(), "totpctl.db"))
	s := m.start(p, 0)
	addr := regexp.QuoteMeta(strings.TrimPrefix(s.URL, "http://"))
	if first := m.next(patience); !regexp.MustCompile(`\AREADY=1\nSTATUS=serving on ` + addr + `\z`).MatchString(first) {
		t.Errorf("first it says %q", first)
	}
	s.Signal(syscall.SIGHUP)
	if text := m.next(patience); !regexp.MustCompile(`\ARELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=rereading the configuration\z`).MatchString(text) {
		t.Errorf("at a reload it says %q", text)
	}
	if text := m.next(patience); !regexp.MustCompile(`\AREADY=1\nSTATUS=serving on ` + addr + `\z`).MatchString(text) {
		t.Errorf("after a reload it says %q", text)
	}
	s.Signal(syscall.SIGTERM)
	if text := m.next(patience); !strings.HasPrefix(text, "STOPPING=1\n") {
		t.Errorf("at its end it says %q", text)
	}
}

func TestTheWatchdogHearsNothingOfAProcessThatIsStuck(t *testing.T) {
	m := newServiceManager(t)
	p := cmdtest.NewProgram(t, "sqlite:"+filepath.Join(t.TempDir(), "totpctl.db"))
	s := m.start(p, 2*time.Second)
	m.await(`\AREADY=1\n`)
	for range 3 {
		m.await(`\AWATCHDOG=1\nSTATUS=serving on [^;]*\z`)
	}
	s.Signal(syscall.SIGSTOP)
	m.drain()
	if text := m.next(3 * time.Second); text != "" {
		t.Errorf("stopped, it says %q", text)
	}
	s.Signal(syscall.SIGCONT)
	m.await(`\AWATCHDOG=1\n`)
}

func TestTheWatchdogSparesAServerWhoseDatabaseIsLost(t *testing.T) {
	db := pgtest.Start(t)
	for what, loss := range map[string]struct{ lose, bringBack func() }{
		"killed":                          {db.Crash, db.Resume},
		"silent, as beyond a cut network": {db.Pause, db.Continue},
	} {
		t.Run(what, func(t *testing.T) {
			m := newServiceManager(t)
			s := m.start(cmdtest.NewProgram(t, db.URL(db.NewDatabase())), 2*time.Second)
			m.await(`\AWATCHDOG=1\nSTATUS=serving on [^;]*\z`)
			loss.lose()
			for range 3 {
				m.await(`\AWATCHDOG=1\nSTATUS=serving on .*; no verdicts: the store answers with an error: `)
			}
			loss.bringBack()
			m.await(`\AWATCHDOG=1\nSTATUS=serving on [^;]*\z`)
			s.Signal(syscall.SIGTERM)
			m.await(`\ASTOPPING=1\n`)
		})
	}
}
