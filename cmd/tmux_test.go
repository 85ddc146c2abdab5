//go:build linux

package cmd_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

const tmuxSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// A pocket is a folder with a .env and a database, and the keys of its accounts by
// shown name.
type pocket struct {
	dir  string
	keys map[string]totp.Key
}

// fill makes a pocket with these stored accounts, which are active.
func fill(t *testing.T, names ...string) pocket {
	t.Helper()
	p := pocket{t.TempDir(), map[string]totp.Key{}}
	seal := []byte(strings.Repeat("k", 32))
	env := fmt.Sprintf("TOTP_BASE32_SECRET=%s\nENCRYPTION_KEY=%s\n", tmuxSecret, base64.StdEncoding.EncodeToString(seal))
	if err := os.WriteFile(filepath.Join(p.dir, ".env"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, err := totp.ParseSecret(tmuxSecret)
	if err != nil {
		t.Fatal(err)
	}
	if p.keys["(default)"], err = totp.NewKey(secret, totp.DefaultScheme()); err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: "sqlite:" + filepath.Join(p.dir, "totpctl.db"), EncryptionKeys: [][]byte{seal}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	v, err := verifier.New(verifier.Config{Clock: time.Now, Skew: totp.DefaultSkew, Issuer: "totpctl", New: totp.DefaultScheme(), Store: store})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		p.keys[name] = activate(t, v, name)
	}
	return p
}

func activate(t *testing.T, v *verifier.Verifier, name string) totp.Key {
	t.Helper()
	e, err := v.Add(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	code, err := e.Entry.Key.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if verdict, _, err := v.Confirm(t.Context(), name, code, verifier.RequestID{}); err != nil || !verdict.Valid {
		t.Fatalf("confirming %s: %v, %v", name, verdict, err)
	}
	return e.Entry.Key
}

// codes returns an account's codes of around now, grouped as people see them. The step may
// change while a test looks.
func (p pocket) codes(name string) (all []string) {
	k := p.keys[name]
	for _, from := range []time.Duration{-k.Period(), 0, k.Period()} {
		code, _ := k.Code(time.Now().Add(from)) // later than 1970
		all = append(all, code[:3]+" "+code[3:])
	}
	return all
}

// shows reports whether a line of the screen begins with the account, whole or cut, and has
// one of its codes.
func (p pocket) shows(screen, name string) bool {
	for line := range strings.Lines(screen) {
		text := strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(line, "> "), "  "), "\n")
		begin, cut, isCut := strings.Cut(text, "…")
		if !isCut {
			begin, cut, _ = strings.Cut(text, name)
			if begin == "" {
				begin = name
			}
		}
		if begin != "" && strings.HasPrefix(name, begin) && slices.ContainsFunc(p.codes(name), func(c string) bool { return strings.Contains(cut, c) }) {
			return true
		}
	}
	return false
}

// clean is the environment of a user whose only clipboard is the terminal's.
func clean(more ...string) []string {
	return append([]string{"TERM=tmux-256color", "DISPLAY=", "WAYLAND_DISPLAY="}, more...)
}

var widths = []int{20, 40, 80, 200}

func TestTheTableFitsTerminalsOf20To200ColumnsAndTheirResizing(t *testing.T) {
	names := []string{"GitHub:alice@example.com", "Zoë", "alice", "bob", "東京:太郎", "שלום"}
	p := fill(t, names...)
	for _, from := range widths {
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			m := cmdtest.StartTmux(t, from, 12, p.dir, clean(), "totpctl gen --all")
			for _, columns := range []int{from, 20, 200, 40, 80, from} {
				m.Resize(columns, 12)
				m.AwaitThat(fmt.Sprintf("shows all accounts in %d columns", columns), func(screen string) bool {
					for _, name := range append(names, "(default)") {
						if !p.shows(screen, name) {
							return false
						}
					}
					return strings.Contains(screen, "NEXT") == (columns >= 80) && strings.Contains(screen, "LEFT") == (columns >= 40) &&
						strings.Contains(screen, "[#") == (columns >= 80)
				})
			}
			m.Resize(from, 3)
			m.AwaitThat("shows two accounts", func(screen string) bool {
				return p.shows(screen, "(default)") && p.shows(screen, "alice") && !p.shows(screen, "bob")
			})
		})
	}
}

func TestTheTableScrollsNarrowsAndCopies(t *testing.T) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("Issuer%02d:user", i))
	}
	p := fill(t, names...)
	m := cmdtest.StartTmux(t, 80, 12, p.dir, clean(), "echo before; totpctl gen --all; "+epilogue)
	m.Await(`(?s)> \(default\) .* 1/41$`)
	m.Type("Down", "j", "Down")
	m.Await(`(?s)> Issuer02:user .* 4/41$`)
	m.Type("PageDown")
	m.Await(`(?s)> Issuer12:user .* 14/41$`)
	m.Type("End")
	m.Await(`(?s)> Issuer39:user .* 41/41$`)
	m.Type("Home", "/")
	m.Type("-l", "ISSUER07")
	m.Await(`\A  ACCOUNT .*\n> Issuer07:user .*\n+/ISSUER07 +1/1$`)
	m.Type("BSpace")
	m.Await(`(?s)\A  ACCOUNT .*  Issuer00:user .*> Issuer07:user .*Issuer09:user .*/ISSUER0 +8/10$`)
	m.Type("Down", "Up", "Up", "Enter")
	screen := m.Await(`(?s)> Issuer06:user .*\n/ISSUER0  copied \(tmux\), \d+ s left: Issuer06:user$`)
	if !p.shows(screen, "Issuer06:user") {
		t.Errorf("the screen is\n%s", screen)
	}
	copied := m.Run("show-buffer")
	if codes := p.codes("Issuer06:user"); !slices.Contains(codes, copied[:3]+" "+copied[3:]) {
		t.Errorf("tmux holds %s, the codes are %v", copied, codes)
	}
	m.Type("Escape")
	m.Await(`(?s)> Issuer06:user .* 8/41$`)
	m.Type("q")
	restored(t, m)
}

// epilogue tells how a command has ended, and the modes of the terminal that it changed.
const epilogue = `echo ended $?; stty -a | tr ' ' '\n' | grep -x -e echo -e icanon -e icrnl -e isig -e opost | sort | xargs; exec sleep 600`

// restored waits for the end of a command, and for a terminal as it was before.
func restored(t *testing.T, m cmdtest.Tmux) {
	t.Helper()
	m.Await(`\Abefore\nended 0\necho icanon icrnl isig opost$`)
	if got := m.Run("display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}"); got != "0 1 1" {
		t.Errorf("alternate screen, cursor and wrapping are %s, want 0 1 1", got)
	}
}

func TestTheTableRestoresTheTerminalHoweverItEnds(t *testing.T) {
	p := fill(t, "alice")
	start := func(t *testing.T) cmdtest.Tmux {
		m := cmdtest.StartTmux(t, 80, 12, p.dir, clean(), "echo before; totpctl gen --all; "+epilogue)
		m.Await(`> \(default\) `)
		return m
	}
	for _, key := range []string{"q", "Escape", "C-c"} {
		t.Run(key, func(t *testing.T) {
			m := start(t)
			m.Type(key)
			restored(t, m)
		})
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			m := start(t)
			signalTable(t, m, s)
			restored(t, m)
		})
	}
}

// Without a shell in between, the terminal is still raw after a stop.
func TestTheTableRestoresTheTerminalAfterAStopThatNobodyNoticed(t *testing.T) {
	p := fill(t, "alice")
	m := cmdtest.StartTmux(t, 80, 12, p.dir, clean(), "echo before; totpctl gen --all; "+epilogue)
	m.Await(`> \(default\) `)
	signalTable(t, m, syscall.SIGSTOP)
	signalTable(t, m, syscall.SIGCONT)
	m.Type("Down")
	m.Await(`> alice `)
	m.Type("q")
	restored(t, m)
}

// signalTable sends a signal to the program that the shell of a window has started.
func signalTable(t *testing.T, m cmdtest.Tmux, s syscall.Signal) {
	t.Helper()
	shell := m.Run("display-message", "-p", "#{pane_pid}")
	children, err := os.ReadFile(filepath.Join("/proc", shell, "task", shell, "children"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err == nil {
		err = syscall.Kill(pid, s)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheTableStopsAndGoesOn(t *testing.T) {
	p := fill(t, "alice")
	m := cmdtest.StartTmux(t, 80, 12, p.dir, clean("PS1=$ "), "exec bash --norc -i")
	m.Type("totpctl gen --all", "Enter")
	m.Await(`> \(default\) `)
	m.Type("C-z")
	m.Await(`(?m)Stopped +totpctl gen --all$`)
	if got := m.Run("display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}"); got != "0 1 1" {
		t.Errorf("alternate screen, cursor and wrapping are %s, want 0 1 1", got)
	}
	m.Type("stty -a | grep -c ' echo '", "Enter")
	m.Await(`(?m)^1$`)
	m.Type("fg", "Enter")
	m.Await(`(?m)\A  ACCOUNT .*\n> \(default\) .*\n  alice .*\n`)
	m.Type("Down")
	m.Await(`(?m)^> alice `)

	// A stop that nothing can catch, during which the shell uses the terminal
	signalTable(t, m, syscall.SIGSTOP)
	m.Await(`(?s)Stopped +totpctl gen --all\n`)
	m.Type("fg", "Enter")
	m.Await(`(?m)\A  ACCOUNT .*\n  \(default\) .*\n> alice .*\n`)
	m.Type("q")
	m.Await(`\$\z`)
	m.Type("stty -a | grep -c ' echo '; echo done", "Enter")
	m.Await(`(?m)^1\ndone$`)
}

func TestACodeIsCopiedAlthoughTheTableIsLeftMeanwhile(t *testing.T) {
	p := fill(t, "alice")
	slow := "#!/bin/sh\nsleep 1\ncat >$HOME/copied\n"
	if err := os.WriteFile(filepath.Join(p.dir, "xclip"), []byte(slow), 0o755); err != nil {
		t.Fatal(err)
	}
	m := cmdtest.StartTmux(t, 80, 12, p.dir, clean("DISPLAY=:0", "HOME="+p.dir, "PATH="+p.dir+":"+os.Getenv("PATH")),
		"echo before; totpctl gen --all; "+epilogue)
	m.Await(`> \(default\) `)
	m.Type("Enter", "q")
	restored(t, m)
	copied, err := os.ReadFile(filepath.Join(p.dir, "copied"))
	if err != nil || len(copied) != 6 || !slices.Contains(p.codes("(default)"), string(copied[:3])+" "+string(copied[3:])) {
		t.Errorf("copied is %q, %v", copied, err)
	}
}

func TestTheTableHasColoursUnlessTheyAreNotWanted(t *testing.T) {
	p := fill(t, "alice")
	m := cmdtest.StartTmux(t, 80, 12, p.dir, clean(), "totpctl gen --all")
	m.Await(`> \(default\) `)
	if shown := m.Run("capture-pane", "-p", "-e"); !regexp.MustCompile(`\x1b\[1m\d{3} \d{3}\x1b\[0m.*\x1b\[2m\d{3} \d{3}\n`).MatchString(shown) {
		t.Errorf("codes are not bold, or next codes not dim: %q", shown)
	}
	m = cmdtest.StartTmux(t, 80, 12, p.dir, clean("NO_COLOR=1"), "totpctl gen --all")
	m.Await(`> \(default\) `)
	if shown := m.Run("capture-pane", "-p", "-e"); strings.Contains(shown, "\x1b[") {
		t.Errorf("with NO_COLOR it shows %q", shown)
	}
}

func TestTheTableReadsKeysFromTheTerminalWhereStandardInputIsNone(t *testing.T) {
	p := fill(t, "alice")
	m := cmdtest.StartTmux(t, 80, 24, p.dir, clean(), "echo before; totpctl gen --all </dev/null; "+epilogue)
	m.Await(`> \(default\) `)
	m.Type("Down")
	m.Await(`> alice `)
	m.Type("q")
	restored(t, m)
}

func TestTheLiveCodeFitsTerminalsOf20To200ColumnsAndTheirResizing(t *testing.T) {
	p := fill(t)
	for _, from := range widths {
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			m := cmdtest.StartTmux(t, from, 12, p.dir, clean(), "trap : INT; totpctl gen; exec sleep 600")
			for _, columns := range []int{from, 200, 80, 40, 20, from} {
				m.Resize(columns, 12)
				m.AwaitThat(fmt.Sprintf("counts down in %d columns", columns), func(screen string) bool {
					lines := strings.Split(screen, "\n")
					last := lines[len(lines)-1]
					return slices.ContainsFunc(p.codes("(default)"), func(c string) bool { return strings.HasPrefix(last, c+"  ") }) &&
						strings.HasSuffix(last, " s") && len(last) <= columns && strings.Contains(last, "[#") == (columns >= 40)
				})
			}
			m.Type("C-c")
			m.AwaitThat("has the code alone", func(screen string) bool {
				return regexp.MustCompile(`(?m)^\d{3} \d{3}(\n\^C)?$`).MatchString(screen) && !strings.Contains(screen, " s\n") && !strings.HasSuffix(screen, " s")
			})
		})
	}
}

// Over ssh there is no clipboard but the terminal's, which tmux is here.
func TestACodeIsCopiedThroughTheTerminalOfSSHAndClearedWhenItIsOver(t *testing.T) {
	p := fill(t)
	m := cmdtest.StartTmux(t, 80, 24, p.dir, clean("SSH_CONNECTION=1.2.3.4 5 6.7.8.9 22", "PS1=$ "), "unset TMUX; exec bash --norc -i")
	m.Run("set-option", "-s", "set-clipboard", "on")
	m.Type("totpctl gen --clip --period 7; echo back", "Enter")
	m.Await(`(?s)sent to the terminal's clipboard \(OSC 52\), unless the terminal refuses:\s+good for \d s, then cleared\nback\n`)
	copied := m.Run("list-buffers", "-F", "#{buffer_sample}")
	if !regexp.MustCompile(`(?m)^\d{6}$`).MatchString(copied) {
		t.Errorf("tmux holds %q", copied)
	}
	m.Holds(" ") // clearing leaves a space where the terminal knows no better
}
