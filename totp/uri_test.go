package totp

import (
	"strings"
	"testing"
	"time"
)

func testEntry(t testing.TB) Entry { return Entry{"TOTP Example", "gonzalo123.com", testKey(t)} }

func TestURIIsThePrototypes(t *testing.T) {
	const want = "otpauth://totp/TOTP%20Example:gonzalo123.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=TOTP%20Example"
	if got := testEntry(t).URI(); got != want {
		t.Errorf("URI is\n%s, want\n%s", got, want)
	}
}

func TestURINamesWhatIsNotTheDefault(t *testing.T) {
	e := Entry{"", "a:b", newKey(t, seed(t, 20), Scheme{SHA512, 8, time.Minute, false})}
	const want = "otpauth://totp/a%3ab?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA512&digits=8&period=60"
	if got := e.URI(); got != want {
		t.Errorf("URI is\n%s, want\n%s", got, want)
	}
}

// hardNames are what other URI writers get wrong.
var hardNames = []string{
	"a", "TOTP Example", "a:b", ":", "%3A", "%3a", "a&b", "a+b", "100%", "%2B", "a/b", "a?b#c", "a=b", "é ü", "名前", "👩‍💻", "עברית\u200f",
	`"><script>`, "a@b.example", "~-._", "a;b", "a%20b", "TOTP Example:x",
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, issuer := range append(hardNames, "") {
		for _, account := range hardNames {
			e, err := NewEntry(issuer, account, testKey(t))
			if err != nil {
				t.Fatal(err)
			}
			back, err := ParseURI(e.URI())
			if err != nil || !same(e, back) {
				t.Errorf("issuer %q, account %q: %s is read as %v, %v", issuer, account, e.URI(), back, err)
			}
		}
	}
}

func same(a, b Entry) bool {
	return a.Issuer == b.Issuer && a.Account == b.Account && a.Key.Equal(b.Key)
}

func TestOtherWritersURIsAreRead(t *testing.T) {
	const s = "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for _, v := range []struct{ uri, issuer, account string }{
		{"otpauth://totp/alice?" + s, "", "alice"},
		{"otpauth://totp/ACME:alice?" + s, "ACME", "alice"},
		{"otpauth://totp/ACME%3Aalice?" + s, "ACME", "alice"},
		{"otpauth://totp/ACME%3Aalice?" + s + "&issuer=ACME", "ACME", "alice"},
		{"otpauth://totp/ACME%3aalice?" + s + "&issuer=ACME", "ACME", "alice"},
		{"otpauth://totp/ACME:%20alice?" + s + "&issuer=ACME", "ACME", "alice"},
		{"otpauth://totp/alice?issuer=ACME&" + s, "ACME", "alice"},
		{"OTPAUTH://TOTP/alice@example.com?" + s + "&issuer=A+B&algorithm=sha1&digits=6&period=30&image=x", "A B", "alice@example.com"},
		{"otpauth://totp/alice?secret=gezd%20gnbvgy3tqojqgezdgnbvgy3tqojq", "", "alice"},
	} {
		e, err := ParseURI(v.uri)
		if err != nil || e.Issuer != v.issuer || e.Account != v.account {
			t.Errorf("%s: issuer %q, account %q, %v, want %q, %q", v.uri, e.Issuer, e.Account, err, v.issuer, v.account)
		}
	}
}

func TestNothingInAURIIsGuessed(t *testing.T) {
	const s = "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for _, uri := range []string{
		"", "otpauth", "https://totp/alice?" + s, "otpauth://hotp/alice?counter=0&" + s, "otpauth:totp/alice?" + s,
		"otpauth://totp/?" + s, "otpauth://totp/alice", "otpauth://totp/alice?secret=", "otpauth://totp/alice?secret=1",
		"otpauth://totp/alice?" + s + "&" + s, "otpauth://totp/alice?" + s + "&digits=6&digits=8",
		"otpauth://totp/alice?" + s + "&algorithm=MD5", "otpauth://totp/alice?" + s + "&algorithm=",
		"otpauth://totp/alice?" + s + "&algorithm=SHA-1", "otpauth://totp/alice?" + s + "&digits=5",
		"otpauth://totp/alice?" + s + "&digits=9", "otpauth://totp/alice?" + s + "&digits=06", "otpauth://totp/alice?" + s + "&digits=%2B6",
		"otpauth://totp/alice?" + s + "&period=0", "otpauth://totp/alice?" + s + "&period=-30", "otpauth://totp/alice?" + s + "&period=30s",
		"otpauth://totp/alice?" + s + "&period=99999999999999999999", "otpauth://totp/alice?" + s + "&period=",
		"otpauth://totp/ACME:alice?" + s + "&issuer=Other", "otpauth://totp/ACME:alice?" + s + "&issuer=",
		"otpauth://totp/%zz?" + s, "otpauth://totp/a%zz:b?" + s, "otpauth://totp/alice?" + s + "&issuer=%zz", "otpauth://totp/a/b?" + s,
		"otpauth://totp/alice?" + s + "#x", "otpauth://totp/alice?" + s + "&encoder=steam", "otpauth://totp/a%00?" + s,
		"otpauth://totp/alice?" + s + ";digits=8", "otpauth://totp/alice?" + s + "&issuer=\xff",
	} {
		e, err := ParseURI(uri)
		if err == nil {
			t.Errorf("%q is read as %v", uri, e)
		} else if strings.Contains(err.Error(), "GEZD") {
			t.Errorf("the error quotes the secret: %v", err)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("otpauth://totp/TOTP%20Example:gonzalo123.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=TOTP%20Example")
	f.Add("otpauth://totp/a%3ab?secret=GEZDGNBV&issuer=a:b&algorithm=SHA256&digits=8&period=60")
	f.Fuzz(func(t *testing.T, uri string) {
		e, err := ParseURI(uri)
		if err != nil {
			return
		}
		back, err := ParseURI(e.URI())
		if err != nil || !same(e, back) {
			t.Errorf("%q is read as %v, written as %q, read as %v, %v", uri, e, e.URI(), back, err)
		}
		if code, err := e.Key.Code(time.Unix(59, 0)); err != nil || !e.Key.IsCode(code) {
			t.Errorf("%q makes code %q, %v", uri, code, err)
		}
	})
}

func FuzzWriteThenRead(f *testing.F) {
	for _, name := range hardNames {
		f.Add(name, name, []byte("12345678901234567890"), 1, 6, 30)
	}
	f.Fuzz(func(t *testing.T, issuer, account string, raw []byte, algorithm, digits, period int) {
		secret, err := NewSecret(raw)
		if err != nil {
			return
		}
		k, err := NewKey(secret, Scheme{Algorithm(algorithm), digits, time.Duration(period) * time.Second, false})
		if err != nil {
			return
		}
		e, err := NewEntry(issuer, account, k)
		if err != nil {
			return
		}
		back, err := ParseURI(e.URI())
		if err != nil || !same(e, back) {
			t.Errorf("%v is written as %q and read as %v, %v", e, e.URI(), back, err)
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add("gezd gnbv-gy3t")
	f.Fuzz(func(t *testing.T, s string) {
		secret, err := ParseSecret(s)
		if err != nil {
			return
		}
		back, err := ParseSecret(secret.Base32())
		if err != nil || back.Base32() != secret.Base32() {
			t.Errorf("%q is read as %q and that as %q, %v", s, secret.Base32(), back.Base32(), err)
		}
	})
}
