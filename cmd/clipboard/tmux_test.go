//go:build linux

package clipboard

import (
	"os"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

func startTmux(t *testing.T, command string) cmdtest.Tmux {
	t.Helper()
	for _, name := range []string{"TMUX", "SSH_CONNECTION", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY"} {
		t.Setenv(name, "")
	}
	return cmdtest.StartTmux(t, 80, 24, "", nil, command)
}

// paneOf opens the terminal that a window is for the programs in it.
func paneOf(t *testing.T, m cmdtest.Tmux) *os.File {
	t.Helper()
	f, err := os.OpenFile(m.Run("display-message", "-p", "#{pane_tty}"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// attached waits until another terminal shows the window.
func attached(t *testing.T, m cmdtest.Tmux) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); m.Run("list-clients") == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody attached")
		}
	}
}

func TestTmuxTakesWhatAProgramInItSendsOverSSH(t *testing.T) {
	m := startTmux(t, "exec sleep 600")
	m.Run("set-option", "-s", "set-clipboard", "on")
	c := in("TERM=tmux-256color SSH_CONNECTION=x")
	c.Terminal = paneOf(t, m)
	if way, err := c.Copy(t.Context(), "123456"); err != nil || way != OSC52 {
		t.Fatalf("%q, %v", way, err)
	}
	m.Holds("123456")
	if err := c.Clear(t.Context(), OSC52, "123456"); err != nil {
		t.Fatal(err)
	}
	m.Holds(" ")
}

func TestTmuxPassesTheSequenceToTheTerminalAroundIt(t *testing.T) {
	inner := startTmux(t, "exec sleep 600")
	inner.Run("set-option", "-g", "allow-passthrough", "on")
	outer := startTmux(t, "unset TMUX; exec tmux -L "+inner.Socket()+" attach-session")
	outer.Run("set-option", "-s", "set-clipboard", "on")
	attached(t, inner)
	c := in("TERM=tmux-256color SSH_CONNECTION=x")
	c.Terminal = paneOf(t, inner)
	if way, err := c.Copy(t.Context(), "123456"); err != nil || way != OSC52 {
		t.Fatalf("%q, %v", way, err)
	}
	outer.Holds("123456")
}

func TestInsideTmuxItsOwnCommandReachesTheTerminalAroundIt(t *testing.T) {
	inner := startTmux(t, "exec sleep 600")
	outer := startTmux(t, "unset TMUX; exec tmux -L "+inner.Socket()+" attach-session")
	outer.Run("set-option", "-s", "set-clipboard", "on")
	attached(t, inner)
	t.Setenv("TMUX", inner.Run("display-message", "-p", "#{socket_path},#{pid},0"))
	c := Config{Getenv: os.Getenv}
	if way, err := c.Copy(t.Context(), "123456"); err != nil || way != "tmux" {
		t.Fatalf("%q, %v", way, err)
	}
	inner.Holds("123456")
	outer.Holds("123456")
	if err := c.Clear(t.Context(), "tmux", "123456"); err != nil {
		t.Fatal(err)
	}
	inner.Holds("")
	outer.Holds(" ")
}

func TestWhatTmuxHasTakenSinceIsLeftAlone(t *testing.T) {
	m := startTmux(t, "exec sleep 600")
	t.Setenv("TMUX", m.Run("display-message", "-p", "#{socket_path},#{pid},0"))
	c := Config{Getenv: os.Getenv}
	if _, err := c.Copy(t.Context(), "123456"); err != nil {
		t.Fatal(err)
	}
	m.Run("set-buffer", "mine")
	if err := c.Clear(t.Context(), "tmux", "123456"); err != nil {
		t.Fatal(err)
	}
	m.Holds("mine")
}
