//go:build linux

package pam_test

import (
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

func TestThePasswordIsLeftAlone(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	const unix = "auth required pam_unix.so "
	out := application(t, line+"\n"+unix+"try_first_pass", nil, "alice", s.enrol("alice"), "pw-of-alice")
	wants(t, out, "^hidden prompt: One-time code: $", "^hidden prompt: Password: $", accepted)
	out = application(t, unix+"\n"+line+"\n"+unix+"use_first_pass", nil, "alice", "pw-of-alice", s.enrol("alice"))
	wants(t, out, "^hidden prompt: Password: $", "^hidden prompt: One-time code: $", accepted)
}

// forwarded is the page's PAM file for programs that ask once.
func forwarded(t *testing.T, options string) string {
	t.Helper()
	file := cmdtest.Recipe(t, "pam.md", "forward-pass")
	// nodelay spares 2 s after a wrong password.
	return strings.NewReplacer("pam_totpctl.so", "MODULE", "forward_pass", "forward_pass "+options, "use_first_pass", "use_first_pass nodelay").Replace(file)
}

func TestPasswordAndCodeInOneLine(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	const password = "pw-of-alice"
	code := s.enrol("alice")
	try := func(typed string, patterns ...string) {
		t.Helper()
		wants(t, application(t, forwarded(t, ""), nil, "alice", typed), append(patterns, "^hidden prompt: Password and one-time code: $", "!^hidden prompt: Password: $", "!"+password)...)
	}
	for _, typed := range []string{"", code, password, password + wrong(code), password + " " + s.recoveryCode("alice") + "x", code + password} {
		try(typed, refused)
	}
	try("wrong"+code, refused)
	code = s.enrol("alice")
	try(password+code, accepted)
	try(password+code, refused)
	recovery := s.recoveryCode("alice")
	try(password+" "+strings.ToLower(recovery), accepted)
	try(password+" "+recovery, refused)
	try(password+" "+recovery[:4]+"-"+recovery[4:], refused)
	grouped := s.recoveryCode("alice")
	try(password+" "+grouped[:5]+"-"+grouped[5:10]+"-"+grouped[10:], accepted)
}

func TestForwardPassOfWhoIsNotEnrolled(t *testing.T) {
	s := startServer(t)
	newUser(t, "alice")
	newUser(t, "digits123456")
	words := newUser(t, "words")
	bash(t, "/", "echo 'words:correct horse' | chpasswd")
	for user, password := range map[string]string{"alice": "pw-of-alice", "digits123456": "pw-of-digits123456", words: "correct horse"} {
		wants(t, application(t, forwarded(t, "nullok"), nil, user, password), accepted)
		wants(t, application(t, forwarded(t, "nullok"), nil, user, password+"x"), refused)
		wants(t, application(t, forwarded(t, ""), nil, user, password), "!"+accepted)
	}
	s.enrol("alice")
	wants(t, application(t, forwarded(t, "nullok"), nil, "alice", "pw-of-alice"), refused)
}
