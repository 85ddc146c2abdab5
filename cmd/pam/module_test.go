//go:build linux

package pam_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// sanitizers end a program at the first error of its memory, and at undefined behaviour.
const sanitizers = "-std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all "

// sanitized builds the module and an application under sanitizers and returns their folder.
// libcrypt is there from the start because AddressSanitizer calls it for pam_unix.
var sanitized = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("/run", "sanitized"); err != nil {
		return "", err
	}
	os.Chmod(dir, 0o755)
	for _, build := range []string{"-shared -fPIC pam_totpctl.c -o " + dir + "/pam_totpctl.so -lpam", "-rdynamic testdata/application.c -o " + dir + "/application -lpam -Wl,--no-as-needed -lcrypt"} {
		if err := command("gcc", strings.Fields(sanitizers+build)...); err != nil {
			return "", err
		}
	}
	return dir, nil
})

// application authenticates a user of the system by the lines of a PAM file, in which MODULE
// is the module, and returns what the application writes.
func application(t *testing.T, file string, options []string, user string, answers ...string) string {
	t.Helper()
	c := applicationCommand(t, file, options, user, answers...)
	out, _ := c.CombinedOutput() // a refusal is no failure
	if bytes.Contains(out, []byte("Sanitizer")) || bytes.Contains(out, []byte("runtime error")) || !bytes.Contains(out, []byte("children: none")) {
		t.Errorf("the application ends with\n%s", out)
	}
	if !strings.Contains(string(out), "signals: as they were\n") {
		t.Errorf("the module has changed the signals of the application:\n%s", out)
	}
	return string(out)
}

func applicationCommand(t *testing.T, file string, options []string, user string, answers ...string) *exec.Cmd {
	t.Helper()
	dir, err := sanitized()
	if err != nil {
		t.Fatal(err)
	}
	services := t.TempDir()
	write(t, filepath.Join(services, "app"), strings.ReplaceAll(file, "MODULE", filepath.Join(dir, "pam_totpctl.so"))+"\n")
	arguments := append(append(options, services, "app", user), answers...)
	c := exec.Command(filepath.Join(dir, "application"), arguments...)
	c.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=1")
	return c
}

// line is the module alone in a PAM file.
const line = "auth required MODULE "

func wants(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if not, absent := strings.CutPrefix(pattern, "!"); absent == regexp.MustCompile("(?m)"+not).MatchString(out) {
			t.Errorf("want %s in\n%s", pattern, out)
		}
	}
}

const (
	accepted = "^authenticate: Success$"
	refused  = "^authenticate: Authentication failure$"
	unknown  = "^authenticate: User not known to the underlying authentication module$"
	noAnswer = "^authenticate: Authentication service cannot retrieve authentication info$"
	ignored  = "^authenticate: Permission denied$" // what libpam makes of PAM_IGNORE where no other module decides
)

func TestAGoodCodeLetsItsUserInOnce(t *testing.T) {
	s := startServer(t)
	code := s.enrol("alice")
	out := application(t, line, []string{"-n", "2"}, newUser(t, "alice"), code, code)
	wants(t, out, "^hidden prompt: One-time code: $", "^wiped: 6 bytes$", accepted, "^log 6: .*code accepted for account alice$", "^error: This code has been used already", refused, "!"+code)
	code = s.enrol("alice")
	wants(t, application(t, line, nil, "alice", code), accepted, "^setcred: Success$")
}

func TestTheModuleTakesCodesAsPeopleTypeThem(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	code := s.enrol("alice")
	wants(t, application(t, line+"[prompt=Code, please: ]", nil, "alice", code[:3]+" "+code[3:]), "^hidden prompt: Code, please: $", accepted)
	for range 2 {
		recovery := s.recoveryCode("alice")
		wants(t, application(t, line, nil, "alice", strings.ToLower(recovery)), accepted, "!"+strings.ToLower(recovery))
	}
}

func TestTheServerMayListenOnASocket(t *testing.T) {
	s := startServer(t)
	code := s.enrol(newUser(t, "alice"))
	s.stop()
	bash(t, s.dir, "install -d /run/totpctl; sed -i s,^LISTEN_ADDR=.*,LISTEN_ADDR=unix:/run/totpctl/socket, .env; sed -i s,^TOTPCTL_URL=.*,TOTPCTL_URL=unix:/run/totpctl/socket, /etc/totpctl/check.env")
	s.start("unix", "/run/totpctl/socket")
	wants(t, application(t, line, nil, "alice", code), accepted)
}

func TestAWrongCodeIsRefusedAndTheWaitIsTold(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	code := s.enrol("alice")
	for _, told := range []string{"Wrong code.", "Wrong code.", "Wrong code: wait 30 s."} {
		wants(t, application(t, line, nil, "alice", wrong(code)), "^error: "+told+"$", refused, "^log 5: .*code refused for account alice: invalid$", "!"+wrong(code))
	}
	wants(t, application(t, line, nil, "alice", code), `^error: Too many wrong codes: wait (30|2\d) s\.$`, refused)
	wants(t, application(t, line, []string{"-silent"}, "alice", code), "!^error", refused)
	wants(t, application(t, line+"verbose", []string{"-silent"}, "alice", code), "^error: Too many wrong codes", refused)
	wants(t, application(t, line, nil, "alice", s.recoveryCode("alice")), accepted)
	s.run("account", "disable", "alice")
	wants(t, application(t, line, nil, "alice", code), "^error: Codes are disabled", refused)
}

func TestWhatIsNoCodeIsRefused(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	code := s.enrol("alice")
	for _, typed := range []string{"", " ", "hunter2", code + "1", code[:5], code + "\n" + code, code + "\x1b[2J", "@300", "@1000000", "-h", "--help"} {
		wants(t, application(t, line, nil, "alice", typed), "^error: (That is not a code|Wrong code)", refused)
	}
	wants(t, application(t, line, nil, "alice", code), accepted)
}

// Nobody gets in who is not enrolled, unless nullok leaves him to the other modules.
func TestWhoIsNotEnrolled(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	s.run("account", "add", "--", newUser(t, "pending"))
	s.enrol("bob")
	for _, user := range []string{"alice", "pending"} {
		wants(t, application(t, line, nil, user, "123456"), "^error: No one-time codes are set up for you", unknown)
		for _, typed := range []string{"123456", ""} {
			wants(t, application(t, line+"nullok", nil, user, typed), "!^error", "^log 5: .* is not enrolled$", ignored)
			wants(t, application(t, line+"nullok\nauth required pam_permit.so", nil, user, typed), accepted)
			wants(t, application(t, line+"nullok\nauth required pam_deny.so", nil, user, typed), refused)
		}
	}
	wants(t, application(t, line+"nullok\nauth required pam_permit.so", nil, newUser(t, "bob"), ""), refused)
	s.run("account", "rekey", "--revoke", "bob")
	wants(t, application(t, line+"nullok\nauth required pam_permit.so", nil, "bob", ""), refused)
	s.run("account", "disable", "pending")
	wants(t, application(t, line+"nullok\nauth required pam_permit.so", nil, "pending", ""), refused)
	// A directory of users may know more spellings of a name than the list of accounts does.
	wants(t, application(t, line+"nullok\nauth required pam_permit.so", nil, "BOB", "123456"), unknown)
	code := s.enrol("bob")
	wants(t, application(t, line+"nullok\nauth required pam_permit.so", []string{"-directory"}, "BOB", ""), refused)
	wants(t, application(t, line, []string{"-directory"}, "BOB", code), accepted)
}

func TestAccountIsMadeOfTheUsersName(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	for template, account := range map[string]string{"account=%u": "alice", "account=unix:%u@web1": "unix:alice@web1", "account=team": "team", "[account=of %u 100%%]": "of alice 100%"} {
		wants(t, application(t, line+template, nil, "alice", s.enrol(account)), accepted, "for account "+account+"$")
	}
	for _, template := range []string{"account=%", "account=%s", "account=%u%", "account=" + strings.Repeat("%u", 200)} {
		wants(t, application(t, line+template, nil, "alice", "123456"), "^log 3: .*makes no name", "!hidden prompt", "^authenticate: Error in service module$")
	}
}

func TestAMistakeInTheFileLetsNobodyIn(t *testing.T) {
	s := startServer(t)
	code := s.enrol(newUser(t, "alice"))
	for _, argument := range []string{"nulok", "nullok=yes", "debug", "account=", "prompt=", "env=check.env", "path=totpctl", "timeout=0", "timeout=61", "timeout=", "timeout=5s", "timeout=-1", "digits=5", "digits=9", "timeout=99999999999999999999"} {
		wants(t, application(t, line+argument, nil, "alice", code), "^log 3: .*unknown or malformed argument, so nobody gets in: "+argument, "!hidden prompt", "^authenticate: Error in service module$")
	}
	write(t, "/run/locked", "BEARER=not-the-servers-bearer\nTOTPCTL_URL=http://"+address+"\n")
	for file, mode := range map[string]os.FileMode{"/run/open-to-all": 0o646, "/run/open-to-group": 0o664, "/run/of-alice": 0o600} {
		bash(t, "/", "cp /etc/totpctl/check.env "+file)
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	bash(t, "/", "chown alice /run/of-alice; install -m 777 /usr/local/bin/totpctl /run/open-program")
	for _, argument := range []string{"path=/run/open-program", "env=/run/open-to-all", "env=/run/open-to-group", "env=/run/of-alice"} {
		wants(t, application(t, line+argument, nil, "alice", code), "^log 3: .*is no file that root alone may write to", noAnswer)
	}
	for _, argument := range []string{"env=/run", "env=/run/none", "env=/run/locked", "path=/run/none", "path=/etc/passwd", "path=/etc"} {
		wants(t, application(t, line+"nullok "+argument+"\nauth required pam_permit.so", nil, "alice", code), "^log 3: .*no verdict on account alice", "^error: The code could not be checked", noAnswer)
	}
	wants(t, application(t, line+"path="+cmdtest.Binary(t)+" env=/etc/totpctl/check.env timeout=60 digits=8", nil, "alice", code), accepted)
}

func TestAServerThatIsDownOrHangsLetsNobodyIn(t *testing.T) {
	s := startServer(t)
	code := s.enrol(newUser(t, "alice"))
	for _, stop := range []func(){s.hang, s.stop} {
		stop()
		for _, options := range [][]string{nil, {"-ignore"}, {"-reap"}} {
			start := time.Now()
			wants(t, application(t, line+"nullok timeout=1\nauth required pam_permit.so", options, "alice", code), "^log 3: .*exit code 4 .*no_answer", "^error: The code could not be checked", noAnswer, "!"+code)
			if passed := time.Since(start); passed > 20*time.Second {
				t.Errorf("that took %v", passed)
			}
		}
	}
}

// newUser makes a user of the machine whose password is "pw-of-" and the name.
func newUser(t *testing.T, name string) string {
	t.Helper()
	if exec.Command("id", name).Run() != nil {
		bash(t, "/", "useradd -m -s /bin/bash -- "+name+" && echo "+name+":pw-of-"+name+" | chpasswd")
	}
	return name
}
