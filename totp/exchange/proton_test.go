package exchange

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func protonList() map[string]any {
	entry := func(kind, uri, name string) map[string]any {
		return map[string]any{"id": "f3b5", "content": map[string]any{"uri": uri, "entry_type": kind, "name": name}, "note": nil}
	}
	return map[string]any{"version": 1, "entries": []any{
		entry("Totp", "otpauth://totp/alice?secret="+testSecret+"&issuer=GitHub&algorithm=SHA1&digits=6&period=30", "alice"),
		entry("Totp", "otpauth://totp/?secret="+testSecret+"&algorithm=SHA256&digits=8&period=15", "Unlabelled"),
		entry("Steam", "steam://"+testSecret, "gabe"),
		entry("Steam", "steam://c2VjcmV0IG9mIHN0ZWFtIQ", "newell"),
		entry("Hotp", "otpauth://hotp/counter?secret="+testSecret+"&issuer=Old&counter=1", "counter"),
		map[string]any{"content": []any{"no", "object"}},
		entry("Totp", "", "Empty"),
	}}
}

func protonFixtures(t testing.TB) []fixture {
	f := fixture{
		file: "Proton_Authenticator_backup.json", format: "proton", data: toJSON(t, protonList()),
		accounts: []string{
			"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/Unlabelled?secret=" + testSecret + "&algorithm=SHA256&digits=8&period=15",
			"otpauth://totp/gabe?secret=" + testSecret + "&digits=5&encoder=steam",
			"otpauth://totp/newell?secret=ONSWG4TFOQQG6ZRAON2GKYLNEE&digits=5&encoder=steam",
		},
		leftOut: []string{"Old:counter", "", "Empty"},
	}
	sealed := f
	sealed.file, sealed.passphrase, sealed.data = "proton-encrypted.json", testPassphrase, toJSON(t, sealProton(t, toJSON(t, protonList())))
	return []fixture{f, sealed}
}

func sealProton(t testing.TB, list []byte) map[string]any {
	t.Helper()
	salt, nonce := []byte("sixteen of salt."), []byte("nonce nonce!")
	key, err := protonCost().key(testPassphrase, salt)
	if err != nil {
		t.Fatal(err)
	}
	sealed := append(nonce, sealGCMWith(t, key, nonce, list, []byte("proton.authenticator.export.v1"))...)
	return map[string]any{"version": 1, "salt": base64.StdEncoding.EncodeToString(salt), "content": base64.StdEncoding.EncodeToString(sealed)}
}

func TestAProtonFileOfAnotherKindIsNotRead(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"a later version": func(f map[string]any) { f["version"] = 2 },
		"a short salt":    func(f map[string]any) { f["salt"] = "AAAA" },
		"broken base64":   func(f map[string]any) { f["content"] = "?" },
		"short content":   func(f map[string]any) { f["content"] = "AAAA" },
		"only a nonce":    func(f map[string]any) { f["content"] = strings.Repeat("A", 16) },
	} {
		file := sealProton(t, toJSON(t, protonList()))
		change(file)
		if c, err := Read(toJSON(t, file), Options{Passphrase: with(testPassphrase)}); err == nil || len(c.Accounts) > 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	cut := sealProton(t, toJSON(t, protonList())[:300])
	if c, err := Read(toJSON(t, cut), Options{Passphrase: with(testPassphrase)}); !errors.Is(err, ErrDamaged) || len(c.Accounts) > 0 {
		t.Errorf("a list cut off before it was encrypted: %+v, %v", c, err)
	}
}

func FuzzProton(f *testing.F) { fuzzRead(f, "proton") }
