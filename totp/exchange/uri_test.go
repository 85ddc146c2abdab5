package exchange

import (
	"errors"
	"strings"
	"testing"

	"totpctl/totp"
)

const testSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestTheURIsOfOthersAreReadWithANoteOfWhatWasGuessed(t *testing.T) {
	for _, v := range []struct{ uri, want, note string }{
		{"otpauth://totp/ACME:alice?secret=" + testSecret, "ACME/alice SHA1 6 30", ""},
		{"OTPAUTH://TOTP/alice?SECRET=" + testSecret, "/alice SHA1 6 30", ""},
		{"otpauth://totp/ACME:alice?secret=" + testSecret + "&issuer=Other", "Other/alice SHA1 6 30", "which wins"},
		{"otpauth://totp/acme:alice?secret=" + testSecret + "&issuer=ACME", "ACME/alice SHA1 6 30", ""},
		{"otpauth://totp/ACME%3A%20alice?secret=" + testSecret, "ACME/alice SHA1 6 30", ""},
		{"otpauth://totp/a/b:c/d?secret=" + testSecret, "a/b/c/d SHA1 6 30", ""},
		{"otpauth://totp/?secret=" + testSecret + "&issuer=ACME", "ACME/ACME SHA1 6 30", "is called"},
		{"otpauth://totp?secret=" + testSecret, "/unnamed SHA1 6 30", "is called"},
		{"otpauth://totp/alice?secret=" + testSecret + "&algorithm=HmacSHA256&digits=8&period=60", "/alice SHA256 8 60", "HmacSHA256"},
		{"otpauth://totp/alice?secret=" + testSecret + "&algorithm=SHA-1", "/alice SHA1 6 30", "SHA-1"},
		{"otpauth://totp/alice?secret=" + testSecret + "&digits=&issuer=", "/alice SHA1 6 30", "digits is empty"},
		{"otpauth://totp/alice?secret=" + testSecret + "&digits=6&digits=6", "/alice SHA1 6 30", "twice"},
		{"otpauth://totp/alice?secret=gezd+gnbv-gy3t%20qojq+gezd+gnbv+gy3t+qojq%3D", "/alice SHA1 6 30", ""},
		{" otpauth://totp/100%?secret=" + testSecret + "\r\n", "/100% SHA1 6 30", ""},
		{"otpauth://steam/Steam:gabe?secret=" + testSecret, "Steam/gabe steam", ""},
		{"otpauth://totp/Steam:gabe?secret=" + testSecret + "&period=30&digits=5&encoder=steam", "Steam/gabe steam", ""},
		{"otpauth://totp/A%00B%0A:alice?secret=" + testSecret, "AB/alice SHA1 6 30", "becomes"},
	} {
		e, notes, err := ParseURI(v.uri)
		if err != nil || describe(e) != v.want {
			t.Errorf("%q: %s, %v, want %s", v.uri, describe(e), err, v.want)
		}
		if all := strings.Join(notes, "; "); !strings.Contains(all, v.note) || v.note == "" && all != "" {
			t.Errorf("%q: notes are %q, want %q", v.uri, all, v.note)
		}
	}
}

func TestAnAccountThatTheFileCallsOtherwiseIsRenamed(t *testing.T) {
	for label, want := range map[string]bool{
		"alice": false, "ACME:alice": false, "ACME%3Aalice?issuer=ACME": false, "alice?issuer=ACME": false,
		"alice%20": true, "al%E2%80%8Bice": true, "other:alice?issuer=ACME": true, "?issuer=ACME": true, strings.Repeat("a", totp.MaxName+1): true,
	} {
		label, query, _ := strings.Cut(label, "?")
		c, err := Read([]byte("otpauth://totp/"+label+"?"+query+"&secret="+testSecret), Options{})
		if err != nil || len(c.Accounts) != 1 || c.Accounts[0].Renamed != want {
			t.Errorf("%s: %+v, %v; want Renamed %v", label, c, err, want)
		}
	}
}

func describe(e totp.Entry) string {
	if e.Key.Scheme().Steam {
		return e.Issuer + "/" + e.Account + " steam"
	}
	return e.Issuer + "/" + e.Account + " " + e.Key.Algorithm().String() + " " + string('0'+rune(e.Key.Digits())) + " " + seconds(e.Key.Period())
}

func TestWhatIsNotTOTPIsAnErrorOfItsKind(t *testing.T) {
	for _, uri := range []string{
		"otpauth://hotp/alice?secret=" + testSecret + "&counter=1",
		"otpauth://yaotp/alice?secret=" + testSecret,
		"otpauth://totp/alice?secret=" + testSecret + "&encoder=battle",
	} {
		if _, _, err := ParseURI(uri); !errors.Is(err, ErrKind) {
			t.Errorf("%s: %v, want ErrKind", uri, err)
		}
	}
}

func TestABadURIIsAnErrorThatQuotesNoSecret(t *testing.T) {
	const secret = "TELLNOBODY234567"
	for _, uri := range []string{
		"", "alice", "https://example.com/?secret=" + secret, "otpauth://totp/alice", "otpauth://totp/alice?secret=",
		"otpauth://totp/alice?secret=" + secret + "1", "otpauth://totp/alice?secret=" + secret + "&secret=" + secret + "AA",
		"otpauth://totp/alice?secret=" + secret + "&digits=5", "otpauth://totp/alice?secret=" + secret + "&period=0",
		"otpauth://totp/alice?secret=" + secret + "&algorithm=MD5",
	} {
		if _, _, err := ParseURI(uri); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func TestAListSaysWhichLineItLeavesOut(t *testing.T) {
	list := "\xef\xbb\xbf# my codes\r\n\r\notpauth://totp/a?secret=" + testSecret + "\r\notpauth://hotp/b?secret=" + testSecret + "\nnonsense\notpauth://totp/c?secret=" + testSecret
	c, err := Read([]byte(list), Options{})
	if err != nil || c.Format != "otpauth" || len(c.Accounts) != 2 || len(c.LeftOut) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.Accounts[1].Place != "line 6" || c.LeftOut[0].Place != "line 4" || c.LeftOut[0].Name != "b" || c.LeftOut[1].Place != "line 5" {
		t.Errorf("%+v", c)
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("otpauth://totp/ACME:alice?secret=" + testSecret + "&issuer=ACME&algorithm=SHA-512&digits=8&period=60")
	f.Add("otpauth://steam/a%3Ab?secret=AA&x=%zz")
	f.Fuzz(func(t *testing.T, uri string) {
		e, _, err := ParseURI(uri)
		if err != nil {
			return
		}
		again, notes, err := ParseURI(e.URI())
		if err != nil || again.Issuer != e.Issuer || again.Account != e.Account || !again.Key.Equal(e.Key) || len(notes) > 0 {
			t.Errorf("%q is %v and is read back as %v with %q, %v", uri, e, again, notes, err)
		}
	})
}
