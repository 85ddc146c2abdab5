package exchange

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/scrypt"
)

func aegisDatabase() map[string]any {
	entry := func(kind, issuer, name string, info map[string]any) map[string]any {
		return map[string]any{
			"type": kind, "uuid": "01234567-89ab-4def-8123-456789abcdef", "name": name, "issuer": issuer, "note": "", "favorite": false,
			"icon": nil, "icon_mime": nil, "icon_hash": nil, "info": info, "groups": []string{},
		}
	}
	return map[string]any{"version": 3, "groups": []any{}, "icons_optimized": true, "entries": []any{
		entry("totp", "GitHub", "alice", map[string]any{"secret": testSecret, "algo": "SHA1", "digits": 6, "period": 30}),
		entry("totp", "", "böb", map[string]any{"secret": testSecret, "algo": "SHA512", "digits": 8, "period": 60}),
		entry("hotp", "Old", "counter", map[string]any{"secret": testSecret, "algo": "SHA1", "digits": 6, "counter": 7}),
		entry("steam", "Steam", "gabe", map[string]any{"secret": testSecret, "algo": "SHA1", "digits": 5, "period": 30}),
		entry("motp", "M", "pin", map[string]any{"secret": testSecret, "algo": "MD5", "digits": 6, "period": 10, "pin": "1234"}),
		entry("yandex", "Ya", "pin", map[string]any{"secret": testSecret, "algo": "SHA256", "digits": 8, "period": 30, "pin": "1234"}),
		entry("totp", "Bad", "digits", map[string]any{"secret": testSecret, "algo": "SHA1", "digits": "six", "period": 30}),
		entry("totp", "MD5", "bug", map[string]any{"secret": testSecret, "algo": "MD5", "digits": 6, "period": 30}),
	}}
}

func aegisFixtures(t testing.TB) []fixture {
	f := fixture{
		format: "aegis",
		accounts: []string{
			"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/b%C3%B6b?secret=" + testSecret + "&algorithm=SHA512&digits=8&period=60",
			"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
			"otpauth://totp/MD5:bug?secret=" + testSecret + "&issuer=MD5",
		},
		leftOut: []string{"Old:counter", "M:pin", "Ya:pin", ""},
	}
	plain, encrypted := f, f
	plain.file, encrypted.file = "aegis.json", "aegis-encrypted.json"
	plain.data = toJSON(t, map[string]any{"version": 1, "header": map[string]any{"slots": nil, "params": nil}, "db": aegisDatabase()})
	encrypted.data, encrypted.passphrase = aegisVault(t, 1<<15, 3), testPassphrase
	return []fixture{plain, encrypted}
}

// aegisVault encrypts the database as Aegis does. Of its slots, the first is for biometrics,
// the last for the passphrase, the others for other passphrases.
func aegisVault(t testing.TB, n, slots int) []byte {
	master, nonce, salt := []byte(strings.Repeat("m", 32)), []byte("nonce nonce!"), []byte(strings.Repeat("s", 32))
	params := func(sealed []byte) map[string]string {
		return map[string]string{"nonce": hex.EncodeToString(nonce), "tag": hex.EncodeToString(sealed[len(sealed)-16:])}
	}
	slot := func(kind int, passphrase string) map[string]any {
		key, err := scrypt.Key([]byte(passphrase), salt, 1<<15, 8, 1, 32)
		if err != nil {
			t.Fatal(err)
		}
		sealed := sealGCM(t, key, nonce, master)
		return map[string]any{
			"type": kind, "uuid": "01234567-89ab-4def-8123-456789abcdef", "key": hex.EncodeToString(sealed[:32]), "key_params": params(sealed),
			"n": n, "r": 8, "p": 1, "salt": hex.EncodeToString(salt), "repaired": true, "is_backup": false,
		}
	}
	all := []any{map[string]any{"type": 2, "uuid": "11234567-89ab-4def-8123-456789abcdef", "key": strings.Repeat("ab", 32), "key_params": params(master)}}
	if slots > 2 {
		all = append(all, slices.Repeat([]any{slot(1, "another")}, slots-2)...)
	}
	if slots > 1 {
		all = append(all, slot(1, testPassphrase))
	}
	sealed := sealGCM(t, master, nonce, toJSON(t, aegisDatabase()))
	return toJSON(t, map[string]any{
		"version": 1, "header": map[string]any{"slots": all, "params": params(sealed)},
		"db": base64.StdEncoding.EncodeToString(sealed[:len(sealed)-16]),
	})
}

func TestAHostileVaultIsRefusedBeforeThePassphraseIsAskedFor(t *testing.T) {
	asked := func() (string, error) { t.Error("asked for a passphrase"); return "", errors.New("no") }
	for _, v := range []struct {
		vault []byte
		want  error
	}{
		{aegisVault(t, 1<<19, 2), ErrCost},
		{aegisVault(t, 1<<62, 2), ErrCost},
		{aegisVault(t, 1<<18, 6), ErrCost}, // each slot is cheap enough, all together are not
		{aegisVault(t, 1000, 2), ErrDamaged},
		{aegisVault(t, -1, 2), ErrDamaged},
	} {
		if _, err := Read(v.vault, Options{Passphrase: asked}); !errors.Is(err, v.want) {
			t.Errorf("%v, want %v", err, v.want)
		}
	}
	if _, err := Read(aegisVault(t, 1<<15, 1), Options{Passphrase: asked}); err == nil || !strings.Contains(err.Error(), "biometrics") {
		t.Errorf("a vault without a passphrase: %v", err)
	}
}

func TestAegisVaultsOfEqualNamesHaveAUUIDEach(t *testing.T) {
	e, _, err := ParseURI("otpauth://totp/a?secret=" + testSecret)
	if err != nil {
		t.Fatal(err)
	}
	uuids := []string{entryUUID(0, e), entryUUID(1, e)}
	if uuids[0] == uuids[1] || uuids[0] != entryUUID(0, e) || len(slices.Compact(uuids)) != 2 || len(uuids[0]) != 36 {
		t.Error(uuids)
	}
}

func FuzzAegis(f *testing.F) { fuzzRead(f, "aegis") }
