package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"totpctl/server/servertest"
)

const (
	checkBearer = servertest.CheckBearer
	adminBearer = servertest.AdminBearer
)

// A fixture is a server that is asked over the network.
type fixture struct {
	*servertest.Server
	t     testing.TB
	setup string // the set-up link's path and query
}

func newFixture(t testing.TB, options ...servertest.Options) *fixture {
	t.Helper()
	s := servertest.New(t, append(options, servertest.Options{})[0])
	return &fixture{s, t, strings.TrimPrefix(s.SetupLink(), s.URL)}
}

// A reply is what a test looks at.
type reply struct {
	status int
	header http.Header
	text   string
}

func (f *fixture) do(method, path, bearer, body string, headers ...string) reply {
	f.t.Helper()
	req, err := http.NewRequest(method, f.URL+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, strings.TrimSpace(string(text))}
}

func (f *fixture) post(body string) reply {
	f.t.Helper()
	return f.do("POST", "/check", checkBearer, body)
}

func (r reply) want(t *testing.T, status int, text string) {
	t.Helper()
	if r.status != status || r.text != text {
		t.Errorf("answer is %d %s\nwant %d %s", r.status, r.text, status, text)
	}
}

// wantError is for answers whose text is for people.
func (r reply) wantError(t *testing.T, status int) {
	t.Helper()
	r.wantCode(t, status, r.code(t))
}

// wantCode is for answers that programs tell by their code.
func (r reply) wantCode(t *testing.T, status int, code string) {
	t.Helper()
	if got := r.code(t); r.status != status || got != code {
		t.Errorf("answer is %d %s, want %d and a JSON error with the code %q", r.status, r.text, status, code)
	}
}

// code is that of an error, and "" with a failure of the test where it is none.
func (r reply) code(t *testing.T) string {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(r.text), &body); err != nil || body["error"] == "" || body["code"] == "" || len(body) != 2 {
		t.Errorf("answer is %d %s, want a JSON error with a code", r.status, r.text)
	}
	return body["code"]
}
