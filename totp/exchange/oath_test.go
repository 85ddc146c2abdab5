package exchange

import (
	"strings"
	"testing"
)

const (
	oathSecret = "3132333435363738393031323334353637383930"
	oathList   = `# type user PIN secret
HOTP/T30	alice	-	` + oathSecret + `
HOTP/T30/6 dots+user@example.com - ` + oathSecret + `
HOTP/T60/8   bob  s3cret   ` + oathSecret + `

HOTP/T30/7 carol + 00FFab 0 1234567 2026-11-26T03:13:52L
HOTP counter - ` + oathSecret + `
HOTP/E/8 events - ` + oathSecret + ` 3
MOTP/E mobile 1234 ` + oathSecret + `
HOTP/T30/9 nine - ` + oathSecret + `
HOTP/T30 odd - 123
HOTP/T30 short
HOTP/Tx x - ` + oathSecret + `
`
)

func oathFixtures() []fixture {
	return []fixture{{
		file: "users.oath", format: "users.oath", data: []byte(oathList),
		accounts: []string{
			"otpauth://totp/alice?secret=" + testSecret,
			"otpauth://totp/dots%2Buser%40example.com?secret=" + testSecret,
			"otpauth://totp/bob?secret=" + testSecret + "&digits=8&period=60",
			"otpauth://totp/carol?secret=AD72W&digits=7",
		},
		leftOut: []string{"counter", "events", "mobile", "nine", "odd", "short", "x"},
	}}
}

func TestWhatIsNotTakenFromUsersOATHIsANote(t *testing.T) {
	c, err := Read([]byte(oathList), Options{})
	if err != nil || len(c.Accounts) != 4 {
		t.Fatalf("%+v, %v", c, err)
	}
	for i, want := range []string{"", "", "PIN", "counter"} {
		if notes := strings.Join(c.Accounts[i].Notes, "; "); !strings.Contains(notes, want) || (want == "") != (notes == "") {
			t.Errorf("%v: %q, want %q", c.Accounts[i].Entry, notes, want)
		}
	}
	if c.LeftOut[0].Place != "line 7" {
		t.Errorf("%+v", c.LeftOut[0])
	}
}

func TestASecretAtTheEndOfUsersOATHMayBeCutOff(t *testing.T) {
	c, err := Read([]byte("HOTP/T30 alice - "+oathSecret+"\nHOTP/T30 bob - "+oathSecret[:20]), Options{})
	if err != nil || len(c.Accounts) != 1 || len(c.LeftOut) != 1 || c.LeftOut[0].Name != "bob" || !strings.Contains(c.LeftOut[0].Err.Error(), "cut off") {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzOATH(f *testing.F) { fuzzRead(f, "users.oath") }
