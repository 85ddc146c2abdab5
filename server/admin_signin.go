package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp"
	"totpctl/totp/session"
	"totpctl/totp/verifier"
)

// A signInError says why somebody was not signed in.
type signInError struct {
	problem
	why  string        // one of package pages', "" if the form says it
	wait time.Duration // before the next attempt
}

func (e signInError) Unwrap() error { return e.problem }

// The reasons why somebody was not signed in.
var (
	errSignInBearer  = signInError{problem: problem{http.StatusUnauthorized, "not the ADMIN_BEARER"}, why: pages.WrongKey}
	errSignInAccount = signInError{problem: problem{http.StatusServiceUnavailable, "ADMIN_ACCOUNT names no account"}, why: pages.NoAdminAccount}
	errSignInOff     = signInError{problem: problem{http.StatusUnauthorized, "there is no ADMIN_BEARER"}, why: ""}
)

func errSignInWait(wait time.Duration) error {
	return signInError{problem{http.StatusTooManyRequests, "too many failed sign-ins"}, pages.TooManyTries, wait}
}

func errSignInCode(v verifier.Verdict) error {
	return signInError{problem{http.StatusUnauthorized, "the code is not valid"}, pages.WrongCode(v.Reason), v.RetryAfter}
}

func (s *Server) getSignIn(w http.ResponseWriter, r *http.Request) error {
	switch err := s.findSession(r); {
	case err == nil:
		return seeOther(w, "../admin")
	case err != errNotSignedIn:
		return err
	}
	return s.render(w, r, http.StatusOK, s.signInPage("admin", signInError{}, r.URL.Query().Has("out")))
}

// postSignIn begins a session with a fresh id, whatever id the browser has sent: an attacker may
// have planted that (session fixation).
func (s *Server) postSignIn(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	holder, err := s.prove(r)
	if err != nil {
		return err
	}
	var id string
	err = s.config.Verifier.SignIn(r.Context(), func(ctx context.Context) (err error) {
		id, err = s.config.Sessions.Begin(ctx, holder)
		return err
	})
	if err != nil {
		return err
	}
	s.endSession(r.Context(), r)
	s.setSession(w, id)
	return seeOther(w, "../"+nextPage(r.PostForm.Get("next")))
}

// prove returns the holder of the session that a sign-in form begins. A stranger's guess costs
// ADMIN_ACCOUNT nothing, because its code is looked at after the bearer.
func (s *Server) prove(r *http.Request) (holder string, err error) {
	holder, err = s.proveBearer(r)
	if err != nil || s.config.AdminAccount == "" {
		return holder, err
	}
	if err := s.proveCode(r); err != nil {
		return "", err
	}
	return holder, nil
}

// proveBearer returns the holder whose ADMIN_BEARER the form has. Wrong bearers alone are
// bounded: whoever has a right one never waits for strangers.
func (s *Server) proveBearer(r *http.Request) (holder string, err error) {
	text := strings.TrimSpace(r.PostForm.Get("bearer"))
	has, by := s.bearers.Load().find(text)
	switch {
	case !s.hasAdmin(), s.config.Sessions == nil:
		return "", errSignInOff
	case has != scopeAdmin:
		if wait := s.tries.take(recordOf(r).origin.Network()); wait > 0 {
			return "", errSignInWait(wait)
		}
		return "", errSignInBearer
	}
	recordOf(r).origin.By = by
	return holderOf(sha256.Sum256([]byte(text)), s.config.AdminAccount), nil
}

// proveCode returns nil if the form has a code of ADMIN_ACCOUNT, whose own throttle bounds
// guesses.
func (s *Server) proveCode(r *http.Request) error {
	verdict, err := s.config.Verifier.Check(r.Context(), attemptOf(s.config.AdminAccount, r.PostForm.Get("code")))
	switch {
	case errors.Is(err, verifier.ErrNoAccount), errors.Is(err, verifier.ErrName):
		s.config.Log.Error("nobody can sign in: ADMIN_ACCOUNT names no account", "account", s.config.AdminAccount)
		return errSignInAccount
	case err != nil:
		return err
	}
	recordOf(r).decided(verdict)
	if !verdict.Valid {
		return errSignInCode(verdict)
	}
	return nil
}

// attemptOf reads what people type for a code: an authenticator's, or a recovery code.
func attemptOf(account, text string) verifier.Attempt {
	if code, ok := verifier.TidyRecoveryCode(text); ok {
		return verifier.Attempt{Account: account, RecoveryCode: code}
	}
	return verifier.Attempt{Account: account, Code: totp.TidyCode(text)}
}

// endSession ends the session that the browser has had, which nobody needs any more.
func (s *Server) endSession(ctx context.Context, r *http.Request) error {
	id := s.sessionID(r)
	if id == "" || s.config.Sessions == nil {
		return nil
	}
	if err := s.config.Sessions.End(ctx, id); !errors.Is(err, session.ErrNone) {
		return err
	}
	return nil
}

func (s *Server) postSignOut(w http.ResponseWriter, r *http.Request) error {
	err := s.findSession(r)
	if err == nil {
		err = s.config.Verifier.SignOut(r.Context(), func(ctx context.Context) error { return s.endSession(ctx, r) })
	}
	unaudited := errors.Is(err, verifier.ErrWitness)
	if err != nil && err != errNotSignedIn && !unaudited {
		return err
	}
	s.setSession(w, "")
	s.forgetOutcome(w)
	if unaudited { // the session has ended all the same
		return err
	}
	return seeOther(w, "sign-in?out=1")
}

// signInPages are where a sign-in may lead; "" is "/".
var signInPages = []string{"", "admin", "admin/account", "admin/add"}

// nextPage returns the page that a sign-in leads to, relative to "/". It keeps the form from
// leading to another site.
func nextPage(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.IsAbs() || u.Host != "" || !slices.Contains(signInPages, u.Path) {
		return "admin"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

func (s *Server) signInPage(next string, failed signInError, out bool) pages.SignIn {
	return pages.SignIn{Next: next, Why: failed.why, Wait: api.Seconds(failed.wait), WithCode: s.config.AdminAccount != "",
		Off: !s.hasAdmin() || s.config.Sessions == nil, Out: out, InTheClear: !s.secure() && !api.Loopback(s.config.PublicURL.Hostname())}
}

// refuseAdmin shows the sign-in form to whoever is not signed in.
func (s *Server) refuseAdmin(w http.ResponseWriter, r *http.Request, err error) {
	failed, isSignIn := errors.AsType[signInError](err)
	why, isRefused := refusedChange(err)
	switch {
	case isRefused:
		s.showRefusal(w, r, http.StatusConflict, pages.AdminProblem{Why: why})
	case isSignIn:
		s.refuseSignIn(w, r, failed)
	case errors.Is(err, errNotSignedIn):
		next := "admin"
		if r.Method != http.MethodPost {
			next = nextPage(strings.TrimPrefix(r.URL.RequestURI(), "/"))
		}
		w.Header().Set("WWW-Authenticate", `Sign-In realm="totpctl"`) // RFC 9110 wants one; no browser knows it
		s.showRefusal(w, r, http.StatusUnauthorized, s.signInPage(next, signInError{}, false))
	case errors.Is(err, verifier.ErrNoAccount), errors.Is(err, verifier.ErrName):
		s.showRefusal(w, r, http.StatusNotFound, pages.AdminProblem{Why: pages.NoAccount})
	case errors.Is(err, errNoPage):
		s.showRefusal(w, r, http.StatusNotFound, pages.AdminProblem{Why: pages.NoAdminPage})
	default:
		s.showRefusal(w, r, http.StatusServiceUnavailable, pages.Refused{Unavailable: true})
	}
}

func (s *Server) refuseSignIn(w http.ResponseWriter, r *http.Request, failed signInError) {
	if failed.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Sign-In realm="totpctl"`)
	}
	if failed.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(api.Seconds(failed.wait)))
	}
	s.showRefusal(w, r, failed.status, s.signInPage(nextPage(r.PostForm.Get("next")), failed, false))
}
