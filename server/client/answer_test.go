package client

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestVerdictsOfEveryServer(t *testing.T) {
	for _, v := range []struct {
		status int
		body   string
		want   string // the Result as JSON, which is what the server meant
	}{
		{200, `{"status":true,"skew_steps":-1,"failures":2}`, `{"status":true,"skew_steps":-1,"failures":2}`},
		{200, `{"status":true,"skew_steps":0,"failures":0}`, `{"status":true,"skew_steps":0,"failures":0}`},
		{200, `{"status": true}` + "\n", `{"status":true}`},
		{200, `{"status": false}` + "\n", `{"status":false}`},
		{200, `{"status":false,"reason":"replayed"}`, `{"status":false,"reason":"replayed"}`},
		{200, `{"status":false,"reason":"locked_out","later":{"status":true}}`, `{"status":false,"reason":"locked_out"}`},
		{200, `{"status":false,"Status":true}`, `{"status":false}`},
		{200, `{"status":false,"reason":"throttled","retry_after":30}`, `{"status":false,"reason":"throttled","retry_after":30}`},
		{429, `{"status":false,"reason":"throttled","retry_after":3600}`, `{"status":false,"reason":"throttled","retry_after":3600}`},
	} {
		r, err := answer{status: v.status, body: []byte(v.body)}.result()
		got, _ := json.Marshal(r)
		if err != nil || string(got) != v.want {
			t.Errorf("%d %s is %s, %v", v.status, v.body, got, err)
		}
	}
	r, err := answer{status: 429, body: []byte(`{"status":false,"reason":"throttled","retry_after":90}`)}.result()
	if err != nil || r.RetryAfter != 90 {
		t.Errorf("retry_after 90 is %v, %v", r.RetryAfter, err)
	}
}

func TestWhatIsNotClearlyAVerdictIsAnError(t *testing.T) {
	for _, body := range []string{
		``, ` `, `true`, `"true"`, `null`, `[]`, `[{"status":true}]`, `{}`, `{"status":true`, `{"status":true}}`, `{"status":true}{"status":true}`,
		`{"status":true,}`, `{"status" true}`, `{status:true}`, `{"status":"true"}`, `{"status":1}`, `{"status":null}`, `{"status":[true]}`,
		`{"Status":true}`, `{"STATUS":true}`, `{"status":true,"status":true}`, `{"status":false,"status":true}`, `{"status":true,"\u0073tatus":false}`,
		`{"status":true,"reason":"invalid"}`, `{"status":true,"reason":7}`, `{"status":true,"error":"no"}`, `{"status":true,"error":null}`, `{"error":"no"}`,
		`{"status":false,"reason":"Not valid"}`, `{"status":false,"reason":"\u001b[2J"}`, `{"status":false,"reason":"` + strings.Repeat("x", 33) + `"}`,
		`{"status":false,"reason":"throttled","retry_after":-1}`, `{"status":false,"reason":"throttled","retry_after":1e99}`,
		`{"status":false,"reason":"throttled","retry_after":4294967296}`, `{"status":true,"skew_steps":"1"}`, `{"status":true,"failures":1.5}`,
		`<!doctype html><title>Log in</title>`, "\xef\xbb\xbf" + `{"status":true}`,
		`{"status":true,"x":"` + strings.Repeat("x", maxAnswer) + `"}`, strings.Repeat(`{"status":`, 10001),
	} {
		r, err := answer{status: 200, body: []byte(body)}.result()
		if err == nil || r.Status || err.(failure).hint == "" {
			t.Errorf("%.80s is %+v, %v", body, r, err)
		}
	}
}

func TestEveryOtherStatusIsAnErrorWithAHint(t *testing.T) {
	for _, v := range []struct {
		status           int
		body, text, hint string
	}{
		{201, `{"status":true}`, "answer is 201 created", "TOTPCTL_URL"},
		{204, ``, "answer is 204 no content", "TOTPCTL_URL"},
		{206, `{"status":true}`, "answer is 206 partial content", "TOTPCTL_URL"},
		{307, ``, "answer is 307 temporary redirect", "TOTPCTL_URL"},
		{400, `{"error":"code is missing"}`, "answer is 400 bad request: code is missing", "TOTPCTL_URL"},
		{401, `{"error":"no bearer"}`, "answer is 401 unauthorized: no bearer", "BEARER"},
		{401, `<h1>Unauthorized</h1>`, "answer is 401 unauthorized", "BEARER"},
		{403, `{"error":"wrong scope"}`, "answer is 403 forbidden: wrong scope", "BEARER"},
		{404, `{"error":"no such account"}`, "answer is 404 not found: no such account", "account"},
		{404, `{"error":"no such account","code":"no_account"}`, "answer is 404 not found: no such account", "account's name"},
		{404, `{"error":"no such page","code":"no_route"}`, "answer is 404 not found: no such page", "path in TOTPCTL_URL"},
		{400, `{"error":"no account can have this name","code":"bad_account"}`, "answer is 400 bad request: no account can have this name", "account's name"},
		{404, `<h1>Not Found</h1>`, "answer is 404 not found", "TOTPCTL_URL"},
		{413, `{"error":"body is larger than 4 KiB"}`, "answer is 413 request entity too large: body is larger than 4 KiB", "6 to 8 digits"},
		{429, `{"status":true}`, "answer is 429 too many requests", "later"},
		{429, `{"status":false}`, "answer is 429 too many requests", "later"},
		{429, `{"status":false,"reason":"invalid"}`, "answer is 429 too many requests", "later"},
		{429, `slow down`, "answer is 429 too many requests", "later"},
		{500, `{"status":true}`, "answer is 500 internal server error", "log"},
		{503, `{"error":"store does not answer: no verdict"}`, "answer is 503 service unavailable: store does not answer: no verdict", "log"},
		{503, `{"status":false,"reason":"throttled"}`, "answer is 503 service unavailable", "log"},
	} {
		r, err := answer{status: v.status, body: []byte(v.body)}.result()
		f, _ := err.(failure)
		if r.Status || f.text != v.text || !strings.Contains(f.hint, v.hint) {
			t.Errorf("%d %s is %+v, %q, hint %q; want %q, hint with %q", v.status, v.body, r, f.text, f.hint, v.text, v.hint)
		}
	}
}

func TestOnlyAWrongCodeTellsTheClocksApart(t *testing.T) {
	sent := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	date := sent.Add(61 * time.Second).Format(http.TimeFormat)
	offset := func(date, body string) *time.Duration {
		t.Helper()
		r, err := answer{status: 200, date: date, body: []byte(body), sent: sent, received: sent.Add(4 * time.Second)}.result()
		if err != nil {
			t.Fatal(err)
		}
		return r.ClockOffset
	}
	for _, body := range []string{`{"status":false}`, `{"status":false,"reason":"invalid"}`} {
		if got := offset(date, body); got == nil || *got != 59500*time.Millisecond {
			t.Errorf("%s: clock offset is %v, want 59.5s", body, got)
		}
	}
	for _, body := range []string{`{"status":true}`, `{"status":false,"reason":"replayed"}`, `{"status":false,"reason":"malformed"}`} {
		if got := offset(date, body); got != nil {
			t.Errorf("%s: clock offset is %v, want none", body, got)
		}
	}
	for _, odd := range []string{"", "yesterday"} {
		if got := offset(odd, `{"status":false}`); got != nil {
			t.Errorf("date %q gives a clock offset of %v", odd, got)
		}
	}
}

func TestCleanCutsTextAndLeavesNothingForTheTerminal(t *testing.T) {
	for in, want := range map[string]string{
		`no such "account"`:        `no such "account"`,
		"größer als 4 KiB":         "größer als 4 KiB",
		"a\x1b[2Jb\r\nc\x7f":       `a\x1b[2Jb\r\nc\x7f`,
		"\u009b2J \u202egnp\u2066": `\u009b2J \u202egnp\u2066`,
		"\xff":                     `\xff`,
		strings.Repeat("é", 999):   strings.Repeat("é", maxText),
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// What encoding/json reads as true, and only that, may be a valid code.
func FuzzVerdict(f *testing.F) {
	for _, s := range []string{`{"status":true}`, `{"status":false,"reason":"throttled","retry_after":30}`, `{"status":true,"status":false}`,
		`{"status":true,"skew_steps":-1,"failures":3,"x":[{}]}`, `{"error":"no"}`, `{"status":null}`, `<html>`} {
		f.Add(200, []byte(s))
		f.Add(429, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r, err := answer{status: status, body: body}.result()
		if err != nil {
			if !reflect.DeepEqual(r, Result{}) || clean(err.Error()) == "" {
				t.Fatalf("an error comes with %+v", r)
			}
			return
		}
		var plain map[string]any
		if json.Unmarshal(body, &plain) != nil || plain["status"] != r.Status {
			t.Fatalf("%q is %+v", body, r)
		}
		if r.Status && (status != 200 || plain["error"] != nil || plain["reason"] != nil && plain["reason"] != "") {
			t.Fatalf("%d %q is valid", status, body)
		}
		if text, err := json.Marshal(r); err != nil || clean(string(r.Reason)) != string(r.Reason) || len(text) > 200 && r.Recovery == nil {
			t.Fatalf("%q marshals as %s, %v", body, text, err)
		}
	})
}

func TestAnErrorTellsWhyThereIsNoVerdict(t *testing.T) {
	for _, v := range []struct {
		status int
		body   string
		want   Kind
	}{
		{404, `{"error":"no such account","code":"no_account"}`, NoAccount},
		{404, `{"error":"no such account"}`, NoAnswer},
		{404, `{"error":"no such page","code":"no_route"}`, NoAnswer},
		{404, `<h1>Not Found</h1>`, NoAnswer},
		{500, `{"error":"no such account","code":"no_account"}`, NoAnswer},
		{200, `{"error":"no such account","code":"no_account"}`, NoAnswer},
		{400, `{"error":"no account can have this name","code":"bad_account"}`, BadAccount},
		{400, `{"error":"code is missing","code":"bad_request"}`, NoAnswer},
		{401, `<h1>Unauthorized</h1>`, Refused},
		{403, `{"error":"wrong scope","code":"forbidden"}`, Refused},
		{503, `{"error":"store unreachable"}`, NoAnswer},
	} {
		if got := (answer{status: v.status, body: []byte(v.body)}).kind(); got != v.want {
			t.Errorf("%d %s is of kind %d, want %d", v.status, v.body, got, v.want)
		}
	}
}
