package server

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/qrcode"
	"totpctl/totp/verifier"
)

// Bounds on a QR code, in bytes of SVG.
const (
	denseQR = 6 << 10  // above it the code gets more room on the page
	maxQR   = 26 << 10 // above it a phone cannot read the code from a screen, and the page exceeds 40 KiB
)

// A shownKey is a key as a web page shows it to the person who sets up an
// authenticator.
type shownKey struct {
	Issuer, Account string
	Secret          []string // base32 in groups of four
	Details         string
	URI             template.URL
	QR              template.HTML // "" if the names are too long for a QR code
	Dense           bool
	Digits          int
}

// A setupPage is what setup.html shows.
type setupPage struct {
	shownKey
	Setup  string // token of the set-up link that led here; "" without one
	Left   string // how long the enrolment link that led here still works; "" without one
	Result string // of the form; "" before the form was sent
	Valid  bool
	Admin  bool // ADMIN_BEARER is set
}

// Done reports whether the set-up link has just ended.
func (p setupPage) Done() bool { return p.Valid && p.Setup != "" }

// Action returns where the form is sent: to the page's own URL, relative because a
// proxy may have put it under a prefix, and back to the form.
func (p setupPage) Action() string {
	if p.Setup == "" {
		return "?#try"
	}
	return "?" + url.Values{"setup": {p.Setup}}.Encode() + "#try"
}

func newShownKey(e totp.Entry) (shownKey, error) {
	svg, err := qrcode.SVG(e.URI(), api.QRTitle)
	if err != nil && !errors.Is(err, qrcode.ErrTooLong) {
		return shownKey{}, fmt.Errorf("drawing the QR code: %w", err)
	}
	if len(svg) > maxQR {
		svg = ""
	}
	k := e.Key
	return shownKey{
		Issuer:  e.Issuer,
		Account: e.Account,
		Secret:  groups(k.Secret().Base32()),
		Details: fmt.Sprintf("time-based, %v, %d digits, every %v seconds", k.Algorithm(), k.Digits(), int(k.Period().Seconds())),
		URI:     template.URL(e.URI()),
		QR:      template.HTML(svg),
		Dense:   len(svg) > denseQR,
		Digits:  k.Digits(),
	}, nil
}

func groups(s string) (four []string) {
	for len(s) > 4 {
		four, s = append(four, s[:4]), s[4:]
	}
	return append(four, s)
}

func (s *Server) getSetup(w http.ResponseWriter, r *http.Request) error {
	setup, err := s.enter(r)
	if err != nil {
		return err
	}
	return s.showSetup(w, setupPage{Setup: setup})
}

// postSetup tries the code of the page's form. It reads the form before it asks the
// store, because net/http notices only then that a caller leaves.
func (s *Server) postSetup(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	setup, err := s.enter(r)
	if err != nil {
		return err
	}
	verdict, err := s.config.Verifier.Check(r.Context(), verifier.Attempt{Code: totp.TidyCode(r.PostForm.Get("code"))})
	if err != nil {
		return err
	}
	recordOf(r).decided(verdict)
	return s.showSetup(w, setupPage{Setup: setup, Result: api.VerdictOf(verdict, nil).Sentence(s.pages.key.Digits), Valid: verdict.Valid})
}

// setupTime is how long a set-up link works. Whoever starts a server is at hand.
const setupTime = time.Hour

// A setupLink is good until its time is over or the account has accepted a code.
type setupLink struct {
	token string // 130 random bits
	until time.Time
	ended *atomic.Bool // seen to have ended: the database may be made to forget that
}

func newSetupLink(now time.Time) setupLink {
	return setupLink{rand.Text(), now.Add(setupTime), new(atomic.Bool)}
}

// Only a caller with the token of the set-up link is told of these.
var (
	errLinkEnded = problem{http.StatusUnauthorized, "the set-up link has ended: a code was accepted"}
	errLinkLate  = problem{http.StatusUnauthorized, "the set-up link has ended: its hour is over"}
)

// enter returns nil if a request may see the default account's secret: it has the admin
// bearer as the password of HTTP Basic, or the set-up link within its hour and before
// the account has accepted a code. With the link, enter returns its token.
func (s *Server) enter(r *http.Request) (setup string, err error) {
	if _, password, ok := r.BasicAuth(); ok {
		if scope, by := s.bearers.Load().find(password); scope == scopeAdmin {
			recordOf(r).origin.By = by
			return "", nil
		}
	}
	setup = r.URL.Query().Get("setup")
	if subtle.ConstantTimeCompare([]byte(setup), []byte(s.setup.token)) != 1 {
		return "", problem{http.StatusUnauthorized, "no way in"}
	}
	enrolled, err := s.config.Verifier.Enrolled(r.Context())
	switch {
	case err != nil:
		return "", err
	case enrolled, s.setup.ended.Load():
		s.setup.ended.Store(true)
		return "", errLinkEnded
	case !s.config.Clock().Before(s.setup.until):
		return "", errLinkLate
	}
	recordOf(r).origin.By = "page"
	return setup, nil
}

func (s *Server) showSetup(w http.ResponseWriter, p setupPage) error {
	p.shownKey, p.Admin = s.pages.key, s.hasAdmin()
	return render(w, http.StatusOK, s.pages.top.Lookup("setup.html"), p)
}

// refuse shows why a request may not see the page, and how to get there.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, _ := answerTo(err)
	why := refusal{Unavailable: status == http.StatusServiceUnavailable, Ended: err == errLinkEnded, Late: err == errLinkLate, Admin: s.hasAdmin()}
	switch {
	case why.Unavailable:
	case why.Admin:
		w.Header().Set("WWW-Authenticate", `Basic realm="totpctl", charset="UTF-8"`)
	default: // without an admin bearer no password is right, and a browser must not ask for one
		w.Header().Set("WWW-Authenticate", `Setup-Link realm="totpctl"`)
	}
	showRefusal(w, r, status, s.pages.top.Lookup("refused.html"), why)
}
