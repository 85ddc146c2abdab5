package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/server/api"
	"totpctl/totp"
)

func (f *fixture) admin(method, path, body string) reply {
	f.t.Helper()
	return f.do(method, path, adminBearer, body)
}

func read[T any](t testing.TB, r reply, status int) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.text), &v); err != nil || r.status != status {
		t.Fatalf("answer is %d %s, want %d", r.status, r.text, status)
	}
	return v
}

// enrolOverHTTP is Enrol over HTTP.
func (f *fixture) enrolOverHTTP(name string) (totp.Key, []string) {
	f.t.Helper()
	body, _ := json.Marshal(map[string]string{"account": name})
	e := read[api.Enrolment](f.t, f.admin("POST", "/accounts", string(body)), 201)
	scanned, err := totp.ParseURI(e.URI)
	if err != nil || scanned.Account != name || scanned.Issuer != "TOTP Example" || !strings.HasPrefix(e.QR, "<svg ") {
		f.t.Fatalf("enrolment %+v, %v", e, err)
	}
	return scanned.Key, f.confirm(name, scanned.Key)
}

func (f *fixture) confirm(name string, k totp.Key) []string {
	f.t.Helper()
	path := "/accounts/" + strings.ReplaceAll(strings.ReplaceAll(name, "%", "%25"), "/", "%2F") + "/confirm"
	c := read[api.Verdict](f.t, f.admin("POST", path, fmt.Sprintf(`{"code":%q}`, f.CodeOf(k))), 200)
	if !c.Status || len(c.Recovery) != 10 {
		f.t.Fatalf("confirmation %+v", c)
	}
	return c.Recovery
}

func TestAnAccountsLifeOverHTTP(t *testing.T) {
	f := newFixture(t)
	lost := read[api.Enrolment](t, f.admin("POST", "/accounts", `{"account":"alice"}`), 201)
	if again := read[api.Enrolment](t, f.admin("POST", "/accounts", `{"account":"alice"}`), 201); again.EnrolURL == lost.EnrolURL || again.URI == lost.URI {
		t.Error("an account whose link nobody has opened gets neither another link nor another secret")
	}
	if told := read[api.Account](t, f.admin("GET", "/accounts/alice", ""), 200); told.LinkOpened == nil || *told.LinkOpened {
		t.Errorf("GET tells %+v, want a link that nobody has opened", told)
	}
	f.post(`{"account":"alice","code":"123456"}`).want(t, 200, `{"status":false,"reason":"pending"}`)
	f.admin("DELETE", "/accounts/alice", "").want(t, 204, "")
	f.admin("POST", "/accounts/alice/confirm", `{"code":"123456"}`).wantError(t, 404)
	k, codes := f.enrolOverHTTP("alice")
	f.admin("POST", "/accounts", `{"account":"alice"}`).wantError(t, 409)
	f.admin("POST", "/accounts/alice/confirm", `{"code":"123456"}`).wantError(t, 409)
	f.Clock.Advance(30 * time.Second)
	check := func(code string) reply { return f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, code)) }
	check(f.CodeOf(k)).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	f.post(fmt.Sprintf(`{"account":"alice","recovery_code":%q}`, codes[0])).want(t, 200, `{"status":true,"recovery_codes_left":9}`)
	f.post(fmt.Sprintf(`{"account":"alice","recovery_code":%q}`, codes[0])).want(t, 200, `{"status":false,"reason":"invalid"}`)
	f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, codes[1])).want(t, 200, `{"status":false,"reason":"malformed"}`)
	if r := f.admin("POST", "/accounts/alice/disable", ""); !strings.Contains(r.text, `"status":"disabled"`) {
		t.Errorf("disable: %d %s", r.status, r.text)
	}
	f.Clock.Advance(30 * time.Second)
	check(f.CodeOf(k)).want(t, 200, `{"status":false,"reason":"disabled"}`)
	if r := f.admin("POST", "/accounts/alice/unlock", "{}"); !strings.Contains(r.text, `"status":"active"`) {
		t.Errorf("unlock: %d %s", r.status, r.text)
	}
	check(f.CodeOf(k)).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	e := read[api.Enrolment](t, f.admin("POST", "/accounts/alice/rekey", ""), 200)
	if e.EnrolURL == "" || !strings.HasPrefix(e.EnrolURL, f.URL+"/enrol/") {
		t.Errorf("enrolment link is %q", e.EnrolURL)
	}
	fresh := read[api.RecoveryCodes](t, f.admin("POST", "/accounts/alice/recovery-codes", ""), 200)
	if len(fresh.Codes) != 10 || fresh.Codes[0] == codes[0] {
		t.Errorf("fresh recovery codes %q", fresh.Codes)
	}
	f.admin("DELETE", "/accounts/alice", "").want(t, 204, "")
	f.admin("DELETE", "/accounts/alice", "").wantError(t, 404)
}

// A wait that is remembered in memory must not outlive what an administrator does.
func TestWhatAnAdministratorDoesHoldsAtOnce(t *testing.T) {
	f := newFixture(t)
	k, _ := f.Enrol("alice")
	f.Clock.Advance(30 * time.Second)
	throttle := func() {
		for range 3 {
			f.post(`{"account":"alice","code":"` + f.WrongCodeOf(k) + `"}`)
		}
		if r := f.post(`{"account":"alice","code":"000000"}`); r.status != 429 {
			t.Fatalf("after three wrong codes: %d %s", r.status, r.text)
		}
	}
	good := func() reply { return f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, f.CodeOf(k))) }
	throttle()
	f.admin("POST", "/accounts/alice/unlock", "")
	good().want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	throttle()
	f.admin("POST", "/accounts/alice/disable", "")
	good().want(t, 200, `{"status":false,"reason":"disabled"}`)
	f.admin("POST", "/accounts/alice/unlock", "")
	throttle()
	f.admin("DELETE", "/accounts/alice", "")
	good().wantError(t, 404)
}

// A phone is stolen: its codes must not be good until the new one is set up.
func TestARevokingRekeyStopsTheAccountAtOnce(t *testing.T) {
	f := newFixture(t)
	k, codes := f.Enrol("alice")
	f.admin("POST", "/accounts/alice/rekey", `{"revoke":1}`).wantError(t, 400)
	f.admin("POST", "/accounts/alice/rekey", `{"revoke":"true"}`).wantError(t, 400)
	f.admin("POST", "/accounts/alice/rekey", `{"account":true}`).wantError(t, 400)
	f.admin("POST", "/accounts/alice/rekey", `{"revoke":true}{}`).wantError(t, 400)
	f.Clock.Advance(30 * time.Second)
	e := read[api.Enrolment](t, f.admin("POST", "/accounts/alice/rekey", `{"revoke":false}`), 200)
	f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, f.CodeOf(k))).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	f.Clock.Advance(30 * time.Second)
	e = read[api.Enrolment](t, f.admin("POST", "/accounts/alice/rekey", `{"revoke":true}`), 200)
	stopped := func() reply { return f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, f.CodeOf(k))) }
	stopped().want(t, 200, `{"status":false,"reason":"stopped"}`)
	if r := f.admin("POST", "/accounts/alice/unlock", ""); !strings.Contains(r.text, `"status":"stopped"`) {
		t.Errorf("unlock: %d %s", r.status, r.text)
	}
	stopped().want(t, 200, `{"status":false,"reason":"stopped"}`)
	f.post(fmt.Sprintf(`{"account":"alice","recovery_code":%q}`, codes[0])).want(t, 200, `{"status":true,"recovery_codes_left":9}`)
	fresh, err := totp.ParseURI(e.URI)
	if err != nil {
		t.Fatal(err)
	}
	f.confirm("alice", fresh.Key)
	f.post(fmt.Sprintf(`{"account":"alice","recovery_code":%q}`, codes[1])).want(t, 200, `{"status":false,"reason":"invalid"}`)
}

func TestAConfirmationIsToldAgainForItsIdempotencyKey(t *testing.T) {
	f := newFixture(t)
	e := read[api.Enrolment](t, f.admin("POST", "/accounts", `{"account":"alice"}`), 201)
	k, err := totp.ParseURI(e.URI)
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"code":%q}`, f.CodeOf(k.Key))
	ask := func(key string) reply {
		return f.do("POST", "/accounts/alice/confirm", adminBearer, body, "Idempotency-Key", key)
	}
	one := strings.Repeat("1", 16)
	ask("short").wantError(t, 400)
	first := read[api.Verdict](t, ask(one), 200)
	again := ask(one)
	if second := read[api.Verdict](t, again, 200); !slices.Equal(second.Recovery, first.Recovery) || len(first.Recovery) != 10 || !strings.Contains(again.text, `"repeated":true`) {
		t.Errorf("repeated: %s, want the same %d recovery codes", again.text, len(first.Recovery))
	}
	ask(strings.Repeat("2", 16)).wantError(t, 409)
	f.admin("POST", "/accounts/alice/confirm", body).wantError(t, 409)
	f.Clock.Advance(5 * time.Minute)
	ask(one).wantError(t, 409)
}

func TestAPendingAccountThatWasDisabledIsNotMadeAnew(t *testing.T) {
	f := newFixture(t)
	f.admin("POST", "/accounts", `{"account":"alice"}`)
	f.admin("POST", "/accounts/alice/disable", "")
	f.Clock.Advance(11 * time.Minute)
	f.admin("POST", "/accounts", `{"account":"alice"}`).wantError(t, 409)
	f.admin("POST", "/accounts/alice/unlock", "")
	if r := f.admin("POST", "/accounts", `{"account":"alice"}`); r.status != 201 {
		t.Errorf("after unlock: %d %s", r.status, r.text)
	}
}

func TestWhoMayCheckMayNotManage(t *testing.T) {
	f := newFixture(t)
	f.Enrol("alice")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+adminBearer))
	for _, route := range []string{"GET /accounts", "POST /accounts", "DELETE /accounts/alice", "POST /accounts/alice/confirm",
		"POST /accounts/alice/rekey", "POST /accounts/alice/recovery-codes", "POST /accounts/alice/unlock", "POST /accounts/alice/disable"} {
		method, path, _ := strings.Cut(route, " ")
		f.do(method, path, checkBearer, `{"account":"bob"}`).wantError(t, 403)
		f.do(method, path, "", `{"account":"bob"}`).wantError(t, 401)
		f.do(method, path, "", `{"account":"bob"}`, "Authorization", basic).wantError(t, 401)
	}
}

// An application asks before it decides to ask its user for a code.
func TestWhoMayCheckIsToldTheStatusOfAnAccountAndNothingElse(t *testing.T) {
	f := newFixture(t)
	k, _ := f.Enrol("a/b")
	status := func() reply { return f.do("GET", "/accounts/a%2Fb", checkBearer, "") }
	status().want(t, 200, `{"status":"active"}`)
	for range 3 {
		f.post(`{"account":"a/b","code":"` + f.WrongCodeOf(k) + `"}`)
	}
	status().want(t, 200, `{"status":"waiting"}`)
	f.admin("POST", "/accounts/a%2Fb/disable", "")
	status().want(t, 200, `{"status":"disabled"}`)
	f.admin("POST", "/accounts", `{"account":"pending"}`)
	f.do("GET", "/accounts/pending", "old-"+checkBearer, "").want(t, 200, `{"status":"pending"}`)
	if a := read[api.Account](t, f.admin("GET", "/accounts/a%2Fb", ""), 200); a.Account != "a/b" || a.Failures != 3 {
		t.Errorf("an administrator is told %+v", a)
	}
	for _, bearer := range []string{checkBearer, adminBearer} {
		f.do("GET", "/accounts/nobody", bearer, "").wantCode(t, 404, "no_account")
		f.do("GET", "/accounts/%20", bearer, "").wantCode(t, 400, "bad_account")
	}
	f.do("GET", "/accounts/a%2Fb", "", "").wantCode(t, 401, "unauthorized")
	f.do("HEAD", "/accounts/a%2Fb", checkBearer, "").want(t, 405, "")
}

func TestListsArePagedAndShowNoSecrets(t *testing.T) {
	f := newFixture(t)
	names := []string{"a/b", "alice", "b%2Fc", "é"}
	for _, name := range names {
		k, _ := f.enrolOverHTTP(name)
		if r := f.admin("GET", "/accounts", ""); strings.Contains(r.text, k.Secret().Base32()) {
			t.Errorf("the list shows a secret: %s", r.text)
		}
	}
	var got []string
	for from := ""; ; {
		page := read[api.Page](t, f.admin("GET", "/accounts?limit=3&from="+strings.ReplaceAll(from, "%", "%25"), ""), 200)
		for _, a := range page.Accounts {
			if a.Default != (a.Account == "") {
				t.Errorf("of account %q, default is %v", a.Account, a.Default)
			}
			got = append(got, a.Account)
		}
		if from = page.Next; from == "" {
			break
		}
	}
	if strings.Join(got, " ") != " "+strings.Join(names, " ") {
		t.Errorf("listed %q, want the default account and %q", got, names)
	}
	for path, name := range map[string]string{"a%2Fb": "a/b", "b%252Fc": "b%2Fc", "%C3%A9": "é"} {
		if a := read[api.Account](t, f.admin("GET", "/accounts/"+path, ""), 200); a.Account != name || a.RecoveryCodes != 10 {
			t.Errorf("GET /accounts/%s: %+v", path, a)
		}
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "page=2", "from=%ff", "from=%00",
		"prefix=%ff", "prefix=%00", "prefix=a%0a", "status=", "status=lost", "status=active,pending", "status=active&status=pending"} {
		f.admin("GET", "/accounts?"+query, "").wantError(t, 400)
	}
}

func TestListsTakeAPrefixAndAStatus(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"alice", "alan", "bob smith"} {
		f.Enrol(name)
	}
	f.admin("POST", "/accounts", `{"account":"alina"}`)
	f.admin("POST", "/accounts/alan/disable", "")
	for query, want := range map[string]string{
		"":                               `{"default":true alan alice alina bob smith`,
		"prefix=al":                      "alan alice alina",
		"prefix=bob%20":                  "bob smith",
		"prefix=x":                       "",
		"prefix=al&limit=1":              "alan",
		"prefix=al&from=alb":             "alice alina",
		"status=disabled":                "alan",
		"status=held&prefix=ali":         "",
		"status=not_set_up":              "alina",
		"status=active":                  `{"default":true alice bob smith`,
		"status=no_recovery_codes":       "",
		"status=pending&prefix=&limit=9": "alina",
	} {
		r := f.admin("GET", "/accounts?"+query, "")
		var got []string
		for _, a := range read[api.Page](t, r, 200).Accounts {
			if a.Default {
				a.Account = `{"default":true`
			}
			got = append(got, a.Account)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
		if strings.Contains(r.text, `"account":""`) {
			t.Errorf("the default account has a name: %s", r.text)
		}
	}
}

func TestNamesThatNoAccountMayHaveAre400(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{`{}`, `{"account":""}`, `{"account":" a"}`, `{"account":"a\nb"}`, `{"account":"a\u202eb"}`, `{"account":".."}`,
		fmt.Sprintf(`{"account":%q}`, strings.Repeat("a", 129)), `{"account":"a","digits":"8"}`, ``,
		`{"account":"\u3164"}`, `{"account":"a\u200d"}`, `{"account":"(Default)"}`, `{"account":":a"}`, `{"account":"a:"}`, `{"account":"a:b:c"}`} {
		f.admin("POST", "/accounts", body).wantError(t, 400)
	}
	f.Enrol("alice")
	f.admin("POST", "/accounts/alice/rekey", `{"x":"y"}`).wantError(t, 400)
	f.admin("POST", "/accounts/alice/unlock", `x`).wantError(t, 400)
	f.admin("POST", "/accounts/alice/confirm", `{}`).wantError(t, 400)
}
