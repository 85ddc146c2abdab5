package server

import (
	"errors"
	"net/http"
	"path"
	"time"

	"totpctl/totp/verifier"
)

// enrolCookie is the name of the cookie that ties an enrolment link to the browser
// that opened it.
const enrolCookie = "enrolment"

// A recoveryPage is what recovery.html shows, once.
type recoveryPage struct {
	Issuer, Account string
	Codes           [][]string // in groups of four letters
}

func newRecoveryPage(issuer, account string, codes []string) recoveryPage {
	p := recoveryPage{Issuer: issuer, Account: account}
	for _, code := range codes {
		p.Codes = append(p.Codes, groups(code))
	}
	return p
}

// getEnrol shows a button: what fetches a link before its owner does, such as a
// message's preview, sees no secret and opens nothing.
func (s *Server) getEnrol(w http.ResponseWriter, r *http.Request) {
	if _, err := s.config.Verifier.Peek(r.Context(), r.PathValue("token"), browserOf(r)); err != nil {
		s.refuseLink(w, r, err)
		return
	}
	render(w, http.StatusOK, s.pages.below.Lookup("enrol.html"), s.config.Key.Issuer())
}

// postEnrol opens the link, or tries the code of the page that this showed.
func (s *Server) postEnrol(w http.ResponseWriter, r *http.Request) {
	if err := readForm(w, r); err != nil {
		writeError(w, err)
		return
	}
	answer := s.openLink
	if r.PostForm.Has("code") {
		answer = s.confirmByLink
	}
	if err := answer(w, r); err != nil {
		s.refuseLink(w, r, err)
	}
}

func (s *Server) openLink(w http.ResponseWriter, r *http.Request) error {
	p, err := s.open(w, r)
	if err != nil {
		return err
	}
	render(w, http.StatusOK, s.pages.below.Lookup("setup.html"), p)
	return nil
}

func (s *Server) confirmByLink(w http.ResponseWriter, r *http.Request) error {
	ctx, token, browser := r.Context(), r.PathValue("token"), browserOf(r)
	name, err := s.config.Verifier.Peek(ctx, token, browser)
	if err != nil {
		return err
	}
	verdict, codes, err := s.config.Verifier.ConfirmByLink(ctx, token, browser, tidy(r.PostForm.Get("code")))
	if err != nil {
		return err
	}
	note(w, "verdict", verdictName(verdict))
	if verdict.Valid {
		http.SetCookie(w, s.browserCookie(token, "", -time.Second))
		render(w, http.StatusOK, s.pages.below.Lookup("recovery.html"), newRecoveryPage(s.config.Key.Issuer(), name, codes))
		return nil
	}
	p, err := s.open(w, r)
	if err != nil {
		return err
	}
	p.Result = p.explain(verdict)
	render(w, http.StatusOK, s.pages.below.Lookup("setup.html"), p)
	return nil
}

// open returns the page of the pending account for the browser that opens the link
// or has opened it.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (p setupPage, err error) {
	token := r.PathValue("token")
	e, err := s.config.Verifier.Open(r.Context(), token, browserOf(r))
	if err != nil {
		return p, err
	}
	if p.enrolment, err = newEnrolment(e.Key); err != nil {
		return p, err
	}
	left := e.Until.Sub(s.config.Clock())
	p.Left = inWords(seconds(left))
	http.SetCookie(w, s.browserCookie(token, e.Browser, left))
	return p, nil
}

func browserOf(r *http.Request) string {
	c, err := r.Cookie(enrolCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// browserCookie is sent back to the link alone, and by no other site's page.
func (s *Server) browserCookie(token, browser string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: enrolCookie, Value: browser, MaxAge: seconds(age),
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
