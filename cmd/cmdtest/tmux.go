//go:build linux

package cmdtest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// tmuxPatience is how long a screen may take to show what a test waits for.
const tmuxPatience = 30 * time.Second

var sockets atomic.Int64

// A Tmux is a server of tmux(1) with one window: a real terminal.
type Tmux struct {
	t      testing.TB
	socket string
}

// StartTmux starts command in a window of that size, in dir and with env beside PATH. It
// ends the server with the test.
func StartTmux(t testing.TB, columns, lines int, dir string, env []string, command string) Tmux {
	t.Helper()
	m := Tmux{t, fmt.Sprintf("totpctl-test-%d-%d", os.Getpid(), sockets.Add(1))}
	c := m.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(lines), command)
	c.Dir = dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/no-home", "LC_ALL=C.UTF-8", "SHELL=/bin/sh"}, env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("starting tmux: %v: %s", err, out)
	}
	t.Cleanup(func() { m.tmux("kill-server").Run() })
	m.Run("set-option", "-g", "window-size", "manual")
	return m
}

// Socket returns the name that `tmux -L` takes.
func (m Tmux) Socket() string { return m.socket }

func (m Tmux) tmux(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-u", "-L", m.socket}, args...)...)
}

// Run runs a command of tmux and returns what it prints.
func (m Tmux) Run(args ...string) string {
	m.t.Helper()
	out, err := m.tmux(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// Type types keys, such as "q", "Enter" and "C-c" (tmux(1), send-keys).
func (m Tmux) Type(keys ...string) {
	m.t.Helper()
	m.Run(append([]string{"send-keys"}, keys...)...)
}

// Resize gives the window another size.
func (m Tmux) Resize(columns, lines int) {
	m.t.Helper()
	m.Run("resize-window", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(lines))
}

// Screen returns what the window shows, without spaces at the ends of lines.
func (m Tmux) Screen() string {
	m.t.Helper()
	return m.Run("capture-pane", "-p")
}

// Await waits until the screen matches and returns it.
func (m Tmux) Await(want string) string {
	m.t.Helper()
	return m.AwaitThat("matches "+want, regexp.MustCompile(want).MatchString)
}

// AwaitThat waits until the screen is as ok wants it and returns it.
func (m Tmux) AwaitThat(what string, ok func(screen string) bool) string {
	m.t.Helper()
	for deadline := time.Now().Add(tmuxPatience); ; time.Sleep(20 * time.Millisecond) {
		screen := m.Screen()
		if ok(screen) {
			return screen
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("want a screen that %s; it shows\n%s", what, screen)
		}
	}
}

// Holds waits until the newest buffer of tmux is text; "" is none.
func (m Tmux) Holds(text string) {
	m.t.Helper()
	var got string
	for deadline := time.Now().Add(tmuxPatience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, _ := m.tmux("show-buffer").Output() // fails where there is none
		if got = string(out); got == text {
			return
		}
	}
	m.t.Fatalf("tmux holds %q, want %q", got, text)
}
