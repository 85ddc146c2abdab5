package server

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync/atomic"
	"time"

	"totpctl/server/pages"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

// getSetup shows the default account's QR code, and the verdict on a code that was tried before.
func (s *Server) getSetup(w http.ResponseWriter, r *http.Request) error {
	setup, err := s.enter(r)
	if err != nil {
		return err
	}
	result := s.keptVerdict(w, r, s.pathOf(), s.config.Entry.Key.Digits())
	return s.render(w, r, http.StatusOK, pages.Setup{Key: s.pages.DefaultKey(), Token: setup, Result: result, Admin: s.hasAdmin()})
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
	verdict, err := s.config.Verifier.Check(r.Context(), verifier.Attempt{Code: totp.TidyCode(r.PostForm.Get("code")), ShowsSecret: true})
	if err != nil {
		return err
	}
	recordOf(r).decided(verdict)
	if verdict.Valid && setup != "" { // the link has ended, and says so kindly to this browser
		http.SetCookie(w, s.newCookie(s.doneCookie(), s.setup.done, s.pathOf(), doneTime))
	} else {
		s.keepVerdict(w, s.pathOf(), verdict)
	}
	return seeOther(w, pages.Setup{Token: setup}.Action())
}

// setupTime is how long a set-up link works. Whoever starts a server is at hand.
const setupTime = time.Hour

// A setupLink is good until its time is over or the account has accepted a code.
type setupLink struct {
	token string // 130 random bits
	done  string // value of the cookie of the browser that has ended the link, as random
	until time.Time
	ended *atomic.Bool // seen to have ended: the database may be made to forget that
}

func newSetupLink(now time.Time) setupLink {
	return setupLink{rand.Text(), rand.Text(), now.Add(setupTime), new(atomic.Bool)}
}

// Only a caller with the token of the set-up link is told of these.
var (
	errLinkEnded = problem{http.StatusUnauthorized, "the set-up link has ended: a code was accepted"}
	errLinkLate  = problem{http.StatusUnauthorized, "the set-up link has ended: its hour is over"}
)

// doneTime is how long a browser is told that it is done.
const doneTime = 24 * time.Hour

func (s *Server) doneCookie() string { return s.cookiePrefix() + "setup" }

// isDone reports whether a request comes from the browser that has ended the set-up link.
func (s *Server) isDone(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(cookieValue(r, s.doneCookie())), []byte(s.setup.done)) == 1
}

// enter returns an error unless a request may see the default account's secret. Such a request
// has an admin bearer as the password of HTTP Basic, a session, or the set-up link within its
// hour and before the account has accepted a code. With the link, enter returns its token.
func (s *Server) enter(r *http.Request) (setup string, err error) {
	if _, password, ok := r.BasicAuth(); ok {
		if scope, by := s.bearers.Load().find(password); scope == scopeAdmin {
			recordOf(r).origin.By = by
			return "", nil
		}
	}
	if err := s.findSession(r); err != errNotSignedIn {
		return "", err
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

// refuse shows why a request may not see the page, and how to get there. No browser is made
// to ask for a password: its dialog can neither explain nor sign out.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if err == errLinkEnded && s.isDone(r) {
		s.showRefusal(w, r, http.StatusOK, pages.Done{Setup: true})
		return
	}
	status, _ := answerTo(err)
	why := pages.Refused{Unavailable: status == http.StatusServiceUnavailable, Ended: err == errLinkEnded, Late: err == errLinkLate, Admin: s.hasAdmin()}
	if why.Admin && s.config.Sessions != nil && !why.Unavailable {
		form := s.signInPage("", signInError{}, false)
		why.SignIn = &form
	}
	switch {
	case why.Unavailable:
	case why.Admin && !fromPerson(r): // whose browser would ask for a password by itself
		w.Header().Set("WWW-Authenticate", `Basic realm="totpctl", charset="UTF-8"`)
	default: // no browser knows this scheme, and none asks for a password
		w.Header().Set("WWW-Authenticate", `Setup-Link realm="totpctl"`)
	}
	s.showRefusal(w, r, status, why)
}
