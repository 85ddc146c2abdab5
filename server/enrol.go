package server

import (
	"errors"
	"net/http"
	"path"
	"time"

	"totpctl/server/api"
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

// A recoveryPage is what recovery.html shows.
type recoveryPage struct {
	Issuer, Account string
	Codes           [][]string // in groups of four letters
	Left            string     // how long the page can be shown again
}

func (s *Server) newRecoveryPage(c verifier.Sight) recoveryPage {
	p := recoveryPage{Issuer: c.Issuer, Account: c.Label, Left: api.InWords(api.Seconds(c.Until.Sub(s.config.Clock())))}
	for _, code := range c.Codes {
		p.Codes = append(p.Codes, groups(code))
	}
	return p
}

// getEnrol shows a button, because previews of messages and scanners of mail follow
// links: they see no secret, and the link stays unopened. To the browser that has
// confirmed the account getEnrol shows the recovery codes.
func (s *Server) getEnrol(w http.ResponseWriter, r *http.Request) error {
	recordOf(r).origin.By = byLink
	c, err := s.config.Verifier.Peek(r.Context(), r.PathValue("token"), s.cookieOf(r))
	if err != nil {
		return err
	}
	recordOf(r).account = c.Account
	if c.Codes != nil {
		return render(w, http.StatusOK, s.pages.below.Lookup("recovery.html"), s.newRecoveryPage(c))
	}
	p := buttonPage{Issuer: c.Issuer}
	if !c.Opened {
		p.Cookie = verifier.NewCookie()
		http.SetCookie(w, s.linkCookie(r.PathValue("token"), p.Cookie, c.Until.Sub(s.config.Clock())))
	}
	return render(w, http.StatusOK, s.pages.below.Lookup("enrol.html"), p)
}

// A buttonPage is what enrol.html shows. Its form tells the cookie, too: no other
// site can have a browser send both.
type buttonPage struct{ Issuer, Cookie string }

// ownCookie reports whether a form came with the cookie that its page has set.
func (s *Server) ownCookie(r *http.Request) bool {
	cookie := s.cookieOf(r)
	return cookie != "" && r.PostForm.Get("browser") == cookie
}

// byLink is who asks with an enrolment link, as an Origin names that.
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
		return s.showCodes(w, r)
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
		return s.showCodes(w, r)
	}
	return s.showPending(w, r, &verdict)
}

// showCodes redirects to the recovery codes, so that reloading them sends no form again.
// The cookie lives as long as they are shown.
func (s *Server) showCodes(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	http.SetCookie(w, s.linkCookie(token, s.cookieOf(r), verifier.KeepTime))
	return seeOther(w, token)
}

// acknowledge ends the link. The page that says so is the same for every link, also
// for one that has ended before: a form may be sent twice.
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

// seeOther redirects to a URL that is relative to the page's: a proxy may have put both
// under a prefix, which http.Redirect would leave out.
func seeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (s *Server) getEnrolled(w http.ResponseWriter, r *http.Request) error {
	return render(w, http.StatusOK, s.pages.top.Lookup("done.html"), nil)
}

// showPending opens the link, or shows it again to the browser that has opened it: a web
// page with the pending key and, if the browser has sent a code, the verdict.
func (s *Server) showPending(w http.ResponseWriter, r *http.Request, verdict *verifier.Verdict) error {
	token := r.PathValue("token")
	open := s.config.Verifier.Open
	if s.ownCookie(r) {
		open = s.config.Verifier.OpenOwn
	}
	e, err := open(r.Context(), token, s.cookieOf(r))
	if err != nil {
		return err
	}
	recordOf(r).account = e.Account
	left := e.Until.Sub(s.config.Clock())
	p := setupPage{Left: api.InWords(api.Seconds(left))}
	if p.shownKey, err = newShownKey(e.Entry); err != nil {
		return internal("showing the page failed", err)
	}
	if verdict != nil {
		p.Result = api.VerdictOf(*verdict, nil).Sentence(p.Digits)
	}
	http.SetCookie(w, s.linkCookie(token, e.Cookie, left))
	return render(w, http.StatusOK, s.pages.below.Lookup("setup.html"), p)
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

// refuseLink shows one page for every link that is not good, so that the page tells
// nothing of an account.
func (s *Server) refuseLink(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, verifier.ErrLink), errors.Is(err, verifier.ErrNoAccount), errors.Is(err, verifier.ErrNotPending):
		// SameSite=Strict keeps the cookie back if another site's page led here. The
		// button of this page sends the cookie, and so leads on.
		showRefusal(w, r, http.StatusNotFound, s.pages.below.Lookup("ended.html"), r.Method != http.MethodPost)
	default:
		showRefusal(w, r, http.StatusServiceUnavailable, s.pages.below.Lookup("refused.html"), refusal{Unavailable: true})
	}
}
