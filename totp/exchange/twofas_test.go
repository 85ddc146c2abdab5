package exchange

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func twofasServices() []any {
	service := func(position int, name, secret string, otp map[string]any) map[string]any {
		return map[string]any{
			"name": name, "secret": secret, "updatedAt": 1702934567518, "otp": otp, "order": map[string]any{"position": position},
			"icon": map[string]any{"selected": "Label", "label": map[string]any{"text": "GI", "backgroundColor": "Red"}},
		}
	}
	return []any{
		service(0, "GitHub", testSecret, map[string]any{"account": "alice", "label": "alice", "issuer": "GitHub", "digits": 6, "period": 30, "algorithm": "SHA1", "tokenType": "TOTP", "source": "Link"}),
		service(1, "My bank", testSecret, map[string]any{"account": "bob", "issuer": "Bank", "digits": 8, "period": 60, "algorithm": "SHA256", "tokenType": "TOTP"}),
		service(2, "Old", testSecret, map[string]any{"account": "counter", "digits": 6, "algorithm": "SHA1", "counter": 1, "tokenType": "HOTP"}),
		service(3, "Steam", testSecret, map[string]any{"account": "gabe", "digits": 5, "period": 30, "algorithm": "SHA1", "tokenType": "STEAM"}),
		service(4, "Manual", strings.ToLower(testSecret[:16]), map[string]any{"digits": nil, "label": "m@example.com", "source": "Manual"}),
		service(5, "Bad", "1", map[string]any{"account": "secret"}),
	}
}

func twofasFixtures(t testing.TB) (all []fixture) {
	for _, schema := range []int{3, 4} {
		f := fixture{
			format: "2fas",
			accounts: []string{
				"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
				"otpauth://totp/My%20bank:bob?secret=" + testSecret + "&issuer=My%20bank&algorithm=SHA256&digits=8&period=60",
				"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
				"otpauth://totp/Manual:m%40example.com?secret=" + testSecret[:16] + "&issuer=Manual",
			},
			leftOut: []string{"Old:counter", "Bad:secret"},
		}
		file := map[string]any{"services": twofasServices(), "groups": []any{}, "updatedAt": 1708958781890, "schemaVersion": schema, "appVersionCode": 5000017, "appVersionName": "5.2.0", "appOrigin": "android"}
		f.file, f.data = "plain-v"+string(rune('0'+schema))+".2fas", toJSON(t, file)
		all = append(all, f)
		file["services"] = []any{}
		file["servicesEncrypted"] = sealTwofas(t, toJSON(t, twofasServices()))
		file["reference"] = sealTwofas(t, []byte(strings.Repeat("reference", 28)))
		f.file, f.data, f.passphrase = "encrypted-v"+string(rune('0'+schema))+".2fas", toJSON(t, file), testPassphrase
		all = append(all, f)
	}
	return all
}

func sealTwofas(t testing.TB, plain []byte) string {
	salt, nonce := []byte(strings.Repeat("salt", 64)), []byte("nonce nonce!")
	key, err := pbkdf2.Key(sha256.New, testPassphrase, salt, 10_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	fields := []string{}
	for _, field := range [][]byte{sealGCM(t, key, nonce, plain), salt, nonce} {
		fields = append(fields, base64.StdEncoding.EncodeToString(field))
	}
	return strings.Join(fields, ":")
}

func TestADamagedBackupOf2FASIsNotRead(t *testing.T) {
	for _, v := range []string{"a:b", "!:!:!", "AAAA:AAAA:AAAA", strings.Repeat("AAAA", 9) + ":AAAA:AAAA", ":::"} {
		data := toJSON(t, map[string]any{"services": []any{}, "schemaVersion": 4, "servicesEncrypted": v})
		if _, err := Read(data, Options{Passphrase: with("x")}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", v, err)
		}
	}
	if _, err := Read([]byte(`{"services": [], "schemaVersion": 5}`), Options{}); err == nil || !strings.Contains(err.Error(), "schema 5") {
		t.Errorf("an unknown schema: %v", err)
	}
}

func FuzzTwofas(f *testing.F) { fuzzRead(f, "2fas") }
