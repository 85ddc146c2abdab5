package exchange

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"totpctl/totp"
)

// googleAccount encodes OtpParameters. Numbers of 0 are not written, as in proto3.
func googleAccount(name, issuer string, algorithm, digits, kind uint64) []byte {
	secret := []byte("12345678901234567890") // testSecret
	b := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), secret)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), name)
	b = protowire.AppendString(protowire.AppendTag(b, 3, protowire.BytesType), issuer)
	for i, n := range []uint64{algorithm, digits, kind} {
		if n != 0 {
			b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(4+i), protowire.VarintType), n)
		}
	}
	return protowire.AppendString(protowire.AppendTag(b, 8, protowire.BytesType), "unique id") // of newer versions
}

func googlePayload(batch, index, size int, accounts ...[]byte) []byte {
	var b []byte
	for _, a := range accounts {
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), a)
	}
	for i, n := range []int{2, size, index, batch} {
		if n != 0 {
			b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(2+i), protowire.VarintType), uint64(n))
		}
	}
	return b
}

func googleURI(payload []byte) string {
	return "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString(payload))
}

func googleFixtures() []fixture {
	first := googleURI(googlePayload(-77, 0, 2, googleAccount("GitHub:alice", "GitHub", 1, 1, 2), googleAccount("counter", "Old", 1, 1, 1), googleAccount("m", "Digest", 4, 1, 2)))
	second := googleURI(googlePayload(-77, 1, 2, googleAccount("böb", "", 3, 2, 2), googleAccount("d", "Unknown", 1, 9, 2)))
	f := fixture{
		file: "google.txt", format: "google", data: []byte(first + "\n" + second + "\n"),
		accounts: []string{
			"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
			"otpauth://totp/b%C3%B6b?secret=" + testSecret + "&algorithm=SHA512&digits=8",
		},
		leftOut: []string{"Old:counter", "Digest:m", "Unknown:d"},
	}
	mixed := f
	mixed.file, mixed.format, mixed.cutUnseen = "mixed.txt", "otpauth", true
	mixed.data = []byte("otpauth://totp/first?secret=" + testSecret + "\n" + first + "\n" + second)
	mixed.accounts = append([]string{"otpauth://totp/first?secret=" + testSecret}, f.accounts...)
	return []fixture{f, mixed}
}

func TestAMigrationURIIsReadHoweverItIsEscaped(t *testing.T) {
	payload := googlePayload(0, 0, 1, googleAccount("alice", "~~>>??ÿ", 1, 1, 2))
	standard := base64.StdEncoding.EncodeToString(payload)
	if !strings.ContainsAny(standard, "+") || !strings.Contains(standard, "/") {
		t.Fatalf("%s has not both characters that need an escape", standard)
	}
	for _, data := range []string{
		standard, url.QueryEscape(standard), url.QueryEscape(url.QueryEscape(standard)), strings.TrimRight(standard, "="),
		base64.URLEncoding.EncodeToString(payload), base64.RawURLEncoding.EncodeToString(payload), strings.ReplaceAll(standard, "+", " "),
		standard + "&more=1",
	} {
		c, err := Read([]byte("OTPAUTH-migration://offline?data="+data), Options{})
		if err != nil || len(c.Accounts) != 1 || len(c.LeftOut) > 0 || c.Accounts[0].Entry.Issuer != "~~>>??ÿ" {
			t.Errorf("%s: %+v, %v", data, c, err)
		}
	}
}

func TestAMissingPartOfABatchIsTold(t *testing.T) {
	parts := make([]string, 3)
	for i := range parts {
		parts[i] = googleURI(googlePayload(5, i, 3, googleAccount(string(rune('a'+i)), "", 1, 1, 2)))
	}
	other := googleURI(googlePayload(6, 0, 2, googleAccount("z", "", 1, 1, 2)))
	c, err := Read([]byte(parts[2]+"\n"+parts[0]+"\n"+other), Options{})
	if err != nil || len(c.Accounts) != 3 || len(c.LeftOut) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if got := c.LeftOut[0].Err.Error() + "; " + c.LeftOut[1].Err.Error(); got != "part 2 of 3 of a batch is missing; part 2 of 2 of a batch is missing" {
		t.Error(got)
	}
	single := make([]Contents, 3)
	for i, p := range parts {
		if single[i], err = Read([]byte(p), Options{}); err != nil || len(single[i].LeftOut) != 1 {
			t.Errorf("%+v, %v", single[i], err)
		}
	}
	if c := Join(single[0], single[2]); len(c.LeftOut) != 1 || len(c.Accounts) != 2 || c.LeftOut[0].Err.Error() != "part 2 of 3 of a batch is missing" {
		t.Errorf("two of three: %+v", c)
	}
	if c := Join(single...); len(c.LeftOut) != 0 || len(c.Accounts) != 3 || c.Format != "google" {
		t.Errorf("all three: %+v", c)
	}
	for _, strange := range [][]byte{googlePayload(5, 1, 1, googleAccount("a", "", 1, 1, 2)), googlePayload(5, 3, 3), googlePayload(0, 0, 0)} { // counted from 1, or not at all
		if c, err := Read([]byte(googleURI(strange)), Options{}); err != nil || len(c.LeftOut) != 0 {
			t.Errorf("a batch that is not counted from 0: %+v, %v", c.LeftOut, err)
		}
	}
	huge := googleURI(googlePayload(5, 7, 1<<31-1, googleAccount("a", "", 1, 1, 2)))
	if c, err := Read([]byte(huge), Options{}); err != nil || len(c.LeftOut) != 1 || len(c.LeftOut[0].Err.Error()) > 100 {
		t.Errorf("a batch of 2³¹-1 parts: %+v, %v", c.LeftOut, err)
	}
}

func TestADamagedMigrationURIIsLeftOutWhole(t *testing.T) {
	payload := googlePayload(1, 0, 1, googleAccount("alice", "", 1, 1, 2), googleAccount("bob", "", 1, 1, 2))
	last := len(payload) - len(googlePayload(1, 0, 1)) - 1
	for _, uri := range []string{"otpauth-migration://offline", "otpauth-migration://offline?data=", "otpauth-migration://offline?data=!!!!", googleURI(payload[:last])} {
		c, err := Read([]byte(uri), Options{})
		if err != nil || len(c.Accounts) > 0 || len(c.LeftOut) != 1 || !errors.Is(c.LeftOut[0].Err, ErrDamaged) {
			t.Errorf("%s: %+v, %v", uri, c, err)
		}
	}
	if _, _, err := ParseURI(googleURI(payload)); err == nil || !strings.Contains(err.Error(), "migration") {
		t.Errorf("as one account: %v", err)
	}
	noKind := googleURI(googlePayload(0, 0, 0, googleAccount("alice", "", 0, 0, 0)))
	if c, err := Read([]byte(noKind), Options{}); err != nil || len(c.Accounts) != 1 || len(c.Accounts[0].Notes) != 1 {
		t.Errorf("without a kind: %+v, %v", c, err)
	}
}

func TestPartsForGoogleAuthenticatorCanBeScanned(t *testing.T) {
	var entries []totp.Entry
	add := func(account string, change func(*totp.Scheme)) {
		s := totp.DefaultScheme()
		change(&s)
		key, err := totp.GenerateKey(s)
		if err != nil {
			t.Fatal(err)
		}
		e, err := totp.NewEntry("GitHub", account, key)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	for range 23 {
		add("alice", func(*totp.Scheme) {})
	}
	add("seven", func(s *totp.Scheme) { s.Digits = 7 })
	add("minute", func(s *totp.Scheme) { s.Period = time.Minute })
	add("steam", func(s *totp.Scheme) { *s = totp.SteamScheme() })
	add(strings.Repeat("漢", totp.MaxName), func(s *totp.Scheme) { s.Digits, s.Algorithm = 8, totp.SHA256 })
	uris, leftOut := GoogleParts(entries, 0)
	for i, u := range uris {
		c, err := Read([]byte(u), Options{})
		if err != nil || len(c.Accounts) > googlePartEntries || len(u) > googlePartBytes && len(c.Accounts) > 1 {
			t.Errorf("part %d has %d bytes and %d accounts, %v", i, len(u), len(c.Accounts), err)
		}
	}
	names := leftOutNames(Contents{LeftOut: leftOut})
	if !slices.Equal(names, []string{"GitHub:seven", "GitHub:minute", "GitHub:steam"}) || leftOut[0].Place != "entry 24" {
		t.Errorf("left out: %+v", leftOut)
	}
	c, err := Read([]byte(strings.Join(uris, "\n")), Options{})
	if err != nil || len(c.Accounts) != 24 || len(c.LeftOut) > 0 || len(uris) < 3 || len(uris) > 8 {
		t.Errorf("%d parts have %d accounts and lack %+v: %v", len(uris), len(c.Accounts), c.LeftOut, err)
	}
}

func FuzzGoogle(f *testing.F) {
	f.Add([]byte(googleURI([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})))
	fuzzRead(f, "google")
}

func FuzzMigrationPayload(f *testing.F) {
	f.Add(googlePayload(1, 0, 2, googleAccount("alice", "GitHub", 1, 1, 2)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var c Contents
		c.addMigration("line 1", googleURI(payload))
		c.leaveOutMissing()
		for _, a := range c.Accounts {
			if _, err := totp.NewEntry(a.Entry.Issuer, a.Entry.Account, a.Entry.Key); err != nil {
				t.Errorf("%v: %v", a.Entry, err)
			}
		}
	})
}

func TestGooglesPartsAreAsSmallAsIsAsked(t *testing.T) {
	var entries []totp.Entry
	for i := range 10 {
		key, err := totp.GenerateKey(totp.DefaultScheme())
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{Issuer: "GitHub", Account: fmt.Sprintf("alice%d", i), Key: key})
	}
	for _, most := range []int{0, 300, 200, 1} {
		uris, leftOut := GoogleParts(entries, most)
		for _, u := range uris {
			if most >= 200 && len(u) > most {
				t.Errorf("a part has %d bytes, want %d at most", len(u), most)
			}
		}
		if most == 1 && len(uris) != len(entries) {
			t.Errorf("there are %d parts, want one for each account", len(uris))
		}
		c, err := Read([]byte(strings.Join(uris, "\n")), Options{})
		if err != nil || len(leftOut) > 0 || len(c.Accounts) != len(entries) || len(c.LeftOut) > 0 {
			t.Errorf("read back: %+v, %v", c, err)
		}
	}
}
