package exchange

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func onePasswordItems() (items []any) {
	item := func(state, title, user string, otps ...string) map[string]any {
		fields := []any{map[string]any{"title": "PIN", "id": "a", "value": map[string]any{"concealed": "1234"}}}
		for _, otp := range otps {
			fields = append(fields, map[string]any{
				"title": "one-time password", "id": "TOTP_1", "value": map[string]any{"totp": otp}, "guarded": false, "multiline": false,
				"inputTraits": map[string]any{"keyboard": "default", "correction": "default", "capitalization": "default"},
			})
		}
		fields = append(fields, map[string]any{"title": "odd", "id": "b", "value": "no object"})
		return map[string]any{
			"uuid": "fkruyzrldizuqlnavfj3tltfei", "favIndex": 1, "createdAt": 1614298956, "updatedAt": 1635346445, "state": state, "categoryUuid": "001",
			"details": map[string]any{
				"loginFields": []any{
					map[string]any{"value": user, "id": "", "name": "username", "fieldType": "T", "designation": "username"},
					map[string]any{"value": "p", "id": "", "name": "password", "fieldType": "P", "designation": "password"},
				},
				"notesPlain": "", "sections": []any{map[string]any{"title": "Security", "name": "x", "fields": fields}},
			},
			"overview": map[string]any{"title": title, "url": "https://example.com", "tags": []string{"t"}},
		}
	}
	first := item("", "First version", "v1", testSecret) // of the format
	delete(first, "state")
	first["trashed"] = false
	trashed := item("", "Gone", "eve", testSecret)
	trashed["trashed"] = true
	withForm := item("active", "Form", "fay")
	form := withForm["details"].(map[string]any)
	form["loginFields"] = append(form["loginFields"].([]any), map[string]any{"value": "otpauth://totp/fay?secret=" + testSecret, "name": "otp", "fieldType": "T"})
	return []any{
		item("active", "GitHub", "alice", "otpauth://totp/GitHub:alice@example.com?secret="+testSecret+"&issuer=GitHub"),
		item("active", "No code", "carol"),
		item("archived", "Bank", "bob", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"),
		map[string]any{"item": first, "file": map[string]any{}},
		map[string]any{"item": trashed},
		withForm,
		item("active", "Two", "tim", "otpauth://totp/one?secret="+testSecret+"&issuer=One", "otpauth://hotp/two?secret="+testSecret),
	}
}

func zipped(t testing.TB, name string, write func(io.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, n := range []string{"export.attributes", name, "files/document.txt"} {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		if n == name {
			write(w)
		} else {
			io.WriteString(w, `{"version": 3, "description": "1Password Unencrypted Export", "createdAt": 1585333569}`)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func onePasswordFixtures(t testing.TB) []fixture {
	items := onePasswordItems()
	vault := func(items ...any) map[string]any {
		return map[string]any{"attrs": map[string]any{"uuid": "v", "name": "Personal"}, "items": items}
	}
	data := toJSON(t, map[string]any{"accounts": []any{
		map[string]any{"attrs": map[string]any{"accountName": "Alice"}, "vaults": []any{vault(items[:3]...), vault(items[3:]...)}},
	}})
	return []fixture{{
		file: "export.1pux", format: "1pux", data: zipped(t, "export.data", func(w io.Writer) { w.Write(data) }),
		accounts: []string{
			"otpauth://totp/GitHub:alice%40example.com?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/Bank:bob?secret=" + testSecret + "&issuer=Bank",
			"otpauth://totp/First%20version:v1?secret=" + testSecret + "&issuer=First%20version",
			"otpauth://totp/Form:fay?secret=" + testSecret + "&issuer=Form",
			"otpauth://totp/One:one?secret=" + testSecret + "&issuer=One",
		},
		leftOut: []string{"Gone:eve", "Two:two"},
	}}
}

func TestWhatIsArchivedIn1PasswordIsToldSo(t *testing.T) {
	c, err := Read(onePasswordFixtures(t)[0].data, Options{})
	if err != nil || len(c.Accounts) < 2 || strings.Join(c.Accounts[1].Notes, "") != "it is archived in 1Password" || c.Accounts[1].Place != "item 3" {
		t.Errorf("%+v, %v", c.Accounts, err)
	}
}

func TestAZipBombTakesLittleMemory(t *testing.T) {
	const items = `{"accounts":[{"vaults":[{"items":[`
	fill := func(begin, repeated string, mebibytes int) []byte {
		return zipped(t, "export.data", func(w io.Writer) {
			io.WriteString(w, begin)
			block := []byte(strings.Repeat(repeated, 1<<20/len(repeated)))
			for range mebibytes {
				w.Write(block)
			}
		})
	}
	for name, data := range map[string][]byte{
		"spaces":           fill(items, " ", 66),
		"a string":         fill(`{"accounts":"`, "a", 66),
		"arrays":           fill(items, "[", 1),
		"arrays elsewhere": fill(`{"other":`, "[", 1),
		"objects":          fill(items, `{"a":`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c, err := Read(data, Options{})
			runtime.ReadMemStats(&after)
			if err == nil || len(c.Accounts) > 0 {
				t.Errorf("%+v", c)
			}
			n := (int64(after.HeapSys) - int64(before.HeapSys)) >> 20
			if n > 512 {
				t.Errorf("takes %d MiB", n)
			}
			t.Logf("%d bytes of file, %d MiB of heap: %v", len(data), n, err)
		})
	}
}

func TestADamagedArchiveIsNotRead(t *testing.T) {
	whole := onePasswordFixtures(t)[0].data
	other := zipped(t, "import.data", func(w io.Writer) { io.WriteString(w, "export.data") })
	changed := bytes.Clone(whole)
	for i := range 100 {
		changed[len(whole)/3+i] ^= 0xff
	}
	for name, data := range map[string][]byte{"of another program": other, "changed": changed, "cut": whole[:len(whole)-1]} {
		if c, err := Read(data, Options{Format: "1pux"}); !errors.Is(err, ErrDamaged) || len(c.Accounts) > 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func Fuzz1Password(f *testing.F) { fuzzRead(f, "1pux") }
