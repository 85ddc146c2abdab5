package exchange

import (
	"errors"
	"strings"
	"testing"
)

func TestTheFieldOfAPasswordManagerIsReadInEachForm(t *testing.T) {
	const hex = "3132333435363738393031323334353637383930"
	for _, v := range []struct{ text, title, user, want string }{
		{"otpauth://totp/ACME:alice?secret=" + testSecret, "Title", "user", "ACME/alice SHA1 6 30"},
		{"otpauth://totp/alice?secret=" + testSecret, "Title", "user", "Title/alice SHA1 6 30"},
		{"otpauth://totp/?secret=" + testSecret + "&issuer=ACME", "Title", "user", "ACME/user SHA1 6 30"},
		{"otpauth://totp?secret=" + testSecret, "Title", "user", "Title/user SHA1 6 30"},
		{"otpauth://totp?secret=" + testSecret, "Title", "", "/Title SHA1 6 30"},
		{"otpauth://totp?secret=" + testSecret, "", "user", "/user SHA1 6 30"},
		{"otpauth://totp?secret=" + testSecret, "", "", "/unnamed SHA1 6 30"},
		{" gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n", "Title", "user", "Title/user SHA1 6 30"},
		{"steam://" + testSecret, "Steam", "gabe", "Steam/gabe steam"},
		{"STEAM://" + testSecret + "/", "Steam", "gabe", "Steam/gabe steam"},
		{"key=" + testSecret, "Title", "user", "Title/user SHA1 6 30"},
		{"key=" + testSecret + "&size=8&step=60&otpHashMode=SHA512", "Title", "user", "Title/user SHA512 8 60"},
		{"type=totp&encoding=hex&key=" + hex, "Title", "user", "Title/user SHA1 6 30"},
		{"encoding=Base64&key=MTIzNDU2Nzg5MDEyMzQ1Njc4OTA%3D", "Title", "user", "Title/user SHA1 6 30"},
		{"encoding=UTF8&key=12345678901234567890", "Title", "user", "Title/user SHA1 6 30"},
	} {
		var c Contents
		c.addOTP("item 1", v.text, v.title, v.user)
		if len(c.Accounts) != 1 {
			t.Errorf("%q: %+v", v.text, c.LeftOut)
			continue
		}
		e := c.Accounts[0].Entry
		if got := describe(e); got != v.want || e.Key.Secret().Base32() != testSecret {
			t.Errorf("%q: %s, want %s", v.text, got, v.want)
		}
	}
}

func TestAFieldThatIsNoTOTPIsLeftOutWithoutItsSecret(t *testing.T) {
	const secret = "TELLNOBODY234567"
	for _, text := range []string{
		"https://example.com/" + secret, "otpauth://hotp/a?secret=" + secret, "type=hotp&key=" + secret, "key=%zz" + secret,
		"key=" + secret + "&encoding=rot13", "encoding=hex&key=" + secret, "encoding=base64&key=?" + secret, "key=", "steam://", "steam://" + secret + "1", secret + "1",
		"key=" + secret + "&size=12", "key=" + secret + "&otpHashMode=MD5", "",
	} {
		var c Contents
		c.addOTP("item 1", text, "Title", "user")
		if len(c.Accounts) > 0 || len(c.LeftOut) != 1 || strings.Contains(c.LeftOut[0].Err.Error(), secret) || c.LeftOut[0].Name == "" {
			t.Errorf("%q: %+v", text, c)
		}
		if hotp := strings.Contains(text, "hotp"); hotp != errors.Is(c.LeftOut[0].Err, ErrKind) {
			t.Errorf("%q: %v", text, c.LeftOut[0].Err)
		}
	}
}

func FuzzOTPText(f *testing.F) {
	f.Add("key="+testSecret+"&size=8&step=60", "Title", "user")
	f.Add("steam://"+testSecret, "", "")
	f.Fuzz(func(t *testing.T, text, title, user string) {
		var c Contents
		c.addOTP("item 1", text, title, user)
		if len(c.Accounts)+len(c.LeftOut) != 1 {
			t.Errorf("%q: %+v", text, c)
		}
	})
}
