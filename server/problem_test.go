package server_test

import (
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"totpctl/server"
	"totpctl/server/servertest"
)

func TestEveryErrorHasTheCodeThatTheManualPromises(t *testing.T) {
	text, err := os.ReadFile("../cmd/manual/api.md")
	if err != nil {
		t.Fatal(err)
	}
	promised := map[string]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([45]\\d\\d) \\|").FindAllStringSubmatch(string(text), -1) {
		promised[row[1]], _ = strconv.Atoi(row[2])
	}
	if got := server.Codes(); !maps.Equal(got, promised) {
		t.Errorf("codes are %v\nand the manual has %v", got, promised)
	}
}

func TestEveryCodeIsGivenWhereItIsMeant(t *testing.T) {
	t.Parallel() // timeout takes as long as a request may
	f := newFixture(t)
	addr := f.listen(nil)
	f.admin("POST", "/accounts", `{"account":"pending"}`)
	f.Enrol("alice")
	f.Enrol("rekeyed")
	f.admin("POST", "/accounts/rekeyed/rekey", "")
	given := map[string]func() reply{
		"bad_request":        func() reply { return f.post(`{}`) },
		"bad_account":        func() reply { return f.post(`{"code":"123456","account":"alice "}`) },
		"unauthorized":       func() reply { return f.do("POST", "/check", "wrong", `{"code":"123456"}`) },
		"forbidden":          func() reply { return f.do("GET", "/accounts", checkBearer, "") },
		"no_route":           func() reply { return f.do("GET", "/nothing", checkBearer, "") },
		"no_account":         func() reply { return f.post(`{"code":"123456","account":"nobody"}`) },
		"method_not_allowed": func() reply { return f.do("DELETE", "/check", checkBearer, "") },
		"timeout": func() reply {
			answer, text, err := f.raw(addr, f.head("/check", "Content-Length: 1"), true)
			if err != nil {
				t.Fatal(err)
			}
			return reply{answer.StatusCode, answer.Header, text}
		},
		"account_exists": func() reply { return f.admin("POST", "/accounts", `{"account":"alice"}`) },
		"not_pending":    func() reply { return f.admin("POST", "/accounts/alice/confirm", `{"code":"123456"}`) },
		"not_confirmed":  func() reply { return f.admin("POST", "/accounts/pending/recovery-codes", "") },
		"key_pending":    func() reply { return f.admin("POST", "/accounts/rekeyed/recovery-codes", `{"link":true}`) },
		"no_links":       func() reply { return linkWithoutAddress(f) },
		"too_large":      func() reply { return f.post(strings.Repeat("1", 5000)) },
		"no_audit": func() reply {
			return newFixture(t, servertest.Options{Witness: &witness{err: errAudit}}).post(`{"code":"123456"}`)
		},
		"no_encryption_key": func() reply { return addWithoutKey(t) },
		"unavailable":       func() reply { f.Store.Close(); return f.post(`{"code":"123456"}`) },
	}
	for code, status := range server.Codes() {
		give, ok := given[code]
		switch {
		case code == "internal" || code == "unavailable": // cannot be given, and ends the rest
		case !ok:
			t.Errorf("no request here gets %s", code)
		default:
			give().wantCode(t, status, code)
		}
	}
	given["unavailable"]().wantCode(t, 503, "unavailable")
}

// "Not enrolled" must not be what a mistyped or hostile name gets: an application
// may let in who has not enrolled.
func TestANameThatNoAccountCanHaveIs400OnEveryRoute(t *testing.T) {
	f := newFixture(t)
	f.Enrol("alice")
	for what, name := range map[string]string{
		"a space at the end": "alice%20", "NUL": "alice%00", "too long": strings.Repeat("a", 129), "a path": "%2E", "another": "%2e%2e",
		"a line": "alice%0a", "not UTF-8": "%ff", "our own": "%01default", "nothing": "%20",
	} {
		for _, route := range []string{"GET /check/123456?account=", "GET /accounts/", "DELETE /accounts/", "POST /accounts/*/confirm", "POST /accounts/*/rekey",
			"POST /accounts/*/recovery-codes", "POST /accounts/*/unlock", "POST /accounts/*/disable"} {
			method, path, _ := strings.Cut(route, " ")
			body := ""
			if strings.HasSuffix(path, "confirm") {
				body = `{"code":"123456"}`
			}
			if !strings.Contains(path, "*") {
				path += "*"
			}
			r := f.admin(method, strings.Replace(path, "*", name, 1), body)
			if r.wantCode(t, 400, "bad_account"); t.Failed() {
				t.Fatalf("%s of %s", route, what)
			}
		}
	}
	for _, body := range []string{`{"account":"alice ","code":"1"}`, `{"account":"alice\u0000","code":"1"}`, `{"account":"..","code":"1"}`,
		`{"account":"alice ","recovery_code":"1"}`} {
		f.post(body).wantCode(t, 400, "bad_account")
	}
	f.admin("POST", "/accounts", `{"account":"alice "}`).wantCode(t, 400, "bad_account")
}

// addWithoutKey adds an account where no ENCRYPTION_KEY is set.
func addWithoutKey(t *testing.T) reply {
	t.Helper()
	r := httptest.NewRequest("POST", "/accounts", strings.NewReader(`{"account":"alice"}`))
	answer := ask(newFixture(t, servertest.Options{NoEncryptionKey: true}), r, "Authorization", "Bearer "+adminBearer)
	return reply{answer.StatusCode, answer.Header, body(t, answer.Body)}
}

// linkWithoutAddress asks a server for a link that would show codes in the clear.
func linkWithoutAddress(f *fixture) reply {
	r := httptest.NewRequest("POST", "http://totp.example.com/accounts/alice/recovery-codes", strings.NewReader(`{"link":true}`))
	r.Header.Set("Authorization", "Bearer "+adminBearer)
	w := httptest.NewRecorder()
	f.Another("http://totp.example.com", nil).ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}
