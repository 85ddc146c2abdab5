package exchange

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const libpamFile = testSecret + `
" RATE_LIMIT 3 30 1771234567
" WINDOW_SIZE 17
" STEP_SIZE 60
" DISALLOW_REUSE 59040000 59040001
" TOTP_AUTH
12345678
87654321
00000000
`

func libpamFixtures() []fixture {
	f := fixture{
		file: ".google_authenticator", format: "google-authenticator", data: []byte(libpamFile),
		accounts: []string{"otpauth://totp/unnamed?secret=" + testSecret + "&period=60"},
	}
	hotp := fixture{
		file: ".google_authenticator-hotp", format: "google-authenticator",
		data:    []byte("GEZDGNBVGY3TQOJQ\n\" HOTP_COUNTER 1\n\" TOTP_AUTH\n12345678\n1234\n"),
		leftOut: []string{"", ""},
	}
	return []fixture{f, hotp}
}

func TestTheEmergencyCodesOfGoogleAuthenticatorAreKept(t *testing.T) {
	c, err := Read([]byte(libpamFile), Options{Name: "alice"})
	if err != nil || len(c.Accounts) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	a := c.Accounts[0]
	if want := []string{"12345678", "87654321", "00000000"}; !slices.Equal(a.Recovery, want) || a.Entry.Account != "alice" || len(a.Notes) > 0 {
		t.Errorf("%+v", a)
	}
}

func TestAGoogleAuthenticatorFileCutAtAnyByteGivesNoWrongAccount(t *testing.T) {
	whole, err := Read([]byte(libpamFile), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := whole.Accounts[0]
	for n := range libpamFile {
		c, err := Read([]byte(libpamFile[:n]), Options{Format: "google-authenticator"})
		for _, a := range c.Accounts {
			if !a.Entry.Key.Equal(want.Entry.Key) || !slices.Equal(a.Recovery, want.Recovery[:len(a.Recovery)]) {
				t.Errorf("%d bytes: %+v, %v", n, a, err)
			}
		}
	}
}

func TestAFileOfGoogleAuthenticatorWithoutTOTPIsLeftOut(t *testing.T) {
	for file, reason := range map[string]string{
		testSecret + "\n\" WINDOW_SIZE 3\n":                "TOTP_AUTH",
		testSecret + "\n\" TOTP_AUTH\n\" HOTP_COUNTER 1\n": "HOTP",
		testSecret + "\n\" TOTP_AUTH\n\" STEP_SIZE 0\n":    "period",
		strings.Repeat("A", 3) + "\n\" TOTP_AUTH\n":        "characters seem to be missing",
	} {
		c, err := Read([]byte(file), Options{})
		if err != nil || len(c.Accounts) > 0 || len(c.LeftOut) != 1 || !strings.Contains(c.LeftOut[0].Err.Error(), reason) {
			t.Errorf("%q: %+v, %v", file, c, err)
		}
	}
	for _, file := range []string{testSecret, testSecret + "\n", testSecret + "\n12345678\n", "nothing\n\" TOTP_AUTH\n"} {
		if c, err := Read([]byte(file), Options{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %+v, %v", file, c, err)
		}
	}
}

func FuzzLibpam(f *testing.F) { fuzzRead(f, "google-authenticator") }
