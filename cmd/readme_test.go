//go:build linux

package cmd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A block is a fenced block of a page. Its name, which most have not, stands behind the
// language.
type block struct{ language, name, text string }

func fencedBlocks(text string) (all []block) {
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)(?: ([^\n]+))?\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		all = append(all, block{m[1], m[2], m[3]})
	}
	return all
}

// runnable returns the blocks that are run one after the other. The `go test` commands are
// those of .ci/run, which reads them from the pages.
func runnable(blocks []block) (all []block) {
	for _, b := range blocks {
		if b.name == "" && (b.language == "console" || b.language == "sh") && !strings.HasPrefix(b.text, "go test ") {
			all = append(all, b)
		}
	}
	return all
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestREADME runs every command of the README on a copy of this tree, as a
// newcomer would: the first starts the server that the others ask.
func TestREADME(t *testing.T) {
	dir := freshClone(t)
	all := fencedBlocks(readme(t))
	blocks := runnable(all)
	if len(blocks) < 2 || all[0].language != "sh" || !strings.HasPrefix(all[1].text, "go test ") {
		t.Fatal("the README does not begin with the command that runs it and the one that tests it")
	}
	useOwnNetwork(t)
	server := startServer(t, dir, blocks[0].text)
	for _, b := range blocks[1:] {
		runBlock(t, dir, b)
	}
	interrupt(t, server)
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

// useOwnNetwork gives the commands that the test's goroutine starts a loopback device of their
// own, because the pages name port 5000, which somebody else may use.
func useOwnNetwork(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("making a network, which needs root: %v", err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}

// startServer runs a command that ends with `totpctl serve` until the page is up.
func startServer(t *testing.T, dir, command string) *exec.Cmd {
	t.Helper()
	// exec lets the interrupt reach the server as a terminal's would.
	cmd := exec.Command("bash", "-c", regexp.MustCompile(`\S*totpctl serve\s*$`).ReplaceAllString(command, "exec $0"))
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
		page, err := exec.Command("curl", "-s", "-w", "%{http_code}", "http://127.0.0.1:5000/").Output()
		if err != nil {
			continue
		}
		if text := string(page); !strings.HasSuffix(text, "401") || !strings.Contains(text, "totpctl qr") {
			t.Fatalf("the page is %s", text)
		}
		return cmd
	}
	t.Fatalf("%s does not end with the page up:\n%s", command, out.String())
	return nil
}

func interrupt(t *testing.T, server *exec.Cmd) {
	t.Helper()
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("serve ended with %v after an interrupt", err)
	}
}

// runBlock runs a block. One of sh has to end with exit code 0. Of one of console, the commands
// after "$ " run in one shell, and print the lines after them, up to what differs from run
// to run.
func runBlock(t *testing.T, dir string, b block) {
	t.Helper()
	if b.language == "sh" {
		if out, err := bash(dir, "set -e\n"+b.text); err != nil {
			t.Errorf("%s\nends with %v and prints\n%s", b.text, err, out)
		}
		return
	}
	var script, want strings.Builder
	for line := range strings.Lines(b.text) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			script.WriteString(command)
		} else {
			want.WriteString(line)
		}
	}
	got, _ := bash(dir, script.String()) // a code that is not valid is no failure of the page
	if got, want := normal(got), normal(want.String()); got != want {
		t.Errorf("%s\nprints\n%s\nand the page says\n%s", script.String(), got, want)
	}
}

func bash(dir, script string) (string, error) {
	cmd := exec.Command("bash", "-c", waitForStep+script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
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
		{`sqlite:/\S*/`, "sqlite:/DIR/"},
		{`(?m)("code":)?"?\b\d{6}\b"?`, "CODE"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.by)
	}
	return text
}
