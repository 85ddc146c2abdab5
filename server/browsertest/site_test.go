package browsertest

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
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
	secret      = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" // fixed: gozxing overlooks a few of the codes of random ones
	bearer      = "check-bearer-0123456789"
	adminBearer = "admin-bearer-0123456789"
	appOrigin   = "http://localhost:8100" // the prototype's Ionic app
)

// A site is a server with a store of its own, and a clock that the test moves.
type site struct {
	t        *testing.T
	url      string
	public   *url.URL
	entry    totp.Entry
	clock    *clock
	store    *sqlstore.SQLite
	verifier *verifier.Verifier
	server   *server.Server
	http     *httptest.Server
	links    []string     // all enrolment links there have been
	gate     sync.RWMutex // while a test holds it, requests to /check wait
	mu       sync.Mutex
	checks   []*http.Request
	other    http.HandlerFunc // what answers /check instead, or nil
	log      buffer
}

// names are the issuer and the account of the default account.
type names struct{ issuer, account string }

func newSite(t *testing.T) *site {
	return newNamedSite(t, names{"TOTP Example", "gonzalo123.com"})
}

func newNamedSite(t *testing.T, n names) *site {
	t.Helper()
	s := makeSite(t, n, "http", "")
	s.http.Start()
	return s
}

// makeSite leaves starting to the caller. People reach the server at the prefix.
func makeSite(t *testing.T, n names, scheme, prefix string) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)}, entry: entry(t, n)}
	var err error
	if s.store, err = sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "totpctl.db"), [][]byte{bytes.Repeat([]byte("k"), 32)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.verifier, err = verifier.New(verifier.Config{Store: s.store, Clock: s.clock.Now, Key: s.entry.Key, Skew: 1, New: totp.DefaultScheme(), Issuer: n.issuer})
	if err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewUnstartedServer(http.StripPrefix(prefix, s))
	s.public = &url.URL{Scheme: scheme, Host: s.http.Listener.Addr().String(), Path: prefix}
	s.url = s.public.String()
	s.server, err = server.New(server.Config{
		Verifier: s.verifier, Entry: s.entry, Bearers: []string{bearer}, AdminBearer: adminBearer,
		PublicURL: s.public, Origins: []string{appOrigin}, Log: slog.New(slog.NewTextHandler(&s.log, nil)), Clock: s.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.http.Close)
	t.Cleanup(s.checkLog)
	return s
}

func entry(t *testing.T, n names) totp.Entry {
	t.Helper()
	parsed, err := totp.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	k, err := totp.NewKey(parsed, totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	return totp.Entry{Issuer: n.issuer, Account: n.account, Key: k}
}

// ServeHTTP is the server's, behind the gate.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if from, err := url.Parse(r.Referer()); err != nil || len(from.Path) > 1 || from.RawQuery != "" {
		s.t.Errorf("%s came with a Referer that holds more than an origin", r.URL.Path)
	}
	if strings.HasPrefix(r.URL.Path, "/check/") {
		if other := s.noteCheck(r); other != nil {
			other(w, r)
			return
		}
	}
	s.server.ServeHTTP(w, r)
}

// noteCheck waits for the gate and returns what answers instead of the server.
func (s *site) noteCheck(r *http.Request) http.HandlerFunc {
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checks = append(s.checks, r.Clone(r.Context()))
	return s.other
}

// answer puts another service in the server's place.
func (s *site) answer(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func (s *site) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checks
}

// token is what the set-up link ends with.
func (s *site) token() string {
	_, token, _ := strings.Cut(s.server.SetupLink(), "=")
	return token
}

// adminURL carries HTTP Basic's credentials.
func (s *site) adminURL() string {
	return strings.Replace(s.url, "http://", "http://any:"+adminBearer+"@", 1) + "/"
}

// checkLog fails the test if what a log must not know is in it.
func (s *site) checkLog() {
	code := s.code()
	texts := []string{secret, bearer, adminBearer, s.token(), code}
	for _, link := range s.links {
		texts = append(texts, path.Base(link))
	}
	for _, text := range texts {
		if strings.Contains(s.log.String(), text) {
			s.t.Errorf("the log has %q in it", text)
		}
	}
}

// code is the present one.
func (s *site) code() string {
	code, err := s.entry.Key.Code(s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// wrongCode is no code of the steps around the present one.
func (s *site) wrongCode() string {
	for _, code := range []string{"000000", "000001", "000002", "000003"} {
		if _, ok := s.entry.Key.Match(code, s.clock.Now(), totp.MaxSkew); !ok {
			return code
		}
	}
	s.t.Fatal("four codes match five steps")
	return ""
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
