//go:build linux

package cmd_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

// A scheme is a way to make codes, as the flags of gen and qr say it.
type scheme struct{ algorithm, digits, period, secret string }

// schemes have secrets as long as their hashes, as RFC 6238 section 3 has it.
func schemes() (all []scheme) {
	const base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for algorithm, secret := range map[string]string{
		"SHA1": base32, "SHA256": base32 + "GEZDGNBVGY3TQOJQGEZA", "SHA512": strings.Repeat(base32, 3) + "GEZDGNA",
	} {
		for _, digits := range []string{"6", "7", "8"} {
			for _, period := range []string{"15", "30", "45", "60"} {
				all = append(all, scheme{algorithm, digits, period, secret})
			}
		}
	}
	return all
}

func (s scheme) String() string { return s.algorithm + "/" + s.digits + "/" + s.period }

func (s scheme) totpctl(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, []string{"TOTP_BASE32_SECRET=" + s.secret}, "", cmdtest.Binary(t),
		append(args, "--algorithm", s.algorithm, "--digits", s.digits, "--period", s.period)...)
}

// output is what a command prints, without the newline at its end.
func output(t *testing.T, env []string, stdin, name string, args ...string) string {
	t.Helper()
	var errOut strings.Builder
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = t.TempDir(), append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/no-home"}, env...)
	c.Stdin, c.Stderr = strings.NewReader(stdin), &errOut
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, errOut.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// agree compares gen's code with those of another program just before and just after, of which
// one is the same. It tries again where a step ends in between: time(2), which oathtool asks, is
// up to a tick behind the clock that gen asks.
func agree(t *testing.T, what string, gen, other func() string) {
	t.Helper()
	var ours, theirs string
	for range 3 {
		before := other()
		ours, theirs = gen(), other()
		if ours == before || ours == theirs {
			return
		}
	}
	t.Errorf("%s: gen prints %s, the other %s", what, ours, theirs)
}

func (s scheme) agree(t *testing.T, other func() string) {
	t.Helper()
	agree(t, fmt.Sprint(s), func() string { return s.totpctl(t, "gen", "--once") }, other)
}

func TestGenAgreesWithOathtool(t *testing.T) {
	t.Parallel()
	for _, s := range schemes() {
		s.agree(t, func() string {
			return output(t, nil, s.secret, "oathtool", "--totp="+s.algorithm, "--digits="+s.digits, "--time-step-size="+s.period+"s", "--base32", "-")
		})
	}
}

func TestGenAgreesWithPyotpFedByQR(t *testing.T) {
	t.Parallel()
	ask := startPyotp(t)
	for _, s := range schemes() {
		uri := s.totpctl(t, "qr", "--uri")
		s.agree(t, func() string { return ask(uri).Code })
	}
}

func TestGenAgreesWithKeePassXCFedByQR(t *testing.T) {
	t.Parallel()
	all, uris := schemes(), []string{}
	for _, s := range all {
		uris = append(uris, s.totpctl(t, "qr", "--uri"))
	}
	db := newKeePass(t, uris)
	for i, s := range all {
		s.agree(t, func() string { return db.run("show", "--quiet", "--totp", db.file, title(i)) })
	}
}

// names are hard for URIs and for those who read them.
var names = []struct {
	issuer, account string
	beyondPyotp     bool // its parse_uri decodes a URI twice: it does not read back its own for such names either
}{
	{"TOTP Example", "gonzalo123.com", false},
	{"ACME", "a+b&c=d@example.com", false},
	{"A & B", "alice", true},
	{"A+B", "alice", true},
	{"100%", "50%/50%", false},
	{"100%20 %2B", "%41", true},
	{"a/b", "x/y", false},
	{"c?d#e", "z?#1", true},
	{"ACME: Inc", "alice", false},
	{"ACME", "alice: second", false},
	{"ACME:Inc:", "bob", false},
	{"Zürich 東京", "é√ 👩‍💻", false},
	{`"quoted" 'too'`, `back\slash <b>`, false},
}

func TestPyotpReadsBackTheNamesOfQR(t *testing.T) {
	t.Parallel()
	ask := startPyotp(t)
	for _, n := range names {
		got := ask(schemes()[0].totpctl(t, "qr", "--uri", "--issuer", n.issuer, "--label", n.account))
		if read := got.Issuer == n.issuer && got.Account == n.account; read == n.beyondPyotp {
			t.Errorf("pyotp reads %+v, want %+v", got, n)
		}
	}
}

func TestURLParsersReadBackTheNamesOfQR(t *testing.T) {
	t.Parallel()
	ask := startPyotp(t)
	for _, n := range names {
		got := ask(schemes()[0].totpctl(t, "qr", "--uri", "--issuer", n.issuer, "--label", n.account))
		label := n.issuer + ":" + n.account
		if strings.Contains(n.issuer, ":") {
			label = n.account // two colons in a label would be read in two ways
		}
		if got.Parameter != n.issuer || got.Label != label {
			t.Errorf("Python's urllib reads %+v, want %+v", got, n)
		}
	}
}

// KeePassXC keeps the whole URI and reads no names from it: all that can be seen
// is that the names do not come in the way of the code.
func TestKeePassXCUnderstandsTheURIsOfAllNames(t *testing.T) {
	t.Parallel()
	s, uris := schemes()[0], []string{}
	for _, n := range names {
		uris = append(uris, s.totpctl(t, "qr", "--uri", "--issuer", n.issuer, "--label", n.account))
	}
	db := newKeePass(t, uris)
	for i, uri := range uris {
		s.agree(t, func() string { return db.run("show", "--quiet", "--totp", db.file, title(i)) })
		if got := db.run("show", "--quiet", "--show-protected", "--attributes", "otp", db.file, title(i)); got != uri {
			t.Errorf("KeePassXC has %q, want %q", got, uri)
		}
	}
}

// A pyotpAnswer has what pyotp reads, and what Python's own parser of URLs does.
type pyotpAnswer struct{ Issuer, Account, Code, Label, Parameter string }

// startPyotp returns a func that has Debian's pyotp read a URI.
func startPyotp(t *testing.T) func(uri string) pyotpAnswer {
	t.Helper()
	c := exec.CommandContext(t.Context(), "/usr/bin/python3", "-u", "-c", `
import json, pyotp, sys, urllib.parse
for line in sys.stdin:
    uri = json.loads(line)
    parts = urllib.parse.urlsplit(uri)
    answer = {"Label": urllib.parse.unquote(parts.path[1:]), "Parameter": urllib.parse.parse_qs(parts.query)["issuer"][0]}
    try:
        totp = pyotp.parse_uri(uri)
        answer.update({"Issuer": totp.issuer, "Account": totp.name, "Code": totp.now()})
    except ValueError as e:
        answer["Issuer"] = str(e)
    print(json.dumps(answer))
`)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
	lines := bufio.NewReader(out)
	return func(uri string) (a pyotpAnswer) {
		t.Helper()
		if err := json.NewEncoder(in).Encode(uri); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &a)
		}
		if err != nil {
			t.Fatalf("pyotp (python3-pyotp) does not read %s: %v", uri, err)
		}
		return a
	}
}

// A keePass is a database of KeePassXC's in a folder of its own.
type keePass struct {
	t          *testing.T
	home, file string
}

func title(i int) string { return fmt.Sprintf("entry%d", i) }

// newKeePass has one entry for each otpauth URI.
func newKeePass(t *testing.T, uris []string) keePass {
	t.Helper()
	db := keePass{t, t.TempDir(), ""}
	db.file = filepath.Join(db.home, "db.kdbx")
	source := filepath.Join(db.home, "db.xml")
	if err := os.WriteFile(source, []byte(keePassXML(uris)), 0o600); err != nil {
		t.Fatal(err)
	}
	db.run("import", "--set-password", source, db.file)
	return db
}

const keePassPassword = "open sesame\n"

func (db keePass) run(args ...string) string {
	db.t.Helper()
	return output(db.t, []string{"HOME=" + db.home, "QT_QPA_PLATFORM=offscreen", "LC_ALL=C.UTF-8"}, strings.Repeat(keePassPassword, 2), "keepassxc-cli", args...)
}

func keePassXML(uris []string) string {
	var b strings.Builder
	id := func(i int) string { return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%016d", i)) }
	fmt.Fprintf(&b, "<KeePassFile><Root><Group><UUID>%s</UUID><Name>Root</Name>", id(0))
	for i, uri := range uris {
		fmt.Fprintf(&b, "<Entry><UUID>%s</UUID><String><Key>Title</Key><Value>%s</Value></String><String><Key>otp</Key><Value>", id(i+1), title(i))
		xml.EscapeText(&b, []byte(uri))
		io.WriteString(&b, "</Value></String></Entry>")
	}
	b.WriteString("</Group></Root></KeePassFile>")
	return b.String()
}
