package browsertest

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"totpctl/server/servertest"
)

const (
	secret      = servertest.Secret
	bearer      = servertest.CheckBearer
	adminBearer = servertest.AdminBearer
)

// A site is a server whose answers to /check a test can hold back, or give itself.
type site struct {
	*servertest.Server
	t           *testing.T
	links       []string     // all enrolment links there have been
	served      *served      // nil: the server is in this process
	losesAnswer atomic.Bool  // the next answer of /check does not arrive
	gate        sync.RWMutex // while a test holds it, requests to /check wait
	mu          sync.Mutex
	checks      []asked
	other       http.HandlerFunc // what answers /check instead, or nil
}

// An asked is a request to /check.
type asked struct {
	*http.Request
	body string
}

// names are the issuer and the account of the default account.
type names struct{ issuer, account string }

// A served is the server of a process of its own, on the site's database.
type served struct {
	setupLink string
	log       func() string // its last lines
}

// newServed returns a site of the built binary, whose clock is the machine's.
func newServed(t *testing.T) *site { return makeServed(t, servertest.Options{}) }

func makeServed(t *testing.T, o servertest.Options) *site {
	t.Helper()
	o.Clock = servertest.NewRunningClock()
	s := makeSite(t, o)
	s.serve(o)
	return s
}

// SetupLink returns the link that the server prints at its start.
func (s *site) SetupLink() string {
	if s.served != nil {
		return s.served.setupLink
	}
	return s.Server.SetupLink()
}

func newSite(t *testing.T) *site { return makeSite(t, servertest.Options{}) }

func newNamedSite(t *testing.T, n names) *site {
	return makeSite(t, servertest.Options{Issuer: n.issuer, Account: n.account})
}

func makeSite(t *testing.T, o servertest.Options) *site {
	t.Helper()
	s := &site{t: t}
	o.Before, o.SelfService = s.before, true
	s.Server = servertest.New(t, o)
	t.Cleanup(s.checkLog)
	return s
}

// before looks at the requests, and keeps those to /check at the gate.
func (s *site) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := url.Parse(r.Referer()); err != nil || len(from.Path) > 1 || from.RawQuery != "" {
			s.t.Errorf("%s came with a Referer that holds more than an origin", r.URL.Path)
		}
		if strings.HasPrefix(r.URL.Path, "/check") {
			if other := s.noteCheck(r); other != nil {
				other(w, r)
				return
			}
		}
		if strings.HasPrefix(r.URL.Path, "/check") && s.losesAnswer.CompareAndSwap(true, false) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// countVerdicts returns how many verdicts the log has.
func countVerdicts(s *site) int { return strings.Count(s.Log.String(), `"verdict"`) }

// noteCheck waits for the gate and returns what answers instead of the server.
func (s *site) noteCheck(r *http.Request) http.HandlerFunc {
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.checks = append(s.checks, asked{r.Clone(r.Context()), string(body)})
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

func (s *site) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checks
}

// openAsAdmin opens the default account's page. From then on HTTP Basic comes with every
// request, as a proxy adds it: no page asks a browser for it.
func (s *site) openAsAdmin(b *tab) {
	b.t.Helper()
	b.header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("any:"+adminBearer)))
	b.open(s.URL + "/")
}

// checkLog fails the test if what a log must not know is in it.
func (s *site) checkLog() {
	_, token, _ := strings.Cut(s.SetupLink(), "=")
	texts := []string{secret, bearer, adminBearer, token, s.Code()}
	for _, link := range s.links {
		texts = append(texts, path.Base(link))
	}
	log := s.Log.String()
	if s.served != nil {
		log += s.served.log()
	}
	for _, text := range texts {
		if strings.Contains(log, text) {
			s.t.Errorf("the log has %q in it", text)
		}
	}
}
