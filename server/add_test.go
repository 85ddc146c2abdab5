package server_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

const broughtSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func keyOf(t *testing.T, uri string) totp.Key {
	t.Helper()
	e, err := totp.ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return e.Key
}

func TestABroughtSecretMakesAnActiveAccount(t *testing.T) {
	for body, want := range map[string]struct{ name, uri string }{
		`{"account":"alice","secret":"gezd gnbv gy3t qojq gezd gnbv gy3t qojq"}`: {"alice", "otpauth://totp/alice?secret=" + broughtSecret},
		`{"account":"bob","uri":"otpauth://totp/GitHub:alice?secret=` + broughtSecret + `&digits=8&algorithm=SHA256"}`: {
			"bob", "otpauth://totp/alice?secret=" + broughtSecret + "&digits=8&algorithm=SHA256"},
		`{"uri":"otpauth://totp/GitHub:carol?secret=` + broughtSecret + `"}`: {"GitHub:carol", "otpauth://totp/carol?secret=" + broughtSecret},
		`{"uri":"otpauth://totp/dave?secret=` + broughtSecret + `"}`:         {"dave", "otpauth://totp/dave?secret=" + broughtSecret},
	} {
		f := newFixture(t)
		r := f.admin("POST", "/accounts", body)
		a := read[api.Account](t, r, 201)
		if a.Account != want.name || a.Status != "active" || a.RecoveryCodes != 0 || strings.Contains(r.text, "GEZD") || strings.Contains(r.text, "warnings") {
			t.Errorf("%s: %s", body, r.text)
		}
		if got := f.admin("GET", "/accounts/"+url.PathEscape(want.name), ""); got.text != r.text {
			t.Errorf("%s is answered with %s, and GET with %s", body, r.text, got.text)
		}
		check, _ := json.Marshal(map[string]string{"account": want.name, "code": f.CodeOf(keyOf(t, want.uri))})
		f.post(string(check)).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
		f.post(string(check)).want(t, 200, `{"status":false,"reason":"replayed"}`)
		again := f.admin("POST", "/accounts", body)
		again.wantCode(t, 409, "account_exists")
	}
}

// Many services give out 80 bits.
func TestAShortBroughtSecretIsTakenWithAWarning(t *testing.T) {
	f := newFixture(t)
	for name, want := range map[string]struct {
		secret   string
		warnings int
	}{"short": {"GEZDGNBVGY3TQOJQ", 1}, "cut": {broughtSecret + "B7", 1}, "both": {"GEZDGNBVGZ", 2}, "right": {broughtSecret, 0}} {
		r := f.admin("POST", "/accounts", fmt.Sprintf(`{"account":%q,"secret":%q}`, name, want.secret))
		if a := read[api.ActiveAccount](t, r, 201); len(a.Warnings) != want.warnings || a.Status != "active" {
			t.Errorf("%s: %s, want %d warnings", name, r.text, want.warnings)
		}
	}
}

func TestABroughtSecretIsReadStrictly(t *testing.T) {
	f := newFixture(t)
	uri := "otpauth://totp/GitHub:alice?secret=" + broughtSecret
	for body, code := range map[string]string{
		`{"account":"a","secret":"` + broughtSecret + `","uri":"` + uri + `"}`:  "bad_request",
		`{"account":"a","secret":""}`:                                           "bad_request",
		`{"account":"a","secret":null}`:                                         "bad_request",
		`{"account":"a","secret":"TELLNOBODY1"}`:                                "bad_request",
		`{"account":"a","secret":"TELLNOBODYA"}`:                                "bad_request",
		`{"account":"a","secret":"` + uri + `"}`:                                "bad_request",
		`{"account":"a","uri":""}`:                                              "bad_request",
		`{"account":"a","uri":"` + uri + `&issuer=Other"}`:                      "bad_request",
		`{"account":"a","uri":"` + uri + `&encoder=steam"}`:                     "bad_request",
		`{"account":"a","uri":"otpauth://hotp/a?secret=` + broughtSecret + `"}`: "bad_request",
		`{"account":"a","uri":"` + uri + `&algorithm=STEAM"}`:                   "bad_request",
		`{"account":"a","uri":"` + uri + `","digits":"6"}`:                      "bad_request",
		`{"secret":"` + broughtSecret + `"}`:                                    "bad_account",
		`{"account":"","uri":"` + uri + `"}`:                                    "bad_account",
		`{"account":"a:b:c","uri":"` + uri + `"}`:                               "bad_account",
		`{"account":"..","secret":"` + broughtSecret + `"}`:                     "bad_account",
		`{"uri":"otpauth://totp/%2E%2E?secret=` + broughtSecret + `"}`:          "bad_account",
		`{"account":"a","secret":"` + strings.Repeat("GEZDGNBV", 600) + `"}`:    "too_large",
		`{"account":"a","secret":"` + strings.Repeat("GEZDGNBV", 100) + `"}`:    "bad_request",
	} {
		status := map[string]int{"too_large": 413}[code]
		if status == 0 {
			status = 400
		}
		r := f.admin("POST", "/accounts", body)
		r.wantCode(t, status, code)
		if strings.Contains(r.text, "GEZD") || strings.Contains(r.text, "TELL") {
			t.Errorf("%s: the error quotes the secret: %s", body, r.text)
		}
	}
	if page := read[api.Page](t, f.admin("GET", "/accounts", ""), 200); len(page.Accounts) != 1 || !page.Accounts[0].Default {
		t.Errorf("accounts were made: %+v", page)
	}
	f.do("POST", "/accounts", checkBearer, `{"account":"a","secret":"`+broughtSecret+`"}`).wantError(t, 403)
	f.do("POST", "/accounts", "", `{"account":"a","secret":"`+broughtSecret+`"}`).wantError(t, 401)
}

// A key of Steam comes by an import alone. Nothing that a verifier says of it is good.
func TestAnAccountOfSteamIsNeverVerified(t *testing.T) {
	f := newFixture(t)
	k, err := totp.GenerateKey(totp.SteamScheme())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Verifier.AddActive(t.Context(), verifier.NewAccount{Name: "gamer", Entry: totp.Entry{Account: "gamer", Key: k}}); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{f.CodeOf(k), "12345", "123456"} {
		f.post(fmt.Sprintf(`{"account":"gamer","code":%q}`, code)).want(t, 200, `{"status":false,"reason":"malformed"}`)
	}
	f.admin("POST", "/accounts/gamer/recovery-codes", "").wantCode(t, 400, "bad_request")
	f.admin("POST", "/accounts/gamer/confirm", fmt.Sprintf(`{"code":%q}`, f.CodeOf(k))).wantCode(t, 409, "not_pending")
}
