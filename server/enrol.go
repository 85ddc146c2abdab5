package server

import (
	"errors"
	"net/http"
	"path"
	"time"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// enrolCookie is the name of the cookie that ties an enrolment link to the browser
// that opened it. A browser takes the prefix from https alone (RFC 6265bis).
func (s *Server) enrolCookie() string {
	if s.config.PublicURL.Scheme == "https" {
		return "__Secure-enrolment"
	}
	return "enrolment"
}

// A recoveryPage is what recovery.html shows.
type recoveryPage struct {
	Issuer, Account string
	Codes           [][]string // in groups of four letters
	Left            string     // how long the page can be shown again
}

func (s *Server) newRecoveryPage(c verifier.Confirmation) recoveryPage {
	p := recoveryPage{Issuer: c.Issuer, Account: c.Label, Left: api.InWords(api.Seconds(c.Until.Sub(s.config.Clock())))}
	for _, code := range c.Codes {
		p.Codes = append(p.Codes, groups(code))
	}
	return p
}

// getEnrol shows a button: what fetches a link before its owner does, such as a
// message's preview, sees no secret and opens nothing. To the browser that has
// confirmed it shows the recovery codes.
func (s *Server) getEnrol(w http.ResponseWriter, r *http.Request) {
	c, err := s.config.Verifier.Peek(r.Context(), r.PathValue("token"), s.cookieOf(r))
	switch {
	case err != nil:
		s.refuseLink(w, r, err)
	case c.Codes != nil:
		render(w, http.StatusOK, s.pages.below.Lookup("recovery.html"), s.newRecoveryPage(c))
	default:
		render(w, http.StatusOK, s.pages.below.Lookup("enrol.html"), c.Issuer)
	}
}

// postEnrol opens the link, tries the code of the page that this showed, or ends
// the link when the recovery codes have been kept.
func (s *Server) postEnrol(w http.ResponseWriter, r *http.Request) {
	if err := readForm(w, r); err != nil {
		writeError(w, err)
		return
	}
	answer := s.openLink
	switch {
	case r.PostForm.Has("code"):
		answer = s.confirmByLink
	case r.PostForm.Has("kept"):
		answer = s.acknowledge
	}
	if err := answer(w, r); err != nil {
		s.refuseLink(w, r, err)
	}
}

func (s *Server) openLink(w http.ResponseWriter, r *http.Request) error {
	p, err := s.open(w, r)
	if errors.Is(err, verifier.ErrConfirmed) {
		return s.showCodes(w, r)
	}
	if err != nil {
		return err
	}
	render(w, http.StatusOK, s.pages.below.Lookup("setup.html"), p)
	return nil
}

func (s *Server) confirmByLink(w http.ResponseWriter, r *http.Request) error {
	verdict, err := s.config.Verifier.ConfirmByLink(r.Context(), r.PathValue("token"), s.cookieOf(r), tidy(r.PostForm.Get("code")))
	if err != nil {
		return err
	}
	note(w, "verdict", verdictName(verdict))
	if verdict.Valid {
		return s.showCodes(w, r)
	}
	p, err := s.open(w, r)
	if err != nil {
		return err
	}
	p.Result = api.VerdictOf(verdict, nil).Sentence(p.Digits)
	render(w, http.StatusOK, s.pages.below.Lookup("setup.html"), p)
	return nil
}

// showCodes redirects to the page that shows the recovery codes, so that reloading
// it, or pressing Enter twice before it, sends no form again. The cookie lives as
// long as that page.
func (s *Server) showCodes(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	http.SetCookie(w, s.browserCookie(token, s.cookieOf(r), verifier.KeepTime))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", token) // beside this one, under whatever prefix a proxy has put it
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// acknowledge ends the link.
func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	if err := s.config.Verifier.Acknowledge(r.Context(), token, s.cookieOf(r)); err != nil {
		return err
	}
	http.SetCookie(w, s.browserCookie(token, "", -time.Second))
	render(w, http.StatusOK, s.pages.below.Lookup("done.html"), nil)
	return nil
}

// open returns the page of the pending account for the browser that opens the link
// or has opened it.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (p setupPage, err error) {
	token := r.PathValue("token")
	e, err := s.config.Verifier.Open(r.Context(), token, s.cookieOf(r))
	if err != nil {
		return p, err
	}
	if p.enrolment, err = newEnrolment(e.Entry); err != nil {
		return p, err
	}
	left := e.Until.Sub(s.config.Clock())
	p.Left = api.InWords(api.Seconds(left))
	http.SetCookie(w, s.browserCookie(token, e.Cookie, left))
	return p, nil
}

func (s *Server) cookieOf(r *http.Request) string {
	c, err := r.Cookie(s.enrolCookie())
	if err != nil {
		return ""
	}
	return c.Value
}

// browserCookie is sent back to the link alone, and by no other site's page.
func (s *Server) browserCookie(token, browser string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: s.enrolCookie(), Value: browser, MaxAge: api.Seconds(age),
		Path:     path.Join("/", s.config.PublicURL.EscapedPath(), "enrol", token),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.config.PublicURL.Scheme == "https",
	}
}

// refuseLink answers with one page for every link that is not good, so that it
// tells nothing of an account.
func (s *Server) refuseLink(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, verifier.ErrLink), errors.Is(err, verifier.ErrNoAccount), errors.Is(err, verifier.ErrNotPending):
		// A browser keeps the cookie back when another site's page led here; the
		// button on this one brings it along.
		render(w, http.StatusNotFound, s.pages.below.Lookup("ended.html"), r.Method != http.MethodPost)
	default:
		note(w, "error", err.Error())
		render(w, http.StatusServiceUnavailable, s.pages.below.Lookup("refused.html"), refusal{Unavailable: true})
	}
}
