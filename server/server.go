package server

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"totpctl/server/pages"
	"totpctl/server/proxy"
	"totpctl/totp"
	"totpctl/totp/session"
	"totpctl/totp/verifier"
)

// Limits on what one request may take.
const (
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 30 * time.Second
	drainTimeout  = 10 * time.Second
)

// Config is what a Server needs.
type Config struct {
	Verifier  *verifier.Verifier
	Entry     totp.Entry    // of the default account, for its web page
	Bearers   []string      // of scope check, one at least; see SetBearers
	Admins    []string      // bearers of scope admin; none turn that scope off
	PublicURL *url.URL      // how people reach the server: links and cookies are for it; the zero URL if that is not known: then there are no links
	Origins   []string      // of web apps that may read the answers of /check, such as http://localhost:8100
	Proxies   proxy.Trusted // whose headers tell the client and the id of a request
	// Sessions are those of the administrator's page; nil turns the page off. Beside one of Admins,
	// a sign-in takes a code of the stored account AdminAccount, unless that is "".
	Sessions     *session.Sessions
	AdminAccount string
	// SelfService turns on the page /recover, on which a recovery code begins a new enrolment. There
	// is no such page if PublicURL is neither https nor loopback.
	SelfService bool

	Log   *slog.Logger     // gets a line for each request
	Meter Meter            // is told of each request; nil is not
	Clock func() time.Time // the Verifier's
}

// A Meter is told of each request. It must be safe for concurrent use.
type Meter interface {
	// RequestBegins is called before a request is handled.
	RequestBegins()
	// RequestEnds is called afterwards. The route is the pattern of the path, the method one
	// that net/http knows or "other", and the status net/http's, or 499 if the caller has left.
	RequestEnds(route, method string, status int, took time.Duration)
}

// A Server is an http.Handler for all of totpctl's routes.
type Server struct {
	config  Config
	bearers atomic.Pointer[bearers]
	setup   setupLink
	pages   *pages.Pages
	openAPI pages.Asset
	limits  *limits
	origins map[string]bool
	tries   *tries // to sign in
	handler http.Handler

	protection *http.CrossOriginProtection
}

// New returns a Server with a set-up link of its own. It refuses bearers as SetBearers
// does, and a PublicURL that has no origin but is not the zero URL.
func New(c Config) (*Server, error) {
	s := &Server{
		config: c, setup: newSetupLink(c.Clock()), limits: newLimits(c.Log), tries: newTries(c.Clock),
		origins: map[string]bool{}, openAPI: pages.NewAsset(openAPI, "application/json", "no-cache"),
	}
	err := s.SetBearers(c.Bearers, c.Admins)
	if err != nil {
		return nil, err
	}
	if s.pages, err = pages.New(c.Entry); err != nil {
		return nil, err
	}
	if s.protection, err = s.newProtection(); err != nil {
		return nil, err
	}
	s.config.Bearers, s.config.Admins = nil, nil // SetBearers has kept their digests
	for _, o := range c.Origins {
		s.origins[o] = true
	}
	s.handler = s.logged(withHeaders(commonHeaders(c.PublicURL), s.routes()))
	return s, nil
}

// ErrorLog returns the logger for net/http's errors, whose lines are limited.
func (s *Server) ErrorLog() *log.Logger { return s.limits.errorLog() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// SetupLink returns the link to the default account's web page. It works for an hour,
// or until the account has accepted a code, and reveals the secret to whoever follows
// it. It is "" without a PublicURL.
func (s *Server) SetupLink() string {
	if s.config.PublicURL.Host == "" {
		return ""
	}
	link := s.config.PublicURL.JoinPath("/")
	if net.ParseIP(link.Hostname()).IsUnspecified() { // of all interfaces, one that this machine's browser can open
		link.Host = net.JoinHostPort("127.0.0.1", link.Port())
	}
	link.RawQuery = url.Values{"setup": {s.setup.token}}.Encode()
	return link.String()
}

// Serve answers on l until ctx ends, then lets the requests under way finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler:           s,
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,

		DisableGeneralOptionsHandler: true, // its answers would lack the headers of ours
		ErrorLog:                     s.ErrorLog(),
	}
	defer s.limits.flush()
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.config.Log.Info("stopping", "cause", context.Cause(ctx).Error())
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := h.Shutdown(drain); err != nil {
		return errors.Join(errors.New("some requests did not finish in time"), h.Close())
	}
	return nil
}
