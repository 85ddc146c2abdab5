//go:build linux

package cmd_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A block is a fenced block of the README.
type block struct{ language, text string }

func readmeBlocks(t *testing.T) (all []block) {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all = append(all, block{m[1], m[2]})
	}
	return all
}

// TestREADME runs every command of the README on a copy of this tree, as a
// newcomer would: the first starts the server that the others ask. The `go test`
// commands are .ci/run's, which reads them from the README.
func TestREADME(t *testing.T) {
	dir := freshClone(t)
	blocks := readmeBlocks(t)
	if len(blocks) < 2 || blocks[0].language != "sh" || !strings.HasPrefix(blocks[1].text, "go test ") {
		t.Fatal("the README does not begin with the command that runs it and the one that tests it")
	}
	server := startREADME(t, dir, blocks[0].text)
	for _, b := range blocks[1:] {
		switch {
		case b.language == "console":
			runConsole(t, dir, b.text)
		case b.language == "sh" && !strings.HasPrefix(b.text, "go test "):
			if got := runBash(t, dir, "CODE=000000\n"+b.text); got != "not valid: wrong code\n" {
				t.Errorf("%s\nprints %s", b.text, got)
			}
		}
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("serve ended with %v after an interrupt", err)
	}
}

// freshClone copies what git has, or would have after an add.
func freshClone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		to := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startREADME runs the first command until the page is up.
func startREADME(t *testing.T, dir, command string) *exec.Cmd {
	t.Helper()
	// exec lets the interrupt reach the server as a terminal's would.
	cmd := exec.Command("bash", "-c", strings.Replace(strings.TrimSpace(command), "./totpctl serve", "exec ./totpctl serve", 1))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TOTP_ISSUER=totpctl", "TOTP_ACCOUNT=default") // instead of this host's and this user's name
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get("http://127.0.0.1:5000/")
		if err != nil {
			if cmd.ProcessState != nil {
				break
			}
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(string(text), "totpctl qr") {
			t.Fatalf("the page is %d %s", resp.StatusCode, text)
		}
		return cmd
	}
	t.Fatalf("the README's first command does not end with the page up:\n%s", out.String())
	return nil
}

// runConsole runs the commands after "$ " in one shell, and compares what they
// print with the lines after them, up to what differs from run to run.
func runConsole(t *testing.T, dir, text string) {
	t.Helper()
	var script, want strings.Builder
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			script.WriteString(command)
		} else {
			want.WriteString(line)
		}
	}
	got := runBash(t, dir, script.String())
	if got, want := normal(got), normal(want.String()); got != want {
		t.Errorf("%s\nprints\n%s\nand the README says\n%s", script.String(), got, want)
	}
}

func runBash(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", waitForStep+script)
	cmd.Dir = dir
	out, _ := cmd.CombinedOutput() // a code that is not valid is no failure of the README
	return string(out)
}

// waitForStep begins each block early in a step, so that none ends within it.
const waitForStep = `while (( $(date +%s) % 30 > 20 )); do sleep 0.2; done
`

// normal replaces what is random, or a time.
func normal(text string) string {
	for _, r := range []struct{ pattern, by string }{
		{`secret=[A-Z2-7]{32}`, "secret=S"},
		{`enrol/[A-Z2-7]{26}`, "enrol/T"},
		{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z| [+-]\d\d:\d\d)?`, "TIME"},
		{`"step":\d+`, `"step":N`},
		{`(?m)("code":)?"?\b\d{6}\b"?`, "CODE"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.by)
	}
	return text
}
