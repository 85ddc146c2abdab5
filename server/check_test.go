package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestThePrototypesRouteAnswersWithItsJSON(t *testing.T) {
	f := newFixture(t)
	path := "/check/" + f.Code()
	f.do("GET", path, checkBearer, "").want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	f.do("GET", path, checkBearer, "").want(t, 200, `{"status":false,"reason":"replayed"}`)
	f.do("GET", "/check/"+f.WrongCode(), checkBearer, "").want(t, 200, `{"status":false,"reason":"invalid"}`)
	for _, code := range []string{"abc", "12345", "1234567", "%20123456", "..%2f..", "%00", "-12345"} {
		f.do("GET", "/check/"+code, checkBearer, "").want(t, 200, `{"status":false,"reason":"malformed"}`)
	}
}

func TestAThrottledCodeIs429OnPostAnd200OnGet(t *testing.T) {
	f := newFixture(t)
	bad := fmt.Sprintf(`{"code":%q}`, f.WrongCode())
	for range 2 {
		f.post(bad).want(t, 200, `{"status":false,"reason":"invalid"}`)
	}
	f.post(bad).want(t, 200, `{"status":false,"reason":"invalid","retry_after":30}`)
	f.Clock.Advance(1500 * time.Millisecond)
	const throttled = `{"status":false,"reason":"throttled","retry_after":29}`
	for _, r := range []reply{f.post(fmt.Sprintf(`{"code":%q}`, f.Code())), f.do("POST", "/check", checkBearer, bad, "Origin", "http://localhost:8100")} {
		r.want(t, 429, throttled)
		if got := r.header.Get("Retry-After"); got != "29" {
			t.Errorf("Retry-After is %q", got)
		}
	}
	f.do("GET", "/check/"+f.Code(), checkBearer, "").want(t, 200, throttled)
	f.Clock.Advance(29 * time.Second)
	f.post(fmt.Sprintf(`{"code":%q}`, f.Code())).want(t, 200, `{"status":true,"skew_steps":0,"failures":3}`)
}

func TestARepeatedPostGetsItsFirstVerdict(t *testing.T) {
	f := newFixture(t)
	body := fmt.Sprintf(`{"code":%q}`, f.Code())
	ask := func(bearer, key string) reply { return f.do("POST", "/check", bearer, body, "Idempotency-Key", key) }
	const valid, replayed = `{"status":true,"skew_steps":0,"failures":0}`, `{"status":false,"reason":"replayed"}`
	const again = `{"status":true,"skew_steps":0,"failures":0,"repeated":true}`
	one, two := strings.Repeat("1", 16), strings.Repeat("2", 255)
	ask(checkBearer, one).want(t, 200, valid)
	ask(checkBearer, one).want(t, 200, again)
	ask(checkBearer, two).want(t, 200, replayed)
	ask("old-"+checkBearer, one).want(t, 200, replayed)
	f.post(body).want(t, 200, replayed)
	ask(checkBearer, one).want(t, 200, again)
	for _, key := range []string{"", "6f1c", strings.Repeat("k", 15), strings.Repeat("k", 256)} {
		ask(checkBearer, key).wantError(t, 400)
	}
}

func TestOnlyABearerMayCheck(t *testing.T) {
	f := newFixture(t)
	body := fmt.Sprintf(`{"code":%q}`, f.Code())
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer wrong", checkBearer, "Basic " + checkBearer, "Bearer " + checkBearer + "x", "Bearer " + checkBearer + ",old-" + checkBearer} {
		for _, r := range []reply{
			f.do("POST", "/check", "", body, "Authorization", authorization),
			f.do("GET", "/check/"+f.Code(), "", "", "Authorization", authorization),
			f.do("GET", "/accounts", "", "", "Authorization", authorization),
		} {
			r.wantError(t, 401)
			if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("WWW-Authenticate is %q", r.header.Get("WWW-Authenticate"))
			}
		}
	}
	for _, bearer := range []string{checkBearer, "old-" + checkBearer, adminBearer} {
		if r := f.do("POST", "/check", bearer, body); r.status != 200 {
			t.Errorf("with %s: %d %s", bearer, r.status, r.text)
		}
	}
	f.do("POST", "/check", "", body, "Authorization", "bearer "+checkBearer).want(t, 200, `{"status":false,"reason":"replayed"}`)
}

func TestABodyThatIsNotTheJSONAskedForIs400(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{
		``, `x`, `null`, `[]`, `"123456"`, `{}`, `{"code":123456}`, `{"code":null}`, `{"code":["1"]}`, `{"Code":"123456"}`,
		`{"code":"123456","account":""}`, `{"code":"123456","account":null}`, `{"code":"123456","acount":"a"}`,
		`{"code":"123456","code":"654321"}`, `{"code":"123456"}{}`, `{"code":"123456"} x`, `{"code":"123456"`, `{"account":"a"}`,
		`{"code":"123456","recovery_code":"a"}`, `{"recovery_code":""}`, `code=123456`,
	} {
		r := f.post(body)
		if r.wantError(t, 400); t.Failed() {
			t.Fatalf("body %s", body)
		}
	}
	f.post("{\"code\":\"\xff\"}").wantError(t, 400)
	f.post(`{"code":"123456","account":"\ud800"}`).wantError(t, 400)
	f.do("POST", "/check?account=alice", checkBearer, fmt.Sprintf(`{"code":%q}`, f.Code())).wantError(t, 400)
	for _, body := range []string{`{"code":"%s"}`, `{"x":"%s"}`, `x%s`} {
		f.post(fmt.Sprintf(body, strings.Repeat("1", 4096))).wantError(t, 413)
	}
	f.post(` { "code" : "12345" } `+"\n").want(t, 200, `{"status":false,"reason":"malformed"}`)
}

func TestOnlyAnAbsentAccountIsTheDefaultOne(t *testing.T) {
	f := newFixture(t)
	get := func(query string) reply { return f.do("GET", "/check/123456?"+query, checkBearer, "") }
	get("account=").wantError(t, 400)
	get("account").wantError(t, 400)
	get("account=a&account=b").wantError(t, 400)
	get("acount=a").wantError(t, 400)
	get("%zz").wantError(t, 400)
	get("account=nobody").wantCode(t, 404, "no_account")
	get("account=%01default").wantCode(t, 400, "bad_account")
	f.post(`{"code":"123456","account":"nobody"}`).wantCode(t, 404, "no_account")
	f.post(`{"code":"123456","account":"\u0001default"}`).wantCode(t, 400, "bad_account")
}

// People read codes out, in groups; programs have the digits.
func TestRecoveryCodesAreReadAsPeopleTypeThemAndCodesAreNot(t *testing.T) {
	f := newFixture(t)
	_, codes := f.Enrol("alice")
	for i, typed := range []string{
		strings.ToLower(codes[0]), codes[1][:13] + " " + codes[1][13:], " " + codes[2][:4] + "-" + codes[2][4:] + "\n", codes[3][:20] + "\u2013" + strings.ToLower(codes[3][20:]),
	} {
		f.post(fmt.Sprintf(`{"account":"alice","recovery_code":%q}`, typed)).want(t, 200, fmt.Sprintf(`{"status":true,"recovery_codes_left":%d}`, 9-i))
	}
	code := f.Code()
	for _, typed := range []string{code[:3] + " " + code[3:], code[:3] + "-" + code[3:], code + " ", fullWidth(code)} {
		f.post(fmt.Sprintf(`{"code":%q}`, typed)).want(t, 200, `{"status":false,"reason":"malformed"}`)
	}
	f.post(fmt.Sprintf(`{"code":%q}`, code)).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
}

// fullWidth returns digits as a Japanese or Chinese keyboard types them.
func fullWidth(code string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '\uff10' }, code)
}

func TestFormsTakeCodesAsPeopleTypeThem(t *testing.T) {
	for what, typed := range map[string]func(code string) string{
		"full-width":               fullWidth,
		"Arabic-Indic":             func(code string) string { return strings.Map(func(r rune) rune { return r - '0' + '\u0660' }, code) },
		"with an en dash":          func(code string) string { return code[:3] + "\u2013" + code[3:] },
		"with a space of a script": func(code string) string { return code[:3] + "\u3000" + code[3:] },
	} {
		e := newEnrolling(t)
		form := url.Values{"code": {typed(e.Code())}}.Encode()
		r := e.do("POST", e.setup, "", form, "Content-Type", "application/x-www-form-urlencoded")
		if r.status != 303 || !strings.HasPrefix(r.cookie(t).String(), "setup=") {
			t.Errorf("set-up, %s: %d %s", what, r.status, r.text)
		}
		cookie := e.open()
		if r := e.confirm(cookie, url.QueryEscape(typed(e.goodCode()))); len(r.codes()) != 10 {
			t.Errorf("enrolment, %s: %d %s", what, r.status, r.text)
		}
	}
}

func TestWhatThereIsNotIsAJSONError(t *testing.T) {
	f := newFixture(t)
	for _, v := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/nothing", 404, ""}, {"GET", "/check/", 404, ""}, {"GET", "/check/1/2", 404, ""},
		{"GET", "/check", 405, "OPTIONS, POST"}, {"PUT", "/check", 405, "OPTIONS, POST"},
		{"POST", "/check/123456", 405, "GET, OPTIONS"}, {"DELETE", "/check/123456", 405, "GET, OPTIONS"},
		{"PATCH", "/accounts/a", 405, "DELETE, GET"}, {"POST", "/healthz", 405, "GET, HEAD"},
		{"PUT", "/", 405, "GET, HEAD, POST"}, {"DELETE", "/enrol/x", 405, "GET, HEAD, POST"}, {"POST", "/enrolled", 405, "GET, HEAD"},
	} {
		r := f.do(v.method, v.path, checkBearer, "")
		r.wantError(t, v.status)
		if got := r.header.Get("Allow"); got != v.allow {
			t.Errorf("%s %s: Allow is %q, want %q", v.method, v.path, got, v.allow)
		}
	}
	if r := f.do("HEAD", "/check/"+f.Code(), checkBearer, ""); r.status != 405 {
		t.Errorf("HEAD of a check is %d, want 405", r.status)
	}
	f.do("GET", "/check/"+f.Code(), checkBearer, "").want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
}

func TestThePrototypesAppMayAskFromItsOrigin(t *testing.T) {
	f := newFixture(t)
	r := f.do("OPTIONS", "/check/123456", "", "", "Origin", "http://localhost:8100",
		"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization,content-type")
	if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "http://localhost:8100" ||
		!strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Authorization, Content-Type") ||
		!strings.Contains(r.header.Get("Access-Control-Allow-Methods"), "GET") {
		t.Errorf("preflight: %d %v", r.status, r.header)
	}
	for _, bearer := range []string{checkBearer, "wrong"} {
		r := f.do("GET", "/check/123456", bearer, "", "Origin", "http://localhost:8100")
		if r.header.Get("Access-Control-Allow-Origin") != "http://localhost:8100" || r.header.Get("Access-Control-Expose-Headers") != "Retry-After" {
			t.Errorf("answer %d has %v", r.status, r.header)
		}
	}
	for _, origin := range []string{"http://localhost:8101", "https://localhost:8100", "null", "http://localhost:8100.example"} {
		r := f.do("GET", "/check/123456", checkBearer, "", "Origin", origin)
		if got := r.header.Values("Access-Control-Allow-Origin"); len(got) != 0 || r.header.Get("Vary") != "Origin" {
			t.Errorf("origin %s is allowed: %q", origin, got)
		}
	}
}

func TestWithoutAStoreThereIsNoVerdict(t *testing.T) {
	f := newFixture(t)
	f.do("GET", "/readyz", "", "").want(t, 200, `{"status":"ready"}`)
	f.Store.Close()
	f.post(fmt.Sprintf(`{"code":%q}`, f.Code())).wantError(t, 503)
	f.do("GET", "/check/"+f.Code(), checkBearer, "").wantError(t, 503)
	f.do("GET", "/readyz", "", "").wantError(t, 503)
	f.do("GET", "/healthz", "", "").want(t, 200, `{"status":"alive"}`)
	if r := f.do("GET", f.setup, "", ""); r.status != 503 {
		t.Errorf("the page is %d, want 503", r.status)
	}
}

func TestTheLogNamesRoutesAndNoSecrets(t *testing.T) {
	f := newFixture(t)
	code := f.Code()
	f.do("GET", "/check/"+code, checkBearer, "")
	f.post(fmt.Sprintf(`{"code":%q}`, code))
	f.do("GET", "/check/987654?account=secretname", "wrong-bearer", "")
	f.do("GET", f.setup, "", "")
	f.do("GET", "/x"+code+"?q="+code, "", "")
	f.do("SECRETMETHOD", "/check/"+code, checkBearer, "")
	f.do("POST", "/accounts", adminBearer, `{"account":"alice"}`)
	f.do("POST", f.setup, "", "code="+code, "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://evil.example")
	log := f.Log.String()
	if !strings.Contains(log, `"route":"GET /check/{code}"`) || !strings.Contains(log, `"verdict":"valid"`) {
		t.Errorf("log is\n%s", log)
	}
	token := strings.TrimPrefix(f.setup, "/?setup=")
	for _, secret := range []string{code, "987654", checkBearer, adminBearer, "wrong-bearer", token, "SECRETMETHOD", f.Entry.Key.Secret().Base32(), "secretname"} {
		if strings.Contains(log, secret) {
			t.Errorf("log holds %s:\n%s", secret, log)
		}
	}
	if n := strings.Count(log, "\n"); n != 8 {
		t.Errorf("log has %d lines for 8 requests", n)
	}
}

func TestJSONAnswersAreNotStored(t *testing.T) {
	f := newFixture(t)
	for _, r := range []reply{f.post(`{"code":"1"}`), f.do("GET", "/nothing", "", ""), f.do("GET", "/healthz", "", "")} {
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "application/json"} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
}

func TestAHugeHeaderIsRefused(t *testing.T) {
	f := newFixture(t)
	// The limit here is net/http's own of 1 MiB; what is tested is that no handler
	// runs.
	r := f.do("GET", "/check/"+f.Code(), checkBearer, "", "X-Filler", strings.Repeat("x", 2<<20))
	if r.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status is %d", r.status)
	}
	f.do("GET", "/check/"+f.Code(), checkBearer, "").want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
}
