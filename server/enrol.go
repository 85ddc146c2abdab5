package server

import (
	"errors"
	"net/http"
	"path"
	"time"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp"
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

// getEnrol shows a button and no secret. Mail scanners and message previews follow links;
// for them the link stays unopened. The browser that has confirmed the account sees its
// recovery codes instead.
func (s *Server) getEnrol(w http.ResponseWriter, r *http.Request) error {
	recordOf(r).origin.By = byLink
	seen, err := s.config.Verifier.Peek(r.Context(), r.PathValue("token"), s.cookieOf(r))
	if err != nil {
		return err
	}
	recordOf(r).account = seen.Account
	if seen.Codes != nil { // this browser has confirmed the account
		return s.render(w, r, http.StatusOK, pages.Recovery{Issuer: seen.Issuer, Account: seen.Label, Codes: pages.Groups(seen.Codes),
			Left: api.Seconds(seen.Until.Sub(s.config.Clock()))})
	}
	p := pages.Enrol{Issuer: seen.Issuer}
	if !seen.Opened { // the first browser that presses the button wins, and may be this one
		p.Cookie = verifier.NewCookie()
		http.SetCookie(w, s.linkCookie(r.PathValue("token"), p.Cookie, seen.Until.Sub(s.config.Clock())))
	}
	return s.render(w, r, http.StatusOK, p)
}

// cookieFromPage reports whether the form repeats the request's cookie, so that our page has
// set it and nobody has planted it.
func (s *Server) cookieFromPage(r *http.Request) bool {
	cookie := s.cookieOf(r)
	return cookie != "" && r.PostForm.Get("browser") == cookie
}

// byLink is Origin.By for a request that comes by an enrolment link.
const byLink = "link"

// postEnrol shows the QR code, tries the code of the form beside it, or ends the link
// when the recovery codes have been kept.
func (s *Server) postEnrol(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	recordOf(r).origin.By = byLink
	switch {
	case r.PostForm.Has("code"):
		return s.confirmByLink(w, r)
	case r.PostForm.Has("kept"):
		return s.acknowledge(w, r)
	}
	err := s.showPending(w, r, nil)
	if errors.Is(err, verifier.ErrConfirmed) {
		return s.redirectToCodes(w, r)
	}
	return err
}

func (s *Server) confirmByLink(w http.ResponseWriter, r *http.Request) error {
	account, verdict, err := s.config.Verifier.ConfirmByLink(r.Context(), r.PathValue("token"), s.cookieOf(r), totp.TidyCode(r.PostForm.Get("code")))
	if err != nil {
		return err
	}
	recordOf(r).account = account
	recordOf(r).decided(verdict)
	if verdict.Valid {
		return s.redirectToCodes(w, r)
	}
	return s.showPending(w, r, &verdict)
}

// redirectToCodes redirects to the recovery codes, whose reload then sends no form. The
// cookie is renewed for KeepTime, in which the codes can be shown.
func (s *Server) redirectToCodes(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	http.SetCookie(w, s.linkCookie(token, s.cookieOf(r), verifier.KeepTime))
	return seeOther(w, token)
}

// acknowledge ends the link and redirects to one page for every link. A link that has ended
// before leads there, too, because a form may be sent twice.
func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	switch err := s.config.Verifier.Acknowledge(r.Context(), token, s.cookieOf(r)); {
	case err == nil:
		http.SetCookie(w, s.linkCookie(token, "", -time.Second))
	case !errors.Is(err, verifier.ErrLink):
		return err
	}
	return seeOther(w, "../enrolled")
}

// seeOther redirects to a relative URL. A proxy may serve the site under a path prefix,
// which http.Redirect would leave out.
func seeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (s *Server) getEnrolled(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, pages.Done{})
}

// showPending shows the pending key and, after a code, its verdict. It opens the link, or
// shows it again to the browser that has opened it.
func (s *Server) showPending(w http.ResponseWriter, r *http.Request, verdict *verifier.Verdict) error {
	token := r.PathValue("token")
	open := s.config.Verifier.Open
	if s.cookieFromPage(r) { // then the link may be bound to it; otherwise Open makes a fresh one
		open = s.config.Verifier.OpenOwn
	}
	e, err := open(r.Context(), token, s.cookieOf(r))
	if err != nil {
		return err
	}
	recordOf(r).account = e.Account
	left := e.Until.Sub(s.config.Clock())
	p := pages.Setup{Left: api.Seconds(left)}
	if p.Key, err = pages.NewKey(e.Entry); err != nil {
		return internal("showing the page failed", err)
	}
	if verdict != nil {
		p.Result = &pages.Result{Verdict: *verdict, Digits: p.Digits}
	}
	http.SetCookie(w, s.linkCookie(token, e.Cookie, left))
	return s.render(w, r, http.StatusOK, p)
}

func (s *Server) cookieOf(r *http.Request) string {
	c, err := r.Cookie(s.enrolCookie())
	if err != nil {
		return ""
	}
	return c.Value
}

// linkCookie returns a cookie that browsers send to the link's path alone, and not from
// another site's page. A negative age ends the cookie.
func (s *Server) linkCookie(token, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: s.enrolCookie(), Value: value, MaxAge: api.Seconds(age),
		Path:     path.Join("/", s.config.PublicURL.EscapedPath(), "enrol", token),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.config.PublicURL.Scheme == "https",
	}
}

// refuseLink shows one page for every link that is not good, so that the page does not
// reveal whether an account exists.
func (s *Server) refuseLink(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, verifier.ErrLink), errors.Is(err, verifier.ErrNoAccount), errors.Is(err, verifier.ErrNotPending):
		// A browser withholds the cookie (SameSite=Strict) if another site's page led
		// here. The page's button sends the cookie, so that its owner can go on.
		withButton := r.Method != http.MethodPost
		s.showRefusal(w, r, http.StatusNotFound, pages.Ended{Button: withButton})
	default:
		s.showRefusal(w, r, http.StatusServiceUnavailable, pages.Refused{Unavailable: true})
	}
}
