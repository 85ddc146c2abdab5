package exchange

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"errors"
	"strings"
	"testing"
)

func stratumBackup() map[string]any {
	entry := func(kind, algorithm, digits, period int, issuer string, user any, secret string) map[string]any {
		return map[string]any{
			"Type": kind, "Icon": "github", "Issuer": issuer, "Username": user, "Secret": secret, "Pin": nil,
			"Algorithm": algorithm, "Digits": digits, "Period": period, "Counter": 0, "Ranking": 0, "CopyCount": 10,
		}
	}
	return map[string]any{
		"Authenticators": []any{
			entry(2, 0, 6, 30, "GitHub", "alice", testSecret),
			entry(2, 2, 8, 60, "Bank", nil, testSecret+"===="),
			entry(1, 0, 6, 30, "Old", "counter", testSecret),
			entry(3, 0, 6, 10, "Mobile", "m", "0123456789abcdef"),
			entry(4, 0, 5, 30, "Steam", "gabe", testSecret),
			entry(5, 1, 8, 30, "Yandex", "y", testSecret),
			entry(2, 0, 10, 30, "Long", "ten", testSecret),
			entry(9, 0, 6, 30, "New", "nine", testSecret),
		},
		"Categories":              []any{map[string]any{"Id": "a8323a2a", "Name": "Web", "Ranking": 0}},
		"AuthenticatorCategories": []any{map[string]any{"CategoryId": "a8323a2a", "AuthenticatorSecret": testSecret, "Ranking": 0}},
		"CustomIcons":             []any{},
	}
}

func stratumFixtures(t testing.TB) []fixture {
	plain := toJSON(t, stratumBackup())
	f := fixture{
		file: "backup.json", format: "stratum", data: plain,
		accounts: []string{
			"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/Bank?secret=" + testSecret + "&algorithm=SHA512&digits=8&period=60",
			"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
		},
		leftOut: []string{"Old:counter", "Mobile:m", "Yandex:y", "Long:ten", "New:nine"},
	}
	strong, legacy := f, f
	strong.file, strong.passphrase, strong.data = "backup.stratum", testPassphrase, sealStratum(t, plain)
	legacy.file, legacy.passphrase, legacy.data = "backup.authpro", testPassphrase, sealLegacyStratum(t, plain)
	return []fixture{f, strong, legacy}
}

func sealStratum(t testing.TB, plain []byte) []byte {
	salt, nonce := []byte("sixteen of salt."), []byte("nonce nonce!")
	key, err := stratumCost().key(testPassphrase, salt)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{[]byte("AUTHENTICATORPRO"), salt, nonce, sealGCM(t, key, nonce, plain)}, nil)
}

func sealLegacyStratum(t testing.TB, plain []byte) []byte {
	salt, iv := []byte("twenty bytes of salt"), []byte("initialization v")
	key, err := pbkdf2.Key(sha1.New, testPassphrase, salt, 64_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{[]byte("AuthenticatorPro"), salt, iv, sealCBC(t, key, iv, plain)}, nil)
}

func sealCBC(t testing.TB, key, iv, plain []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	sealed := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	return sealed
}

func TestAKindThatStratumAloneKnowsIsNamed(t *testing.T) {
	c, err := Read(toJSON(t, stratumBackup()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"HOTP", "Mobile-OTP", "Yandex"} {
		if err := c.LeftOut[i].Err; !errors.Is(err, ErrKind) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Nothing authenticates the content of a legacy backup, and so a wrong passphrase may well
// unpad it.
func TestALegacyBackupWithNonsenseInItHasAWrongPassphrase(t *testing.T) {
	for _, plain := range []string{"", "nonsense", `{"Authenticators":[{"Type":2,"Issuer":"a","Secret":"` + testSecret} {
		c, err := Read(sealLegacyStratum(t, []byte(plain)), Options{Passphrase: with(testPassphrase)})
		if !errors.Is(err, ErrPassphrase) || len(c.Accounts) > 0 {
			t.Errorf("%q: %+v, %v", plain, c, err)
		}
	}
}

func TestPaddingIsChecked(t *testing.T) {
	key, iv := bytes.Repeat([]byte{1}, 32), make([]byte, 16)
	block, _ := aes.NewCipher(key)
	for _, last := range []string{"\x00", "\x11", "\x01\x02", "\xff"} {
		sealed := append(bytes.Repeat([]byte{'a'}, 16-len(last)), last...)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
		if plain, err := openCBC(key, iv, sealed); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%q: %q, %v", last, plain, err)
		}
	}
	for _, n := range []int{0, 1, 15, 17} {
		if _, err := openCBC(key, iv, make([]byte, n)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzStratum(f *testing.F) { fuzzRead(f, "stratum") }
