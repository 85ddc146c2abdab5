//go:build linux

package cmd_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// sandbox runs a command as the unit does, as far as that goes without systemd: no file
// system but the state's takes writes, and the user has no capability and gets none.
// strace notes the system calls.
const sandbox = `set -e
mount --bind "$1" "$1"
while read -r _ _ _ _ at _; do
	case $at in "$1"|/proc|/proc/*|/dev|/dev/*|/sys|/sys/*) ;; *) mount -o remount,ro,bind "$at" 2>/dev/null || true ;; esac
done </proc/self/mountinfo
cd "$1"; shift
! touch /usr/writable /tmp/writable 2>/dev/null
umask 077
exec setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all \
	strace -f -qq -o trace "$@"`

// TestServeNeedsNoMoreThanTheUnitAllows needs root, as the README says of the tests.
func TestServeNeedsNoMoreThanTheUnitAllows(t *testing.T) {
	trace := string(tracedServe(t))
	unit, err := os.ReadFile(filepath.Join(unitFolder, "totpctl.service"))
	if err != nil {
		t.Fatal(err)
	}
	allowed := allowedCalls(t, string(unit))
	for _, m := range regexp.MustCompile(`(?m)^\d+ +([a-z0-9_]+)\((.*)$`).FindAllStringSubmatch(trace, -1) {
		call, arguments := m[1], m[2]
		// Go raises its limit of open files, and goes on where it may not.
		if !allowed[call] && call != "prlimit64" && call != "execve" {
			t.Errorf("the unit forbids %s(%s", call, arguments)
		}
		if strings.Contains(arguments, "PROT_EXEC") && strings.Contains(arguments, "PROT_WRITE") {
			t.Errorf("MemoryDenyWriteExecute= forbids %s(%s", call, arguments)
		}
		family := regexp.MustCompile(`\AAF_[A-Z0-9]+`).FindString(arguments)
		if call == "socket" && !slices.Contains(strings.Fields(setting(string(unit), "RestrictAddressFamilies")[0]), family) {
			t.Errorf("RestrictAddressFamilies= forbids %s(%s", call, arguments)
		}
	}
	if !strings.Contains(trace, "socket(AF_INET") {
		t.Error("the trace has no socket: does strace work?")
	}
}

// tracedServe returns the system calls of a server from its start to its end.
func tracedServe(t *testing.T) []byte {
	t.Helper()
	state, c := confinedServe(t)
	log := filepath.Join(filepath.Dir(state), "log")
	url := "http://" + awaitIn(t, log, `"addr":"([^"]+)"`)
	process := tracee(t, filepath.Join(state, "trace"))
	t.Cleanup(func() { process.Kill() })
	ask(t, url+"/readyz")
	ask(t, url+"/check/12345678")
	if err := process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitIn(t, log, "(configuration reread)")
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := c.Wait()
	if text, _ := os.ReadFile(log); err != nil || strings.Contains(string(text), `"level":"ERROR"`) {
		t.Errorf("serve ended with %v:\n%s", err, text)
	}
	trace, err := os.ReadFile(filepath.Join(state, "trace"))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// confinedServe starts a server in the sandbox, which writes to state alone. Its standard
// error is the file log beside that.
func confinedServe(t *testing.T) (state string, c *exec.Cmd) {
	t.Helper()
	dir := t.TempDir()
	state, binary := filepath.Join(dir, "state"), filepath.Join(dir, "totpctl")
	log, errLog := os.Create(filepath.Join(dir, "log"))
	err := errors.Join(errLog, exec.Command("cp", cmdtest.Binary(t), binary).Run(),
		os.Chmod(filepath.Dir(dir), 0o755), // where nobody may look for the binary
		os.Mkdir(state, 0o700), os.Chown(state, nobody, nobody))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c = exec.Command("unshare", "--mount", "--propagation", "private", "bash", "-c", sandbox, "bash", state, binary, "serve")
	c.Env, c.Stderr = append(cmdtest.NewProgram(t, "sqlite:totpctl.db").Env, "PATH="+os.Getenv("PATH")), log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	return state, c
}

// awaitIn waits until a file matches, and returns the match of the parentheses.
func awaitIn(t *testing.T, file, wanted string) string {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if m := regexp.MustCompile(wanted).FindSubmatch(text); m != nil {
			return string(m[1])
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("no %s in %s: %v\n%s", wanted, file, err, text)
		}
	}
}

// tracee is the process of the first line of a trace.
func tracee(t *testing.T, file string) *os.Process {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatalf("the trace begins with %q", first)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	return process
}

func ask(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+cmdtest.Bearer)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %s", url, resp.StatusCode, text)
	}
}

// setting returns the values of a unit's setting.
func setting(unit, name string) (values []string) {
	for _, m := range regexp.MustCompile(fmt.Sprintf(`(?m)^%s=(.*)$`, name)).FindAllStringSubmatch(unit, -1) {
		values = append(values, m[1])
	}
	return values
}

// allowedCalls returns the system calls that a unit's SystemCallFilter= lets pass.
func allowedCalls(t *testing.T, unit string) map[string]bool {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "syscall-filter", "--no-pager").Output()
	if err != nil {
		t.Fatal(err)
	}
	sets, set := map[string][]string{}, ""
	for line := range strings.Lines(string(out)) {
		switch name := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "@"):
			set = name
		case name != "" && !strings.HasPrefix(name, "#"):
			sets[set] = append(sets[set], name)
		}
	}
	allowed := map[string]bool{}
	var apply func(name string, to bool)
	apply = func(name string, to bool) {
		if !strings.HasPrefix(name, "@") {
			allowed[name] = to
		}
		for _, member := range sets[name] {
			apply(member, to)
		}
	}
	apply("@default", true) // always
	for _, value := range setting(unit, "SystemCallFilter") {
		names, denied := strings.CutPrefix(value, "~")
		for name := range strings.FieldsSeq(names) {
			apply(name, !denied)
		}
	}
	if len(allowed) < 100 {
		t.Fatalf("systemd-analyze lists too few system calls:\n%s", out)
	}
	return allowed
}
