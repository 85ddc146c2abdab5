package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

const (
	checkBearer = "check-bearer"
	adminBearer = "admin-bearer"
)

// A fixture is a server on a real store, with a clock that stands still.
type fixture struct {
	*httptest.Server
	t     testing.TB
	entry totp.Entry
	store *sqlstore.SQLite
	setup string // the set-up link's path and query
	log   *logBuffer
	mu    sync.Mutex
	time  time.Time
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.time
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.time = f.time.Add(d)
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, log: &logBuffer{}, time: time.Unix(1_111_111_109, 0)}
	secret, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	f.entry = totp.Entry{Issuer: "TOTP Example", Account: "gonzalo123.com"}
	if err == nil {
		f.entry.Key, err = totp.NewKey(secret, totp.DefaultScheme())
	}
	if err == nil {
		f.store, err = sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "totpctl.db"), [][]byte{bytes.Repeat([]byte("k"), 32)})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	v, err := verifier.New(verifier.Config{Store: f.store, Clock: f.now, Key: f.entry.Key, Skew: 1, New: totp.DefaultScheme(), Issuer: f.entry.Issuer})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{
		Verifier: v, Entry: f.entry, Bearers: []string{checkBearer, "old-" + checkBearer}, AdminBearer: adminBearer, Clock: f.now,
		PublicURL: &url.URL{Scheme: "http", Host: "localhost:5000"}, Origins: []string{"http://localhost:8100"},
		Log: slog.New(slog.NewJSONHandler(f.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.setup = strings.TrimPrefix(s.SetupLink(), "http://localhost:5000")
	f.Server = httptest.NewServer(s)
	t.Cleanup(f.Server.Close)
	return f
}

func (f *fixture) code() string { return codeOf(f.t, f.entry.Key, f.now()) }

func codeOf(t testing.TB, k totp.Key, at time.Time) string {
	t.Helper()
	code, err := k.Code(at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (f *fixture) badCode() string { return badCodeOf(f.entry.Key, f.now()) }

// badCodeOf is good at no step near the time.
func badCodeOf(k totp.Key, at time.Time) string {
	for i := 0; ; i++ {
		code := fmt.Sprintf("%06d", i)
		if _, ok := k.Match(code, at, totp.MaxSkew); !ok {
			return code
		}
	}
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
