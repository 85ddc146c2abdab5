package totp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSecretsAreReadAsPeoplePasteThem(t *testing.T) {
	const want = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for _, s := range []string{
		want, strings.ToLower(want), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", "gezd-gnbv-gy3t-qojq-gezd-gnbv-gy3t-qojq",
		" " + want + "\n", want + "======",
	} {
		secret, err := ParseSecret(s)
		if err != nil || secret.Base32() != want || secret.Bits() != 160 {
			t.Errorf("ParseSecret(%q): %d bits, %v", s, secret.Bits(), err)
		}
	}
}

func TestAnInvalidSecretIsAnErrorThatDoesNotQuoteIt(t *testing.T) {
	for _, s := range []string{"", " ", "=", "----", "A", "GEZDGNBVGY3TQOJ1", "GEZDGNBV!", "GEZ=DGNB", "ÄÖÜ", "\x00", strings.Repeat("A", 412)} {
		_, err := ParseSecret(s)
		if err == nil {
			t.Errorf("ParseSecret(%q) has no error", s)
		} else if len(s) > 3 && strings.Contains(err.Error(), strings.TrimSpace(s)) {
			t.Errorf("the error quotes the secret: %v", err)
		}
	}
}

func TestABadSecretSaysWhatIsWrongWithIt(t *testing.T) {
	const whole = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	wrong := map[string]string{
		"O, I or L, B?": "GEZDGNBVGY3TQOJ0 GEZDGNBVGY3TQOJ1 GEZDGNBVGY3TQOJ8 GEZDGNBVGY3TQOJ9 gezd-gnbv-gy3t-qoj0",
		"otpauth URI":   "otpauth://totp/ACME:alice?secret=" + whole + " OTPAUTH://totp/alice otpauth-migration://offline?data=" + whole,
		"not base32":    whole + "! " + whole + "é GEZ=DGNB " + whole + "\x00",
	}
	for n := 1; n <= len(whole); n++ { // RFC 4648 section 6: a last group of 8 has 2, 4, 5, 7 or 8 characters
		if rest := n % 8; rest == 1 || rest == 3 || rest == 6 {
			wrong["characters seem to be missing"] += " " + whole[:n] + " " + strings.ToLower(whole[:n]) + "="
		} else if secret, err := ParseSecret(whole[:n]); err != nil || secret.Base32() != whole[:n] && n%8 == 0 || secret.Bits() != n*5/8*8 {
			t.Errorf("%d characters: %d bits, %v", n, secret.Bits(), err)
		}
	}
	for want, secrets := range wrong {
		for secret := range strings.FieldsSeq(secrets) {
			_, err := ParseSecret(secret)
			_, uriErr := ParseURI("otpauth://totp/alice?secret=" + url.QueryEscape(secret))
			for _, err := range []error{err, uriErr} {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "GEZ") {
					t.Errorf("%q: %v, want %q and not the secret", secret, err, want)
				}
			}
		}
	}
}

func TestGeneratedSecretsHave160BitsAndDiffer(t *testing.T) {
	a, b := GenerateSecret(), GenerateSecret()
	if a.Bits() != 160 || a.Base32() == b.Base32() {
		t.Errorf("%d bits, equal: %v", a.Bits(), a.Base32() == b.Base32())
	}
}

func TestNewKeyRefusesWhatNoKeyMayBe(t *testing.T) {
	secret, valid := seed(t, 20), DefaultScheme()
	for name, s := range map[string]Scheme{
		"no algorithm":          {0, 6, time.Minute, false},
		"algorithm 4":           {4, 6, time.Minute, false},
		"5 digits":              {SHA1, 5, time.Minute, false},
		"9 digits":              {SHA1, 9, time.Minute, false},
		"period 0":              {SHA1, 6, 0, false},
		"negative period":       {SHA1, 6, -30 * time.Second, false},
		"half seconds":          {SHA1, 6, 1500 * time.Millisecond, false},
		"period over a day":     {SHA1, 6, 24*time.Hour + time.Second, false},
		"Steam's with 6 digits": {SHA1, 6, 30 * time.Second, true},
		"Steam's with SHA256":   {SHA256, 5, 30 * time.Second, true},
		"Steam's of a minute":   {SHA1, 5, time.Minute, true},
	} {
		if _, err := NewKey(secret, s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := NewKey(Secret{}, valid); err == nil {
		t.Error("no secret: no error")
	}
}

func TestNewEntryRefusesWhatNoNameMayBe(t *testing.T) {
	k := testKey(t)
	for name, e := range map[string]Entry{
		"no account":            {"", "", k},
		"account too long":      {"", strings.Repeat("é", 129), k},
		"account with newline":  {"", "a\nb", k},
		"account with override": {"", "a\u202eb", k},
		"account not UTF-8":     {"", "a\xff", k},
		"space at the end":      {"", "a ", k},
		"issuer with NUL":       {"a\x00", "a", k},
	} {
		if _, err := NewEntry(e.Issuer, e.Account, e.Key); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, name := range []string{`"><script>`, strings.Repeat("é", 128), "עברית\u200f", "👩‍💻", "a:b&c+d%e/f"} {
		if _, err := NewEntry(name, name, k); err != nil {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func TestKeysAreEqualThatMakeTheSameCodes(t *testing.T) {
	k := testKey(t)
	if !k.Equal(newKey(t, seed(t, 20), DefaultScheme())) || !(Key{}).Equal(Key{}) {
		t.Error("a key is not equal to itself")
	}
	for _, other := range []Key{{}, newKey(t, seed(t, 21), DefaultScheme()), newKey(t, seed(t, 20), Scheme{SHA1, 6, time.Minute, false})} {
		if k.Equal(other) || other.Equal(k) {
			t.Errorf("%v is equal to %v", other, k)
		}
	}
}

// holder has a Key and a Secret where fmt does not ask their methods.
type holder struct {
	key    Key
	secret Secret
	Key    *Key
}

func TestNothingShowsTheSecret(t *testing.T) {
	k := testKey(t)
	raw := k.Secret().Bytes()
	var shown bytes.Buffer
	for _, value := range []any{k, &k, k.Secret(), Entry{"issuer", "account", k}, &Entry{"issuer", "account", k}, holder{k, k.Secret(), &k}, &holder{k, k.Secret(), &k}, []Key{k}, map[string]Key{"k": k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&shown, verb+"\n", value)
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Errorf("marshalling %T: %v", value, err)
		}
		shown.Write(text)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("log", "value", value)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("log", "value", value)
	}
	if !strings.Contains(shown.String(), redacted) {
		t.Error("nothing says [redacted]")
	}
	for form, secret := range map[string]string{
		"base32": k.Secret().Base32(), "raw": string(raw), "hex": hex.EncodeToString(raw),
		"bytes": strings.Trim(fmt.Sprint(raw), "[]"), "Go syntax": strings.Trim(fmt.Sprintf("%#v", raw), "[]byte{}"),
	} {
		if strings.Contains(strings.ToLower(shown.String()), strings.ToLower(secret)) {
			t.Errorf("the secret is shown in %s", form)
		}
	}
}

func TestTheBytesHandedOutAreACopy(t *testing.T) {
	k := testKey(t)
	before, _ := k.Code(time.Unix(59, 0))
	clear(k.Secret().Bytes())
	raw := []byte("12345678901234567890")
	s, _ := NewSecret(raw)
	clear(raw)
	if after, _ := k.Code(time.Unix(59, 0)); after != before || s.Base32() != k.Secret().Base32() {
		t.Error("a caller changed a key")
	}
}

func TestASecretThatEndsWithinAByteSaysSo(t *testing.T) {
	for text, want := range map[string]bool{"GEZDGNBV": false, "GEZDGNA": false, "GEZDGNB": true, "gezdgnb=": true, "GE": false, "GF": true, "GEZA": false, "GEZB": true} {
		if s, err := ParseSecret(text); err != nil || s.EndsWithinByte() != want {
			t.Errorf("%s: %v, %v, want %v", text, s.EndsWithinByte(), err, want)
		}
	}
	if (Secret{}).EndsWithinByte() || GenerateSecret().EndsWithinByte() {
		t.Error("the zero Secret or a generated one ends within a byte")
	}
}
