package exchange

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"

	"totpctl/totp"
)

// enteList is what Ente Auth exports. Its names are escaped, except where early versions did
// not.
func enteList() string {
	display := func(trashed string) string {
		return "&codeDisplay=" + url.QueryEscape(`{"pinned":false,"trashed":`+trashed+`,"lastUsedAt":0,"tapCount":2,"tags":["work"],"note":"","position":0,"iconSrc":"","iconID":""}`)
	}
	return strings.Join([]string{
		"otpauth://totp/GitHub:alice?algorithm=SHA1&digits=6&issuer=GitHub&period=30&secret=" + testSecret + display("false"),
		"otpauth://totp/My Bank:bob#2?algorithm=Algorithm.sha256&digits=8&issuer=My+Bank&period=60&secret=" + testSecret,
		"otpauth://hotp/Old:counter?algorithm=SHA1&digits=6&issuer=Old&period=30&secret=" + testSecret + "&counter=3" + display("false"),
		"otpauth://steam/Steam:gabe?algorithm=sha1&digits=5&issuer=Steam&period=30&secret=" + testSecret + display("false"),
		"otpauth://totp/Gone:eve?algorithm=SHA1&digits=6&issuer=Gone&period=30&secret=" + testSecret + display("true"),
	}, "\n") + "\n"
}

func enteFixtures(t testing.TB) []fixture {
	f := fixture{
		file: "ente.txt", format: "otpauth", data: []byte(enteList()), cutUnseen: true,
		accounts: []string{
			"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/My%20Bank:bob%232?secret=" + testSecret + "&issuer=My%20Bank&algorithm=SHA256&digits=8&period=60",
			"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
		},
		leftOut: []string{"Old:counter", "Gone:eve"},
	}
	sealed := f
	sealed.file, sealed.format, sealed.passphrase, sealed.cutUnseen = "ente-encrypted.txt", "ente", testPassphrase, false
	sealed.data = toJSON(t, sealEnte(t, enteList(), streamTagFinal))
	open := sealed
	open.file, open.data = "ente-encrypted-open.txt", toJSON(t, sealEnte(t, enteList(), 0))
	return []fixture{f, sealed, open}
}

// sealEnte uses 64 KiB of memory, where Ente takes 256 MiB, sixteen times over.
func sealEnte(t testing.TB, list string, tag byte) map[string]any {
	t.Helper()
	salt, header := []byte("sixteen of salt."), []byte(strings.Repeat("head", 6))
	key, err := argon2Parameters{passes: 2, memory: 64, lanes: 1}.key(testPassphrase, salt)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"version": 1, "kdfParams": map[string]any{"memLimit": 64 << 10, "opsLimit": 2, "salt": base64.StdEncoding.EncodeToString(salt)},
		"encryptedData": base64.StdEncoding.EncodeToString(push(t, key, header, []byte(list), tag)), "encryptionNonce": base64.StdEncoding.EncodeToString(header),
	}
}

// push seals the first message of a stream.
func push(t testing.TB, key, header, message []byte, tag byte) []byte {
	t.Helper()
	s, err := newSecretStream(key, header)
	if err != nil {
		t.Fatal(err)
	}
	stream, macKey := s.cipher()
	block := make([]byte, 64)
	block[0] = tag
	stream.XORKeyStream(block, block)
	body := make([]byte, len(message))
	stream.XORKeyStream(body, message)
	return append(append(block[:1:1], body...), streamMAC(macKey, block, body)...)
}

func TestAnEnteFileOfAnotherKindIsNotRead(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"a later version": func(f map[string]any) { f["version"] = 2 },
		"no version":      func(f map[string]any) { delete(f, "version") },
		"a short nonce":   func(f map[string]any) { f["encryptionNonce"] = "AAAA" },
		"broken base64":   func(f map[string]any) { f["encryptedData"] = "?" },
		"no data":         func(f map[string]any) { f["encryptedData"] = "" },
	} {
		file := sealEnte(t, enteList(), streamTagFinal)
		change(file)
		if c, err := Read(toJSON(t, file), Options{Passphrase: with(testPassphrase)}); err == nil || len(c.Accounts) > 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestACostlyEnteFileAsksForNoPassphrase(t *testing.T) {
	for _, kdf := range []map[string]any{
		{"memLimit": 1<<30 + 1024, "opsLimit": 1}, {"memLimit": 1 << 30, "opsLimit": 11}, {"memLimit": 8 << 10, "opsLimit": uint64(1) << 62}, {"memLimit": uint64(1) << 63, "opsLimit": 1},
	} {
		file := sealEnte(t, enteList(), streamTagFinal)
		kdf["salt"] = "AAAA"
		file["kdfParams"] = kdf
		if _, err := Read(toJSON(t, file), Options{Passphrase: func() (string, error) { t.Error("asked"); return "", nil }}); !errors.Is(err, ErrCost) {
			t.Errorf("%v: %v", kdf, err)
		}
	}
}

func TestEntesOwnNamesOfAlgorithmsAreRead(t *testing.T) {
	e, _, err := ParseURI("otpauth://totp/a?secret=" + testSecret + "&algorithm=Algorithm.sha512")
	if err != nil || e.Key.Algorithm() != totp.SHA512 {
		t.Errorf("%v, %v", e, err)
	}
}

func FuzzEnte(f *testing.F) { fuzzRead(f, "ente") }
