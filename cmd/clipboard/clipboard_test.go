package clipboard

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// in returns the Config of an environment such as "TERM=xterm DISPLAY=:0".
func in(environment string) Config {
	return Config{Getenv: func(name string) string {
		for _, pair := range strings.Fields(environment) {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
		return ""
	}}
}

func TestTheBestWayComesFirst(t *testing.T) {
	for _, test := range []struct{ goos, environment, want string }{
		{"linux", "", "OSC 52"},
		{"linux", "DISPLAY=:0", "xclip, xsel, OSC 52"},
		{"linux", "WAYLAND_DISPLAY=wayland-0 DISPLAY=:0", "wl-copy, xclip, xsel, OSC 52"},
		{"linux", "WSL_INTEROP=/run/x WAYLAND_DISPLAY=wayland-0", "clip.exe, wl-copy, OSC 52"},
		{"linux", "TERMUX_VERSION=0.118", "termux-clipboard-set, OSC 52"},
		{"linux", "TMUX=/tmp/t,1,0 DISPLAY=:0", "xclip, xsel, tmux, OSC 52"},
		{"darwin", "", "pbcopy, OSC 52"},
		{"windows", "", "clip.exe, OSC 52"},
		{"linux", "SSH_CONNECTION=x", "OSC 52"},
		{"linux", "SSH_TTY=/dev/pts/1 TMUX=/tmp/t,1,0", "tmux, OSC 52"},
		{"linux", "SSH_CONNECTION=x DISPLAY=:0", "OSC 52, xclip, xsel"},
		{"linux", "SSH_CONNECTION=x DISPLAY=localhost:10.0", "xclip, xsel, OSC 52, xclip, xsel"},
		{"darwin", "SSH_CONNECTION=x", "OSC 52, pbcopy"},
	} {
		var got []string
		for _, w := range in(test.environment).ways(test.goos) {
			got = append(got, string(w.name))
		}
		if all := strings.Join(got, ", "); all != test.want {
			t.Errorf("%s with %q: %s, want %s", test.goos, test.environment, all, test.want)
		}
	}
}

// x11Display starts an X server and points DISPLAY to it.
func x11Display(t *testing.T) {
	t.Helper()
	number, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer number.Close()
	server := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "16x16x24")
	server.ExtraFiles = []*os.File{theirs}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	line, err := bufio.NewReader(number).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	t.Setenv("DISPLAY", ":"+strings.TrimSpace(line))
	t.Setenv("SSH_CONNECTION", "")
	t.Setenv("SSH_TTY", "")
	t.Setenv("TMUX", "")
	t.Setenv("WAYLAND_DISPLAY", "")
}

// only makes a folder with these programs all that PATH has.
func only(t *testing.T, programs ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(path, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestXHoldsTheCodeUntilItIsCleared(t *testing.T) {
	for _, program := range []string{"xclip", "xsel"} {
		t.Run(program, func(t *testing.T) {
			x11Display(t)
			only(t, program)
			c := Config{Getenv: os.Getenv}
			if way, err := c.Copy(t.Context(), "123456"); err != nil || string(way) != program {
				t.Fatalf("the way is %q, %v", way, err)
			}
			paste := x11()[slices.Index([]string{"xclip", "xsel"}, program)].paste
			holds := func() string {
				out, _ := exec.Command(paste[0], paste[1:]...).Output() // fails where there is nothing
				return string(out)
			}
			// The program returns before the process that it leaves behind has the clipboard.
			await := func(want string) {
				t.Helper()
				for deadline := time.Now().Add(30 * time.Second); holds() != want; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("the clipboard holds %q, want %q", holds(), want)
					}
				}
			}
			await("123456")
			if err := c.Clear(t.Context(), Way(program), "654321"); err != nil || holds() != "123456" {
				t.Errorf("%v: what is no code of ours was cleared: %q", err, holds())
			}
			if err := c.Clear(t.Context(), Way(program), "123456"); err != nil {
				t.Error(err)
			}
			await("")
			if err := c.Clear(t.Context(), Way(program), "123456"); err != nil {
				t.Errorf("clearing an empty clipboard: %v", err)
			}
		})
	}
}

// script puts a shell script in front of PATH.
func script(t *testing.T, name, text string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestTheCodeIsNoArgument(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	script(t, "xclip", `echo "$@" >`+log+"\ncat >>"+log)
	if _, err := in("DISPLAY=:0").Copy(t.Context(), "123456"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(log); string(got) != "-selection clipboard\n123456" {
		t.Errorf("the program got %q", got)
	}
}

func TestAProgramThatFailsOrHangsLeavesItToTheNextWay(t *testing.T) {
	script(t, "wl-copy", "exit 1")
	script(t, "xclip", "exec sleep 60")
	log := filepath.Join(t.TempDir(), "log")
	script(t, "xsel", "cat >"+log+"\nsleep 60 &") // holds what streams it was given
	begin := time.Now()
	way, err := in("WAYLAND_DISPLAY=w DISPLAY=:0").Copy(t.Context(), "123456")
	if got, _ := os.ReadFile(log); err != nil || way != "xsel" || string(got) != "123456" {
		t.Errorf("the way is %q, %v; the program got %q", way, err, got)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestWhereNoWayWorksTheErrorNamesEach(t *testing.T) {
	only(t)
	for environment, want := range map[string]string{
		"DISPLAY=:0 TERM=xterm": "there is no terminal",
		"DISPLAY=:0 TERM=dumb":  `a terminal of the type "dumb" has no clipboard`,
		"DISPLAY=:0 TERM=linux": `a terminal of the type "linux" has no clipboard`,
	} {
		c := in(environment)
		if !strings.HasSuffix(environment, "xterm") {
			c.Terminal = failing{}
		}
		_, err := c.Copy(t.Context(), "123456")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "xclip: executable file not found") {
			t.Errorf("%s: %v", environment, err)
		}
		if err != nil && strings.Contains(err.Error(), "123456") {
			t.Errorf("%v tells the code", err)
		}
	}
}

func TestAWayThatIsNotHereClearsNothing(t *testing.T) {
	if err := in("").Clear(t.Context(), "xclip", "123456"); err == nil {
		t.Error("no error")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("must not be written to") }

func TestOverSSHTheTerminalGetsTheSequence(t *testing.T) {
	for environment, want := range map[string]string{
		"SSH_CONNECTION=x TERM=xterm DISPLAY=:0":           "\x1b]52;c;MTIzNDU2\a",
		"SSH_TTY=/dev/pts/1 TERM=xterm-256color":           "\x1b]52;c;MTIzNDU2\a",
		"SSH_CONNECTION=x TERM=tmux-256color":              "\x1b]52;c;MTIzNDU2\a\x1bPtmux;\x1b\x1b]52;c;MTIzNDU2\a\x1b\\",
		"SSH_CONNECTION=x TERM=screen.xterm STY=1.pts-0.h": "\x1bP\x1b]52;c;MTIzNDU2\a\x1b\\",
		"SSH_CONNECTION=x TERM=screen":                     "\x1b]52;c;MTIzNDU2\a",
	} {
		var terminal bytes.Buffer
		c := in(environment)
		c.Terminal = &terminal
		if way, err := c.Copy(t.Context(), "123456"); err != nil || way != OSC52 {
			t.Fatalf("%s: %q, %v", environment, way, err)
		}
		if terminal.String() != want {
			t.Errorf("%s: the terminal got %q, want %q", environment, terminal.String(), want)
		}
		terminal.Reset()
		if err := c.Clear(t.Context(), OSC52, "123456"); err != nil || !strings.Contains(terminal.String(), "52;c;!\a") {
			t.Errorf("%s: %v; to clear, the terminal got %q", environment, err, terminal.String())
		}
	}
}
