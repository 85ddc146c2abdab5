package exchange

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

func andotpEntries() []any {
	entry := func(kind, issuer, label string, more map[string]any) map[string]any {
		all := map[string]any{"secret": testSecret, "issuer": issuer, "label": label, "digits": 6, "type": kind, "algorithm": "SHA1", "thumbnail": "Default", "last_used": 1608146844162, "used_frequency": 0, "tags": []string{"work"}}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	old := entry("TOTP", "", "ACME - carol", map[string]any{"period": 30})
	delete(old, "issuer")
	return []any{
		entry("TOTP", "GitHub", "alice", map[string]any{"period": 30, "secret": testSecret + "======"}),
		entry("TOTP", "", "bob", map[string]any{"period": 20, "digits": 7, "algorithm": "SHA256"}),
		entry("HOTP", "Old", "counter", map[string]any{"counter": 3}),
		entry("STEAM", "Steam", "gabe", map[string]any{"period": 30, "digits": 5}),
		entry("MOTP", "M", "pin", nil),
		old,
	}
}

func andotpFixtures(t testing.TB) []fixture {
	f := fixture{
		file: "otp_accounts.json", format: "andotp", data: toJSON(t, andotpEntries()),
		accounts: []string{
			"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/bob?secret=" + testSecret + "&algorithm=SHA256&digits=7&period=20",
			"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
			"otpauth://totp/ACME:carol?secret=" + testSecret + "&issuer=ACME",
		},
		leftOut: []string{"Old:counter", "M:pin"},
	}
	encrypted := f
	encrypted.file, encrypted.data, encrypted.passphrase = "otp_accounts.json.aes", sealAndotp(t, f.data, 140_000), testPassphrase
	return []fixture{f, encrypted}
}

func sealAndotp(t testing.TB, plain []byte, iterations uint32) []byte {
	salt, nonce := []byte("salt of 12 b"), []byte("nonce nonce!")
	key, err := pbkdf2.Key(sha1.New, testPassphrase, salt, int(iterations), 32)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(binary.BigEndian.AppendUint32(nil, iterations), salt, nonce, sealGCM(t, key, nonce, plain))
}

func TestTheFirstEncryptedFormOfAndOTPIsReadByItsName(t *testing.T) {
	plain := andotpFixtures(t)[0]
	key, nonce := sha256.Sum256([]byte(testPassphrase)), []byte("nonce nonce!")
	data := slices.Concat(nonce, sealGCM(t, key[:], nonce, plain.data))
	if _, err := Read(data, Options{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("without its name: %v", err)
	}
	c, err := Read(data, Options{Format: "andotp", Passphrase: with(testPassphrase)})
	if err != nil || !slices.Equal(uris(c), plain.accounts) {
		t.Errorf("%q, %v", uris(c), err)
	}
	for n := range data {
		if c, err := Read(data[:n], Options{Format: "andotp", Passphrase: with(testPassphrase)}); err == nil || len(c.Accounts) > 0 {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := Read(data, Options{Format: "andotp", Passphrase: with("wrong")}); !errors.Is(err, ErrPassphrase) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
}

func FuzzAndotp(f *testing.F) { fuzzRead(f, "andotp") }
