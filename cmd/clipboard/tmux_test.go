package clipboard

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A multiplexer is a tmux server of its own, with one pane that shows nothing.
type multiplexer struct {
	t      *testing.T
	socket string
}

func startTmux(t *testing.T, command string) multiplexer {
	t.Helper()
	m := multiplexer{t, fmt.Sprintf("totpctl-clip-%d-%d", os.Getpid(), time.Now().UnixNano())}
	for _, name := range []string{"TMUX", "SSH_CONNECTION", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY"} {
		t.Setenv(name, "")
	}
	os.Unsetenv("TMUX") // tmux refuses to nest where it is set; t.Setenv puts it back
	t.Setenv("LC_ALL", "C.UTF-8")
	m.run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", command)
	t.Cleanup(func() { exec.Command("tmux", "-L", m.socket, "kill-server").Run() })
	return m
}

func (m multiplexer) run(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-L", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// pane opens the terminal that the pane is for the programs in it.
func (m multiplexer) pane() *os.File {
	m.t.Helper()
	f, err := os.OpenFile(m.run("display-message", "-p", "#{pane_tty}"), os.O_WRONLY, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { f.Close() })
	return f
}

// holds waits until the newest buffer is text.
func (m multiplexer) holds(text string) {
	m.t.Helper()
	var got string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, _ := exec.Command("tmux", "-L", m.socket, "show-buffer").Output() // fails where there is none
		if got = string(out); got == text {
			return
		}
	}
	m.t.Errorf("tmux holds %q, want %q", got, text)
}

func TestTmuxTakesWhatAProgramInItSendsOverSSH(t *testing.T) {
	m := startTmux(t, "exec sleep 600")
	m.run("set-option", "-s", "set-clipboard", "on")
	c := in("TERM=tmux-256color SSH_CONNECTION=x")
	c.Terminal = m.pane()
	if way, err := c.Copy(t.Context(), "123456"); err != nil || way != OSC52 {
		t.Fatalf("%q, %v", way, err)
	}
	m.holds("123456")
	if err := c.Clear(t.Context(), OSC52, "123456"); err != nil {
		t.Fatal(err)
	}
	m.holds(" ")
}

func TestTmuxPassesTheSequenceToTheTerminalAroundIt(t *testing.T) {
	inner := startTmux(t, "exec sleep 600")
	inner.run("set-option", "-g", "allow-passthrough", "on")
	outer := startTmux(t, "unset TMUX; exec tmux -L "+inner.socket+" attach-session")
	outer.run("set-option", "-s", "set-clipboard", "on")
	inner.attached()
	c := in("TERM=tmux-256color SSH_CONNECTION=x")
	c.Terminal = inner.pane()
	if way, err := c.Copy(t.Context(), "123456"); err != nil || way != OSC52 {
		t.Fatalf("%q, %v", way, err)
	}
	outer.holds("123456")
}

func (m multiplexer) attached() {
	m.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); m.run("list-clients") == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatal("nobody attached")
		}
	}
}

func TestInsideTmuxItsOwnCommandReachesTheTerminalAroundIt(t *testing.T) {
	inner := startTmux(t, "exec sleep 600")
	outer := startTmux(t, "unset TMUX; exec tmux -L "+inner.socket+" attach-session")
	outer.run("set-option", "-s", "set-clipboard", "on")
	inner.attached()
	t.Setenv("TMUX", inner.run("display-message", "-p", "#{socket_path},#{pid},0"))
	c := Config{Getenv: os.Getenv}
	if way, err := c.Copy(t.Context(), "123456"); err != nil || way != "tmux" {
		t.Fatalf("%q, %v", way, err)
	}
	inner.holds("123456")
	outer.holds("123456")
	if err := c.Clear(t.Context(), "tmux", "123456"); err != nil {
		t.Fatal(err)
	}
	inner.holds("")
	outer.holds(" ")
}

func TestWhatTmuxHasTakenSinceIsLeftAlone(t *testing.T) {
	m := startTmux(t, "exec sleep 600")
	t.Setenv("TMUX", m.run("display-message", "-p", "#{socket_path},#{pid},0"))
	c := Config{Getenv: os.Getenv}
	if _, err := c.Copy(t.Context(), "123456"); err != nil {
		t.Fatal(err)
	}
	m.run("set-buffer", "mine")
	if err := c.Clear(t.Context(), "tmux", "123456"); err != nil {
		t.Fatal(err)
	}
	m.holds("mine")
}
