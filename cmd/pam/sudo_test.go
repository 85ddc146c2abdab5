//go:build linux

package pam_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

// install builds and installs the module, and puts alice into the group, as the page tells.
// bob and the sudoers are there already.
func install(t *testing.T) *server {
	t.Helper()
	bash(t, "/", "rm -rf /etc/totpctl")
	s := startServer(t)
	if out := bash(t, t.TempDir(), follow(t, "build")); out != "" {
		t.Errorf("building the module prints\n%s", out)
	}
	newUser(t, "alice")
	newUser(t, "bob")
	write(t, "/etc/sudoers.d/testers", "alice ALL=(ALL) ALL\nbob ALL=(ALL) ALL\n")
	return s
}

func follow(t *testing.T, step string) string {
	t.Helper()
	return cmdtest.Recipe(t, "pam.md", step)
}

// sudo runs a command as root for a user, types the lines, and returns all that is shown and
// whether the command was run.
func sudo(t *testing.T, user string, typed ...string) (screen string, in bool) {
	t.Helper()
	return sudoWith(t, user, []string{"sudo", "-S", "-k", "--", "echo", "came-in"}, typed...)
}

func sudoWith(t *testing.T, user string, command []string, typed ...string) (screen string, in bool) {
	t.Helper()
	c := exec.Command("setpriv", append([]string{"--reuid", user, "--regid", user, "--init-groups"}, command...)...)
	c.Dir, c.Stdin = "/", strings.NewReader(strings.Join(typed, "\n")+"\n")
	out, _ := c.CombinedOutput()
	return string(out), strings.Contains(string(out), "came-in")
}

func mustSudo(t *testing.T, want bool, user string, typed ...string) string {
	t.Helper()
	screen, in := sudo(t, user, typed...)
	if in != want {
		t.Errorf("%s types %q at sudo, and is in: %v, want %v\n%s", user, typed, in, want, screen)
	}
	return screen
}

const alicesPassword, bobsPassword = "pw-of-alice", "pw-of-bob"

func TestSudoAsksForThePasswordAndThenForTheCode(t *testing.T) {
	s := install(t)
	before := bash(t, "/etc/pam.d", "cat sudo sudo-i")
	code := s.enrol("alice")
	write(t, filepath.Join(s.dir, "code"), code)
	if got := bash(t, s.dir, follow(t, "try")); got != "valid\n" {
		t.Errorf("trying a code prints %s", got)
	}
	bash(t, "/", follow(t, "sudo"))
	bash(t, "/", follow(t, "sudo")) // a second time changes nothing
	mustSudo(t, true, "alice", alicesPassword)
	bash(t, "/", follow(t, "group"))

	code = s.enrol("alice")
	screen := mustSudo(t, true, "alice", alicesPassword, code)
	wants(t, screen, `password for alice: (?s:.*)One-time code: `)
	wants(t, mustSudo(t, false, "alice", alicesPassword, code), "This code has been used already")
	code = s.enrol("alice")
	mustSudo(t, false, "alice", "wrong", code)
	mustSudo(t, false, "alice", alicesPassword, "")
	mustSudo(t, false, "alice", alicesPassword, alicesPassword)
	mustSudo(t, false, "alice", code, alicesPassword)
	mustSudo(t, true, "alice", alicesPassword, wrong(code), alicesPassword, code)
	mustSudo(t, true, "alice", alicesPassword, s.recoveryCode("alice"))
	mustSudo(t, true, "bob", bobsPassword)

	code = s.enrol("alice")
	if screen, in := sudoWith(t, "alice", []string{"sudo", "-S", "-k", "-i", "echo", "came-in"}, alicesPassword, ""); in {
		t.Errorf("sudo -i lets in without a code:\n%s", screen)
	}
	if screen, in := sudoWith(t, "alice", []string{"sudo", "-S", "-k", "-i", "echo", "came-in"}, alicesPassword, code); !in {
		t.Errorf("sudo -i lets nobody in:\n%s", screen)
	}
	code = s.enrol("alice")
	screen = mustSudo(t, false, "alice", alicesPassword, wrong(code), alicesPassword, wrong(code), alicesPassword, wrong(code))
	wants(t, screen, `(?s)Wrong code\..*Wrong code\..*Wrong code: wait 30 s\.`)
	wants(t, mustSudo(t, false, "alice", alicesPassword, code), `Too many wrong codes: wait (30|2\d) s\.`)

	s.stop()
	wants(t, mustSudo(t, false, "alice", alicesPassword, code), "The code could not be checked: ask an administrator.")
	mustSudo(t, true, "bob", bobsPassword)
	bash(t, "/", "gpasswd -d alice totp")
	mustSudo(t, true, "alice", alicesPassword)
	bash(t, "/", "gpasswd -a alice totp; touch /etc/ssh/sshd_config.d/10-totpctl.conf")

	bash(t, "/", follow(t, "remove"))
	mustSudo(t, true, "alice", alicesPassword)
	bash(t, "/", follow(t, "remove-rest"))
	mustSudo(t, true, "alice", alicesPassword)
	if after := bash(t, "/etc/pam.d", "cat sudo sudo-i"); after != before {
		t.Errorf("removing leaves\n%s, want\n%s", after, before)
	}
	if left := bash(t, "/", "find /etc /usr/lib -name '*totpctl*'; getent group totp || true"); left != "" {
		t.Errorf("removing leaves\n%s", left)
	}
}

// The caller of sudo chooses what its modules run within.
func TestTheCallerOfSudoCannotHelpHimself(t *testing.T) {
	s := install(t)
	bash(t, "/", follow(t, "sudo")+follow(t, "group"))
	t.Cleanup(func() { bash(t, "/", follow(t, "remove")+follow(t, "remove-rest")) })
	home := "/home/alice/bin"
	bash(t, "/", "mkdir -p "+home+` && printf '#!/bin/sh\ntouch /run/evil\nexit 0\n' >`+home+"/totpctl && chmod 755 "+home+"/totpctl && chown -R alice "+home)
	write(t, "/home/alice/.env", "TOTPCTL_URL=http://127.0.0.1:9\nBEARER=evil\n")
	for _, caller := range []string{
		"env PATH=" + home + ":$PATH TOTPCTL_URL=http://127.0.0.1:9 LD_PRELOAD=" + home + "/x.so HTTP_PROXY=http://127.0.0.1:9 SSL_CERT_FILE=/x HOME=/home/alice",
		"env --ignore-signal=CHLD --ignore-signal=PIPE --block-signal", "env -i PATH=/usr/bin:/bin", "prlimit --nofile=10", "prlimit --fsize=0", "prlimit --core=unlimited", "prlimit --cpu=1", "prlimit --nproc=1", "setsid", "nice -n 19",
	} {
		for _, good := range []bool{true, false} {
			typed := s.enrol("alice")
			if !good {
				typed = wrong(typed)
			}
			script := "cd /home/alice && exec " + caller + " sudo -S -k -- echo came-in"
			screen, in := sudoWith(t, "alice", []string{"bash", "-c", script}, alicesPassword, typed)
			if in != good && (in || !strings.HasPrefix(caller, "prlimit")) { // a limit may be too low for a check
				t.Errorf("%s: a code is good: %v, and lets in: %v\n%s", caller, good, in, screen)
			}
		}
	}
	if _, err := os.Stat("/run/evil"); err == nil {
		t.Error("the caller's program was run")
	}
}

func TestSudoOnATerminal(t *testing.T) {
	s := install(t)
	bash(t, "/", follow(t, "sudo")+follow(t, "group"))
	t.Cleanup(func() { bash(t, "/", follow(t, "remove")+follow(t, "remove-rest")) })
	code := s.enrol("alice")
	screen := cmdtest.StartTmux(t, 80, 24, "/", nil, "setpriv --reuid alice --regid alice --init-groups sudo -k -- sh -c 'echo came-in; sleep 600'")
	screen.Await(`\[sudo\] password for alice: *$`)
	screen.Type(alicesPassword, "Enter")
	screen.Await(`One-time code: *$`)
	screen.Type(wrong(code), "Enter")
	screen.Await(`Wrong code\.\s+Sorry, try again\.\s+\[sudo\] password for alice: *$`)
	screen.Type(alicesPassword, "Enter")
	screen.Await(`(?s)One-time code:.*One-time code: *$`)
	screen.Type(code, "Enter")
	if shown := screen.Await("came-in"); strings.Contains(shown, code) {
		t.Errorf("the code is shown:\n%s", shown)
	}
}

// The lines for whom no module may be built.
func TestSudoByPamExec(t *testing.T) {
	s := install(t)
	bash(t, "/", follow(t, "group"))
	write(t, "/etc/pam.d/totpctl", follow(t, "pam-exec"))
	write(t, "/run/include", follow(t, "pam-exec-include"))
	bash(t, "/", "sed -i.before '/^@include common-auth/r /run/include' /etc/pam.d/sudo")
	t.Cleanup(func() {
		bash(t, "/", "mv /etc/pam.d/sudo.before /etc/pam.d/sudo; rm /etc/pam.d/totpctl; groupdel totp")
	})
	code := s.enrol("alice")
	wants(t, mustSudo(t, true, "alice", alicesPassword, code), "The code of your authenticator app comes next")
	mustSudo(t, false, "alice", alicesPassword, code)
	mustSudo(t, false, "alice", alicesPassword, "")
	mustSudo(t, true, "alice", alicesPassword, s.recoveryCode("alice"))
	mustSudo(t, true, "bob", bobsPassword)
	s.stop()
	mustSudo(t, false, "alice", alicesPassword, s.run("gen", "--once", "alice"))
	mustSudo(t, true, "bob", bobsPassword)
}

func TestPamtester(t *testing.T) {
	s := install(t)
	bash(t, "/", follow(t, "sudo")+follow(t, "group"))
	t.Cleanup(func() { bash(t, "/", follow(t, "remove")+follow(t, "remove-rest")) })
	code := s.enrol("alice")
	for _, want := range []string{"authenticated.*\n.*(credential|set)", "Authentication failure"} { // good once
		c := exec.Command("pamtester", "sudo", "alice", "authenticate", "setcred")
		c.Stdin = strings.NewReader(alicesPassword + "\n" + code + "\n")
		out, _ := c.CombinedOutput()
		wants(t, string(out), want)
	}
}
