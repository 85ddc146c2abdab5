package exchange

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func bitwardenList() map[string]any {
	item := func(kind int, name string, login any) map[string]any {
		return map[string]any{
			"passwordHistory": nil, "revisionDate": "2026-03-30T13:20:44.594Z", "creationDate": "2026-03-30T13:20:44.593Z", "deletedDate": nil,
			"id": "695e4f85", "organizationId": nil, "folderId": nil, "type": kind, "reprompt": 0, "name": name, "notes": nil, "favorite": false,
			"fields": []any{}, "login": login, "collectionIds": nil,
		}
	}
	login := func(user, totp any) map[string]any {
		return map[string]any{"uris": []any{}, "fido2Credentials": []any{}, "username": user, "password": "p,\"w\n", "totp": totp}
	}
	gone := item(1, "Gone", login("eve", testSecret))
	gone["deletedDate"] = "2026-04-01T00:00:00.000Z"
	return map[string]any{"encrypted": false, "folders": []any{}, "items": []any{
		item(1, "GitHub", login("alice", "otpauth://totp/GitHub:alice@example.com?secret="+testSecret+"&issuer=GitHub")),
		item(1, "Bank", login("bob", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq")),
		item(1, "Alone", login(nil, testSecret)),
		item(1, "Steam", login("gabe", "steam://"+testSecret)),
		item(1, "No code", login("carol", nil)),
		item(2, "A note", nil),
		item(1, "Old", login("counter", "otpauth://hotp/counter?secret="+testSecret)),
		item(1, "Broken", login("dave", "1")),
		gone,
	}}
}

func bitwardenFixtures(t testing.TB) []fixture {
	plain := toJSON(t, bitwardenList())
	f := fixture{
		file: "bitwarden_export.json", format: "bitwarden", data: plain,
		accounts: []string{
			"otpauth://totp/GitHub:alice%40example.com?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/Bank:bob?secret=" + testSecret + "&issuer=Bank",
			"otpauth://totp/Alone?secret=" + testSecret,
			"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
		},
		leftOut: []string{"Old:counter", "Broken:dave", "Gone:eve"},
	}
	old, current := f, f
	old.file, old.passphrase, old.data = "bitwarden-pbkdf2.json", testPassphrase, toJSON(t, sealBitwarden(t, plain, 0))
	current.file, current.passphrase, current.data = "bitwarden-argon2.json", testPassphrase, toJSON(t, sealBitwarden(t, plain, 1))
	return append(bitwardenCSVFixtures(f), f, old, current)
}

// bitwardenCSVFixtures are of the password manager, whose last line has no end, and of the
// authenticator.
func bitwardenCSVFixtures(f fixture) []fixture {
	manager, app := f, f
	manager.file, manager.format, manager.cutUnseen = "bitwarden_export.csv", "bitwarden-csv", true
	manager.leftOut = []string{"Old:counter", "Broken:dave"}
	manager.data = []byte(strings.ReplaceAll(`folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp
,,login,GitHub,,,0,"https://github.com,https://gist.github.com",alice,"p,""w
",otpauth://totp/GitHub:alice@example.com?secret=SECRET&issuer=GitHub
,,login,Bank,,,0,,bob,x,gezd gnbv gy3t qojq gezd gnbv gy3t qojq
,,login,Alone,,,0,,,x,SECRET
,,login,No code,,,0,,carol,x,
,,note,A note,"text, text",,0,,,,
,,login,Old,,,0,,counter,x,otpauth://hotp/counter?secret=SECRET
,,login,Broken,,,0,,dave,x,1
,,login,Steam,,,0,,gabe,x,steam://SECRET`, "SECRET", testSecret))
	app.file, app.format, app.leftOut, app.cutUnseen = "bitwarden-authenticator.csv", "bitwarden-csv", nil, true
	app.accounts = []string{f.accounts[0], "otpauth://totp/Steam?secret=" + testSecret + "&digits=5&encoder=steam"}
	app.data = []byte(strings.ReplaceAll(`folder,favorite,type,name,login_uri,login_totp
,,1,GitHub,,otpauth://totp/GitHub%3Aalice%40example.com?secret=SECRET&issuer=GitHub,GitHub,30,6
,,1,Steam,,steam://SECRET,Steam,30,5
`, "SECRET", testSecret))
	return []fixture{manager, app}
}

// sealBitwarden has the least costs that Bitwarden takes.
func sealBitwarden(t testing.TB, plain []byte, kdf int) map[string]any {
	t.Helper()
	const salt = "c2l4dGVlbiBvZiBzYWx0Lg=="
	file := map[string]any{"encrypted": true, "passwordProtected": true, "salt": salt, "kdfType": kdf, "kdfIterations": 5000}
	var master []byte
	var err error
	if kdf == 0 {
		master, err = pbkdf2.Key(sha256.New, testPassphrase, []byte(salt), 5000, 32)
	} else {
		file["kdfIterations"], file["kdfMemory"], file["kdfParallelism"] = 2, 16, 4
		hashed := sha256.Sum256([]byte(salt))
		master, err = argon2Parameters{passes: 2, memory: 16 << 10, lanes: 4}.key(testPassphrase, hashed[:])
	}
	if err != nil {
		t.Fatal(err)
	}
	file["encKeyValidation_DO_NOT_EDIT"] = encString(t, master, []byte("0f3f8a30-8a4b-4c6a-9b2e-2d2b8a3c1d11"))
	file["data"] = encString(t, master, plain)
	return file
}

func encString(t testing.TB, master, plain []byte) string {
	t.Helper()
	key, err := hkdf.Expand(sha256.New, master, "enc", 32)
	if err != nil {
		t.Fatal(err)
	}
	macKey, err := hkdf.Expand(sha256.New, master, "mac", 32)
	if err != nil {
		t.Fatal(err)
	}
	iv := []byte("initialization v")
	sealed := sealCBC(t, key, iv, plain)
	h := hmac.New(sha256.New, macKey)
	h.Write(iv)
	h.Write(sealed)
	b64 := base64.StdEncoding.EncodeToString
	return "2." + b64(iv) + "|" + b64(sealed) + "|" + b64(h.Sum(nil))
}

func TestABitwardenFileOfAnotherKindIsNotRead(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another derivation": func(f map[string]any) { f["kdfType"] = 2 },
		"no iterations":      func(f map[string]any) { f["kdfIterations"] = 0 },
		"another type":       func(f map[string]any) { f["data"] = strings.Replace(f["data"].(string), "2.", "0.", 1) },
		"no MAC":             func(f map[string]any) { f["data"] = f["data"].(string)[:strings.LastIndex(f["data"].(string), "|")] },
		"a short vector":     func(f map[string]any) { f["data"] = "2.AAAA|AAAA|AAAA" },
		"broken base64":      func(f map[string]any) { f["data"] = "2.?|?|?" },
		"no data":            func(f map[string]any) { f["data"] = "" },
		"a text as a number": func(f map[string]any) { f["kdfIterations"] = "5000" },
		"the other's data":   func(f map[string]any) { f["data"] = sealBitwarden(t, []byte("{}"), 1)["data"] },
	} {
		file := sealBitwarden(t, toJSON(t, bitwardenList()), 0)
		change(file)
		if c, err := Read(toJSON(t, file), Options{Passphrase: with(testPassphrase)}); err == nil || len(c.Accounts) > 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestAnExportForOneBitwardenAccountSaysWhatToDo(t *testing.T) {
	list := bitwardenList()
	list["encrypted"] = true
	_, err := Read(toJSON(t, list), Options{Passphrase: with(testPassphrase)})
	if err == nil || !strings.Contains(err.Error(), "password protected") {
		t.Error(err)
	}
}

func TestACostlyBitwardenFileAsksForNoPassphrase(t *testing.T) {
	for _, v := range []struct {
		kdf    int
		change map[string]any
	}{
		{0, map[string]any{"kdfIterations": 2_000_001}},
		{0, map[string]any{"kdfIterations": uint64(1) << 63}},
		{1, map[string]any{"kdfMemory": 1025}},
		{1, map[string]any{"kdfMemory": uint64(1) << 60}},
		{1, map[string]any{"kdfMemory": 1024, "kdfIterations": 11}},
		{1, map[string]any{"kdfParallelism": 1 << 20}},
	} {
		file := sealBitwarden(t, nil, v.kdf)
		for key, value := range v.change {
			file[key] = value
		}
		if _, err := Read(toJSON(t, file), Options{Passphrase: func() (string, error) { t.Error("asked"); return "", nil }}); !errors.Is(err, ErrCost) {
			t.Errorf("%v: %v", v.change, err)
		}
	}
}

func TestTheLastRowOfACSVThatMayBeCutSaysSo(t *testing.T) {
	f := bitwardenCSVFixtures(fixture{accounts: []string{""}})[0]
	for _, v := range []struct {
		data string
		note bool
	}{{string(f.data), true}, {string(f.data) + "\n", false}} {
		c, err := Read([]byte(v.data), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range c.Accounts {
			if noted := strings.Contains(strings.Join(a.Notes, ";"), "without a line break"); noted != (v.note && i == len(c.Accounts)-1) {
				t.Errorf("account %d of %d: %q", i+1, len(c.Accounts), a.Notes)
			}
		}
	}
}

func FuzzBitwarden(f *testing.F)    { fuzzRead(f, "bitwarden") }
func FuzzBitwardenCSV(f *testing.F) { fuzzRead(f, "bitwarden-csv") }
