package exchange

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
)

// run is what a command prints, without the space around it.
func run(t *testing.T, home, stdin, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env = append(os.Environ(), "HOME="+home, "QT_QPA_PLATFORM=offscreen", "LC_ALL=C.UTF-8")
	c.Stdin = strings.NewReader(stdin)
	var complaints strings.Builder
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, complaints.String())
	}
	return strings.TrimSpace(string(out))
}

// agree compares our code with another program's of now, and again where a step may have
// ended in between.
func agree(t *testing.T, name string, key totp.Key, other func() string) {
	t.Helper()
	var ours, theirs string
	for range 3 {
		before, err := key.Code(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		theirs = other()
		if ours, _ = key.Code(time.Now()); ours == theirs || before == theirs {
			return
		}
	}
	t.Errorf("%s: ours is %s, the other %s", name, ours, theirs)
}

const keePassPassword = "open sesame\n"

func TestWhatKeePassXCExportsMakesItsCodes(t *testing.T) {
	home := t.TempDir()
	db, source := filepath.Join(home, "db.kdbx"), filepath.Join(home, "db.xml")
	entries := []string{
		keePassXML("Title", "A & <B>", "UserName", "alice", "otp", "otpauth://totp/x:y?secret="+testSecret+"&period=60&digits=8&issuer=x&algorithm=SHA256"),
		keePassXML("Title", "KeeOtp", "UserName", "b,\"o\"b", "otp", "key="+testSecret+"&step=45&size=8&otpHashMode=SHA512"),
		keePassXML("Title", "Tray", "UserName", "carol", "TOTP Seed", testSecret, "TOTP Settings", "60;7"),
		keePassXML("Title", "Tray Steam", "UserName", "gabe", "TOTP Seed", testSecret, "TOTP Settings", "30;S"),
		keePassXML("Title", "Steam", "UserName", "newell", "otp", "otpauth://totp/Steam:newell?secret="+testSecret+"&encoder=steam&digits=5&period=30"),
		keePassXML("Title", "Alone", "otp", "otpauth://totp/x?secret="+testSecret),
		keePassXML("Title", "Thrown away", "UserName", "eve", "otp", "otpauth://totp/x?secret="+testSecret),
	}
	for i, entry := range entries { // which KeePassXC knows by their UUIDs
		entries[i] = strings.Replace(entry, "<UUID>dXV1", "<UUID>dXV"+string(rune('1'+i)), 1)
	}
	file := "<KeePassFile><Root><Group><UUID>cm9vdHJvb3Ryb290cm9vdA==</UUID><Name>Root</Name>" + strings.Join(entries, "") + "</Group></Root></KeePassFile>"
	if err := os.WriteFile(source, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	keepassxc := func(args ...string) string {
		return run(t, home, strings.Repeat(keePassPassword, 2), "keepassxc-cli", args...)
	}
	keepassxc("import", "--quiet", "--set-password", source, db)
	keepassxc("rm", "--quiet", db, "Thrown away")
	for _, format := range []string{"csv", "xml"} {
		c, err := Read([]byte(keepassxc("export", "--quiet", "--format", format, db)+"\n"), Options{})
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if !slices.Equal(leftOutNames(c), []string{"Thrown away:eve"}) || len(c.Accounts) != 6 {
			t.Errorf("%s as %s: %+v", format, c.Format, c)
		}
		for _, a := range c.Accounts {
			title := cmp.Or(a.Entry.Issuer, a.Entry.Account)
			agree(t, format+" of "+title, a.Entry.Key, func() string { return keepassxc("show", "--quiet", "--totp", db, title) })
		}
	}
}

func TestWhatGoogleAuthenticatorWritesMakesOathtoolsCodes(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, ".google_authenticator")
	run(t, home, "", "google-authenticator", "--time-based", "--force", "--disallow-reuse", "--no-confirm", "--quiet", "--rate-limit=3", "--rate-time=30", "--window-size=17", "--step-size=60", "--emergency-codes=4", "--secret="+file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(data, Options{})
	if err != nil || c.Format != "google-authenticator" || len(c.Accounts) != 1 || len(c.LeftOut) > 0 || len(c.Accounts[0].Recovery) != 4 {
		t.Fatalf("%+v, %v", c, err)
	}
	secret, _, _ := strings.Cut(string(data), "\n")
	agree(t, "google-authenticator", c.Accounts[0].Entry.Key, func() string {
		return run(t, home, secret, "oathtool", "--totp", "--base32", "--time-step-size=60s", "-")
	})
}

// usersOATH asks liboath, as pam_oath does, whether it takes a code.
const usersOATH = `
import ctypes, sys
oath = ctypes.CDLL("liboath.so.0")
oath.oath_init()
last = ctypes.c_long(0)
file, user, code, password = [a.encode() for a in sys.argv[1:]]
print(oath.oath_authenticate_usersfile(file, user, code, ctypes.c_size_t(1), password or None, ctypes.byref(last)))
`

func TestLiboathTakesTheCodesOfUsersOATH(t *testing.T) {
	home := t.TempDir()
	list := "HOTP/T30 alice - " + oathSecret + "\nHOTP/T60/8 bob s3cret " + oathSecret + "00\nHOTP/T30/7\tcarol\t+\t00FFab\n"
	c, err := Read([]byte(list), Options{})
	if err != nil || len(c.Accounts) != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	file := filepath.Join(home, "users.oath")
	for _, a := range c.Accounts {
		if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		code, err := a.Entry.Key.Code(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, home, "", "/usr/bin/python3", "-c", usersOATH, file, a.Entry.Account, code, map[string]string{"bob": "s3cret"}[a.Entry.Account]); got != "0" {
			t.Errorf("%v: liboath says %s to %s", a.Entry, got, code)
		}
	}
	used, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(used, Options{})
	if err != nil || len(again.Accounts) != 3 || !again.Accounts[2].Entry.Key.Equal(c.Accounts[2].Entry.Key) || len(again.Accounts[2].Notes) == 0 {
		t.Errorf("after use, %q: %+v, %v", used, again, err)
	}
}
