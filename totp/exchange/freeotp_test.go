package exchange

import "testing"

// freeOTPSecret is testSecret's bytes as Java has them, and others.
func freeOTPSecret() (plain, high []int8) {
	for _, b := range []byte("12345678901234567890") {
		plain = append(plain, int8(b))
	}
	return plain, []int8{-1, -128, 127, 0, 1, -2, 3, -4, 5, -6}
}

func freeOTPFixtures(t testing.TB) []fixture {
	plain, high := freeOTPSecret()
	token := func(kind, algorithm string, digits, period int, external, internal, label string, secret any) map[string]any {
		return map[string]any{
			"algo": algorithm, "counter": 0, "digits": digits, "issuerExt": external, "issuerInt": internal,
			"label": label, "period": period, "secret": secret, "type": kind,
		}
	}
	renamed := token("TOTP", "SHA1", 6, 30, "Before", "Before", "before", plain)
	renamed["issuerAlt"], renamed["labelAlt"] = "After", "after"
	file := map[string]any{
		"tokenOrder": []string{"GitHub:alice"},
		"tokens": []any{
			token("TOTP", "SHA1", 6, 30, "GitHub", "GitHub", "alice", plain),
			token("TOTP", "SHA512", 8, 60, "", "Bank", "bob", high),
			token("HOTP", "SHA1", 6, 30, "Old", "Old", "counter", plain),
			token("TOTP", "SHA1", 5, 30, "Steam", "", "gabe", plain),
			token("TOTP", "MD5", 6, 30, "Weak", "", "md5", plain),
			token("TOTP", "SHA1", 6, 30, "Wide", "", "unsigned", []int{200, 1}),
			token("TOTP", "SHA1", 6, 30, "No", "", "secret", nil),
			renamed,
		},
	}
	return []fixture{{
		file: "freeotp-backup.json", format: "freeotp+", data: toJSON(t, file),
		accounts: []string{
			"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/Bank:bob?secret=76AH6AAB7YB7YBP2&issuer=Bank&algorithm=SHA512&digits=8&period=60",
			"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
			"otpauth://totp/After:after?secret=" + testSecret + "&issuer=After",
		},
		leftOut: []string{"Old:counter", "Weak:md5", "", "No:secret"},
	}}
}

func FuzzFreeOTP(f *testing.F) { fuzzRead(f, "freeotp+") }
