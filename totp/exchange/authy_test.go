package exchange

import (
	"strings"
	"testing"
)

func authyFixtures(t testing.TB) []fixture {
	token := func(name string, issuer any, seed string, digits int) map[string]any {
		return map[string]any{
			"account_type": "authenticator", "name": name, "issuer": issuer, "decrypted_seed": seed, "digits": digits, "logo": "github", "unique_id": "1612345678",
		}
	}
	encrypted := token("Locked: carol", nil, "", 6)
	delete(encrypted, "decrypted_seed")
	encrypted["encrypted_seed"], encrypted["salt"], encrypted["key_derivation_iterations"] = "wH3yJ7u5", "abc", 100000
	tokens := []any{
		token("GitHub: alice@example.com", "GitHub", strings.ToLower(testSecret), 6),
		token("Bank:bob", nil, testSecret, 7),
		encrypted,
		token("Broken", nil, "1", 6),
	}
	decrypted := fixture{
		file: "decrypted_tokens.json", format: "authy", data: toJSON(t, map[string]any{"message": "success", "decrypted_authenticator_tokens": tokens, "success": true}),
		accounts: []string{
			"otpauth://totp/GitHub:alice%40example.com?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/Bank:bob?secret=" + testSecret + "&issuer=Bank&digits=7",
		},
		leftOut: []string{"Locked:carol", "Broken"},
	}
	answer := decrypted
	answer.file, answer.data = "authenticator_tokens.json", toJSON(t, map[string]any{"authenticator_tokens": tokens, "deleted": []any{}, "success": true})
	apps := fixture{
		file: "apps.json", format: "authy",
		data: toJSON(t, map[string]any{"message": "success", "success": true, "apps": []any{
			map[string]any{"_id": "5a", "name": "Twitch", "serial_id": 1, "digits": 7, "secret_seed": "3132333435363738393031323334353637383930", "authy_id": 1},
			map[string]any{"_id": "5b", "name": "SendGrid", "secret_seed": "no hex"},
		}}),
		accounts: []string{"otpauth://totp/Twitch?secret=" + testSecret + "&digits=7&period=10"},
		leftOut:  []string{"SendGrid"},
	}
	android := decrypted
	android.file, android.leftOut = "com.authy.storage.tokens.authenticator.json", []string{"Locked:carol"}
	android.data = toJSON(t, []any{
		map[string]any{"accountType": "github", "decryptedSecret": testSecret, "digits": 6, "encryptedSecret": "x", "name": "GitHub: alice@example.com", "originalIssuer": "GitHub", "originalName": "x", "timestamp": 1},
		map[string]any{"accountType": "a", "decryptedSecret": testSecret, "digits": 7, "encryptedSecret": "x", "name": "Bank:bob", "timestamp": 1},
		map[string]any{"accountType": "a", "digits": 6, "encryptedSecret": "x", "name": "Locked:carol", "timestamp": 1},
	})
	own := apps
	own.file, own.leftOut = "com.authy.storage.tokens.authy.json", nil
	own.data = toJSON(t, []any{map[string]any{"id": "5a", "name": "Twitch", "digits": 7, "secretSeed": "3132333435363738393031323334353637383930"}})
	return []fixture{decrypted, answer, apps, android, own}
}

func FuzzAuthy(f *testing.F) { fuzzRead(f, "authy") }
