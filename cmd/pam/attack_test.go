//go:build linux

package pam_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A spied is how the module started a program in totpctl's place.
type spied struct {
	Argv             []string
	Env              map[string]string
	Account          string // its argument, in hexadecimal
	Code, Cwd        string
	Users, Fds       []int
	Session          bool
	Blocked, Ignored uint64
}

func readSpied(t *testing.T) (s spied) {
	t.Helper()
	text, err := os.ReadFile("/run/spy.json")
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func installSpy(t *testing.T) {
	t.Helper()
	bash(t, ".", "install -m 755 testdata/spy.py /run/spy; install -D -m 600 /dev/null /etc/totpctl/check.env")
}

func TestCheckInheritsNothingOfTheCaller(t *testing.T) {
	installSpy(t)
	for name, value := range map[string]string{"PATH": "/evil:" + os.Getenv("PATH"), "TOTPCTL_URL": "http://evil", "SSL_CERT_FILE": "/evil", "GODEBUG": "x=1", "PYTHONPATH": "/evil", "LD_LIBRARY_PATH": "/evil", "HOME": "/evil"} {
		t.Setenv(name, value)
	}
	want := spied{
		Argv:    []string{"check", "--json", "--env=/etc/totpctl/check.env", "--account=alice", "--timeout=10s", "-"},
		Env:     map[string]string{"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C"},
		Account: hex.EncodeToString([]byte("--account=alice")),
		Code:    "123456", Cwd: "/", Users: []int{0}, Session: true,
	}
	newUser(t, "alice")
	for _, options := range [][]string{nil, {"-ignore"}, {"-reap"}, {"-block"}, {"-storm"}, {"-close"}, {"-leak"}, {"-other"}, {"-close", "-leak", "-block", "-other", "-ignore", "-silent"}} {
		os.Remove("/run/spy.json")
		wants(t, application(t, line+"path=/run/spy", options, "alice", "123456"), accepted)
		got := readSpied(t)
		if fds := fmt.Sprint(got.Fds); fds != "[0 1 2]" {
			t.Errorf("%v: check has the descriptors %s", options, fds)
		}
		if got.Fds = nil; !reflect.DeepEqual(got, want) {
			t.Errorf("%v: check is started as\n%+v, want\n%+v", options, got, want)
		}
	}
}

func TestNoUserNameBecomesAnOption(t *testing.T) {
	installSpy(t)
	s := startServer(t)
	for _, user := range []string{"-h", "--json", "--env=/tmp/evil", "a b", "a;id", "$(id)", "`id`", "%u", "%s%n", "a,b", "..", "../x", "Ä", "\xff", "GitHub:alice", strings.Repeat("x", 500)} {
		os.Remove("/run/spy.json")
		wants(t, application(t, line+"path=/run/spy", nil, user, "123456"), accepted)
		if got := readSpied(t); got.Account != hex.EncodeToString([]byte("--account="+user)) || len(got.Argv) != 6 {
			t.Errorf("the account of %q is asked for with %q", user, got.Argv)
		}
		wants(t, application(t, line+"nullok\nauth required pam_permit.so", nil, user, "123456"), "!"+accepted)
	}
	os.Remove("/run/spy.json")
	for _, user := range []string{"", "alice\nroot", "\x1b[2Jalice", "alice\x7f", strings.Repeat("x", 512)} {
		wants(t, application(t, line+"path=/run/spy", nil, user, "123456"), unknown, "!^hidden prompt: One", "!\x1b")
	}
	if _, err := os.Stat("/run/spy.json"); err == nil {
		t.Error("a name that no account can have was asked for")
	}
	wants(t, application(t, line, nil, "--help", s.enrol("team")), unknown)
}

func TestAConversationThatFailsLetsNobodyIn(t *testing.T) {
	installSpy(t)
	os.Remove("/run/spy.json")
	for _, option := range []string{"-refuse", "-null"} {
		wants(t, application(t, line+"path=/run/spy", []string{option}, newUser(t, "alice")), "^authenticate: Conversation error$")
	}
	if _, err := os.Stat("/run/spy.json"); err == nil {
		t.Error("the server was asked without a code")
	}
}

// script puts a shell script in totpctl's place, and an env file beside it.
func script(t *testing.T, text string) (argument string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	write(t, file, "#!/bin/bash\n"+text+"\n")
	if err := os.Chmod(file, 0o755); err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(t.TempDir(), "env")
	write(t, env, "")
	return "path=" + file + " env=" + env + " "
}

func TestOnlyExit0IsSuccess(t *testing.T) {
	newUser(t, "alice")
	for code, want := range map[int]string{0: accepted, 1: refused, 2: noAnswer, 3: unknown, 4: noAnswer, 5: noAnswer, 6: unknown, 7: noAnswer, 126: noAnswer, 127: noAnswer, 128: noAnswer, 255: noAnswer} {
		wants(t, application(t, line+script(t, "echo '{\"status\":true}'; exit "+strconv.Itoa(code)), nil, "alice", "123456"), want)
	}
	for _, signal := range []string{"KILL", "TERM", "SEGV", "PIPE", "ABRT"} {
		wants(t, application(t, line+script(t, "kill -"+signal+" $$; sleep 9")+"nullok\nauth required pam_permit.so", nil, "alice", "123456"), noAnswer)
	}
}

func TestOddAnswersOfCheckDoNoHarm(t *testing.T) {
	newUser(t, "alice")
	for _, answer := range []string{
		`head -c 10000000 /dev/zero`, `head -c 10000000 /dev/urandom`, `yes`, `true`, `echo '{"reason":"'`, `echo '"reason":"throttled"'`,
		`echo '"reason":"throttled","retry_after":'`, `echo '"reason":"throttled","retry_after":99999999999999999999999'`, `echo '"reason":"%n%s%s%s"'`,
		`head -c 4085 /dev/zero | tr '\0' x; echo '"reason":"throttled","retry_after":3'`, `printf '"reason":"%04096d' 1`,
	} {
		wants(t, application(t, line+script(t, "("+answer+") 2>/dev/null | head -c 20000000; exit 1"), nil, "alice", "123456"), refused)
	}
	wants(t, application(t, line+script(t, `printf '%%n%%s\033[2J'; exit 4`), nil, "alice", "123456"), noAnswer)
	wants(t, application(t, line+script(t, `exec <&- >&-; exit 1`), []string{"-storm"}, "alice", "123456"), refused)
}

// What check leaves running is killed with it at the time limit, so that no login waits.
func TestTheTimeLimitEndsEverythingThatCheckStarted(t *testing.T) {
	newUser(t, "alice")
	for name, v := range map[string]struct{ stuck, option string }{
		"silent": {"exec >&-; wait", "-silent"}, "deaf": {"trap '' TERM INT HUP; while :; do wait; done", "-silent"},
		"stopped": {"kill -STOP $$", "-silent"}, "loud": {"for i in 1 2 3 4 5 6; do yes $(printf %04000d 1) & done; wait", "-silent"},
		"interrupted": {"wait", "-storm"}, "ignored": {"wait", "-ignore"}, "reaped": {"wait", "-reap"}, "blocked": {"wait", "-block"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, pids := time.Now(), filepath.Join(t.TempDir(), "pids")
			path := script(t, "sleep 600 & echo $$ $! >"+pids+"\n"+v.stuck)
			wants(t, application(t, line+path+"timeout=1", []string{v.option}, "alice", "123456"), noAnswer)
			if passed := time.Since(start); passed > 30*time.Second {
				t.Errorf("that took %v", passed)
			}
			text, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			for pid := range strings.FieldsSeq(string(text)) {
				awaitEnd(t, pid)
			}
		})
	}
}

// awaitEnd waits until a process has ended; nobody may have waited for it, where process 1
// is a test.
func awaitEnd(t *testing.T, pid string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %s goes on", pid)
}

// The caller of sudo sets its limits.
func TestLimitsOfTheCallerLetNobodyIn(t *testing.T) {
	s := startServer(t)
	code := s.enrol(newUser(t, "alice"))
	for _, limit := range []string{"--nofile=16", "--nofile=12", "--fsize=0", "--nproc=0", "--stack=100000", "--rttime=1", "--memlock=0", "--sigpending=0", "--core=0", "--cpu=1", "--data=30000000"} {
		c := applicationCommand(t, line+"nullok timeout=5\nauth required pam_permit.so", nil, "alice", wrong(code))
		c.Path, c.Args = "/usr/bin/prlimit", append([]string{"prlimit", limit, "--"}, c.Args...)
		out, _ := c.CombinedOutput()
		wants(t, string(out), "!"+accepted)
		s.run("account", "unlock", "alice")
	}
}

// A module that crashes or misses a symbol would let nobody in, or end the program.
func TestTheModuleHasAllThatItNeeds(t *testing.T) {
	dir, err := sanitized()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("nm", "-D", "--defined-only", dir+"/pam_totpctl.so").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if name := strings.Fields(line)[2]; !strings.HasPrefix(name, "pam_sm_") && !strings.HasPrefix(name, "__odr_asan") {
			t.Errorf("the module offers %s", name)
		}
	}
}
