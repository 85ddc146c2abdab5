//go:build linux

package pam_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An sshd is the system's, with the system's configuration.
type sshd struct {
	t       *testing.T
	dir     string // holds a key of alice's and bob's, and what ssh asks
	process *exec.Cmd
}

func startSSHD(t *testing.T) *sshd {
	t.Helper()
	d := &sshd{t: t, dir: t.TempDir()}
	bash(t, d.dir, `ssh-keygen -A && ssh-keygen -q -t ed25519 -N '' -f key
for user in alice bob; do
	install -d -m 700 -o $user -g $user /home/$user/.ssh
	install -m 600 -o $user -g $user key.pub /home/$user/.ssh/authorized_keys
done`)
	// ssh runs this for each question, which is its argument.
	write(t, filepath.Join(d.dir, "ask"), "#!/bin/sh\ncd "+d.dir+" && printf '%s\\n' \"$1\" >>asked && head -n 1 answers && sed -i 1d answers\n")
	if err := os.Chmod(filepath.Join(d.dir, "ask"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.process = exec.Command("/usr/sbin/sshd", "-D", "-E", filepath.Join(d.dir, "log"))
	d.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.process.Process.Kill(); d.process.Wait() })
	awaitListener(t, "tcp", "127.0.0.1:22")
	return d
}

// reload is what systemctl reload ssh does.
func (d *sshd) reload() {
	d.t.Helper()
	if err := d.process.Process.Signal(syscall.SIGHUP); err != nil {
		d.t.Fatal(err)
	}
	log := filepath.Join(d.dir, "log")
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(log)
		if _, after, ok := strings.Cut(string(text), "Received SIGHUP"); ok && strings.Contains(after, "Server listening on 0.0.0.0") {
			if err := os.Truncate(log, 0); err != nil {
				d.t.Fatal(err)
			}
			return
		}
	}
	d.t.Fatal("sshd does not reload")
}

// The ways in, as options of ssh.
const (
	byKey      = "-i key -o PreferredAuthentications=publickey,keyboard-interactive"
	byQuestion = "-o PreferredAuthentications=keyboard-interactive"
	byPassword = "-o PreferredAuthentications=password"
)

// login logs in, answers the questions, and returns what ssh asked and showed, and whether it got in.
func (d *sshd) login(user, how string, answers ...string) (screen string, in bool) {
	d.t.Helper()
	write(d.t, filepath.Join(d.dir, "answers"), strings.Join(answers, "\n")+"\n")
	write(d.t, filepath.Join(d.dir, "asked"), "")
	script := fmt.Sprintf("ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=INFO -o NumberOfPasswordPrompts=%d -o IdentitiesOnly=yes -o IdentityFile=none %s %s@127.0.0.1 echo came-in", max(1, len(answers)), how, user)
	c := exec.Command("bash", "-c", script)
	c.Dir = d.dir
	c.Env = append(os.Environ(), "SSH_ASKPASS="+filepath.Join(d.dir, "ask"), "SSH_ASKPASS_REQUIRE=force", "DISPLAY=none")
	out, _ := c.CombinedOutput()
	asked, err := os.ReadFile(filepath.Join(d.dir, "asked"))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(asked) + string(out), strings.Contains(string(out), "came-in")
}

func (d *sshd) must(want bool, user, how string, answers ...string) string {
	d.t.Helper()
	screen, in := d.login(user, how, answers...)
	if in != want {
		log, _ := os.ReadFile(filepath.Join(d.dir, "log"))
		d.t.Errorf("%s logs in (%s) with %q, and is in: %v, want %v\n%s\n%s", user, how, answers, in, want, screen, log)
	}
	return screen
}

// takeAway follows the page, and looks whether all is as it was.
func (d *sshd) takeAway(before string) {
	d.t.Helper()
	bash(d.t, "/", follow(d.t, "remove"))
	d.reload()
	d.must(true, "alice", byKey)
	bash(d.t, "/", follow(d.t, "remove-rest"))
	if after := bash(d.t, "/", "cat /etc/pam.d/sshd; ls /etc/ssh/sshd_config.d"); after != before {
		d.t.Errorf("removing leaves\n%s, want\n%s", after, before)
	}
}

func TestSSHAsksForAKeyAndThenForACode(t *testing.T) {
	s := install(t)
	d := startSSHD(t)
	before := bash(t, "/", "cat /etc/pam.d/sshd; ls /etc/ssh/sshd_config.d")
	d.must(true, "alice", byKey)
	bash(t, "/", follow(t, "group")+follow(t, "ssh-key"))
	d.reload()
	// Between the two steps.
	d.must(false, "alice", byKey)
	d.must(true, "alice", byKey, alicesPassword)
	bash(t, "/", follow(t, "ssh-key-pam"))
	bash(t, "/", follow(t, "ssh-key-pam"))

	code := s.enrol("alice")
	screen := d.must(true, "alice", byKey, code)
	wants(t, screen, `One-time code: `, "!(?i)password")
	wants(t, d.must(false, "alice", byKey, code), "This code has been used already: wait for the next one.")
	d.must(false, "alice", byKey)
	d.must(false, "alice", byKey, alicesPassword)
	d.must(false, "alice", "-i key -o BatchMode=yes")
	code = s.enrol("alice")
	for _, how := range []string{byQuestion, byPassword} {
		d.must(false, "alice", how, code)
		d.must(false, "alice", how, alicesPassword, code)
	}
	d.must(true, "alice", byKey, s.recoveryCode("alice"))
	d.must(true, "bob", "-i key -o BatchMode=yes")
	d.must(true, "bob", byPassword, bobsPassword)

	wants(t, d.must(false, "alice", byKey, wrong(code), wrong(code), wrong(code)), "Wrong code.")
	wants(t, d.must(false, "alice", byKey, code), `Too many wrong codes: wait (30|2\d) s\.`)

	s.hang()
	d.must(false, "alice", byKey, code)
	s.stop()
	wants(t, d.must(false, "alice", byKey, code), "The code could not be checked: ask an administrator.")
	d.must(true, "bob", byKey)
	bash(t, "/", "gpasswd -d alice totp")
	d.must(true, "alice", byKey)
	bash(t, "/", "gpasswd -a alice totp")
	d.takeAway(before)
}

func TestSSHAsksForAPasswordAndThenForACode(t *testing.T) {
	s := install(t)
	d := startSSHD(t)
	before := bash(t, "/", "cat /etc/pam.d/sshd; ls /etc/ssh/sshd_config.d")
	bash(t, "/", follow(t, "group")+follow(t, "ssh-password"))
	d.reload()
	bash(t, "/", follow(t, "ssh-password-pam"))
	code := s.enrol("alice")
	wants(t, d.must(true, "alice", byQuestion, alicesPassword, code), `(?s)Password: .*One-time code: `)
	d.must(false, "alice", byQuestion, alicesPassword, code)
	code = s.enrol("alice")
	d.must(false, "alice", byQuestion, "wrong", code)
	d.must(false, "alice", byQuestion, alicesPassword)
	d.must(false, "alice", byQuestion, code)
	d.must(false, "alice", "-i key -o PreferredAuthentications=publickey")
	d.must(false, "alice", byPassword, alicesPassword)
	d.must(false, "alice", byPassword, code)
	d.must(true, "alice", byQuestion, alicesPassword, code)
	d.must(true, "bob", byPassword, bobsPassword)

	// One who is in the group, and not enrolled.
	s.run("account", "remove", "alice")
	wants(t, d.must(false, "alice", byQuestion, alicesPassword, "123456"), "No one-time codes are set up for you")
	bash(t, "/", "sed -i 's/pam_totpctl.so/& nullok/' /etc/pam.d/sshd")
	d.must(true, "alice", byQuestion, alicesPassword, "")
	d.must(false, "alice", byQuestion, "wrong", "")
	s.enrol("alice")
	d.must(false, "alice", byQuestion, alicesPassword, "")
	d.takeAway(before)
}

// nullok in the place of the password: who is not enrolled is asked for his password.
func TestSSHWithNullokInPlaceOfThePassword(t *testing.T) {
	s := install(t)
	d := startSSHD(t)
	before := bash(t, "/", "cat /etc/pam.d/sshd; ls /etc/ssh/sshd_config.d")
	bash(t, "/", follow(t, "group")+follow(t, "ssh-key"))
	d.reload()
	write(t, "/run/lines", follow(t, "ssh-nullok"))
	bash(t, "/", "sed -i '/^@include common-auth/e cat /run/lines' /etc/pam.d/sshd")
	d.must(false, "alice", byKey, "")
	d.must(false, "alice", byKey, "", "wrong")
	d.must(true, "alice", byKey, "", alicesPassword)
	code := s.enrol("alice")
	d.must(false, "alice", byKey, "", alicesPassword)
	d.must(true, "alice", byKey, code)
	d.takeAway(before)
}

func TestSSHTakesPasswordAndCodeInOneLine(t *testing.T) {
	s := install(t)
	d := startSSHD(t)
	write(t, "/run/lines", follow(t, "forward-pass"))
	bash(t, "/", "sed -i.before -e '/^@include common-auth/r /run/lines' -e '//d' /etc/pam.d/sshd")
	t.Cleanup(func() { bash(t, "/", "mv /etc/pam.d/sshd.before /etc/pam.d/sshd") })
	code := s.enrol("alice")
	d.must(true, "alice", byPassword, alicesPassword+code)
	d.must(false, "alice", byPassword, alicesPassword+code)
	code = s.enrol("alice")
	d.must(false, "alice", byPassword, "wrong"+code)
	d.must(false, "alice", byPassword, alicesPassword)
	d.must(false, "alice", byPassword, alicesPassword+wrong(code))
	d.must(true, "alice", byPassword, alicesPassword+" "+s.recoveryCode("alice"))
}

func TestSSHByPamExec(t *testing.T) {
	s := install(t)
	d := startSSHD(t)
	bash(t, "/", follow(t, "group")+follow(t, "ssh-key"))
	d.reload()
	write(t, "/etc/pam.d/totpctl", follow(t, "pam-exec"))
	write(t, "/run/include", follow(t, "pam-exec-include"))
	bash(t, "/", "sed -i.before '/^@include common-auth/e cat /run/include' /etc/pam.d/sshd")
	t.Cleanup(func() {
		bash(t, "/", "mv /etc/pam.d/sshd.before /etc/pam.d/sshd; rm /etc/pam.d/totpctl /etc/ssh/sshd_config.d/10-totpctl.conf; groupdel totp")
	})
	code := s.enrol("alice")
	wants(t, d.must(true, "alice", byKey, code), "Password required for alice")
	d.must(false, "alice", byKey, code)
	d.must(false, "alice", byKey, alicesPassword)
	d.must(false, "alice", byQuestion, code)
	d.must(true, "bob", "-i key -o BatchMode=yes")
	s.stop()
	d.must(false, "alice", byKey, s.run("gen", "--once", "alice"))
}
