package server

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

// enrolCookie is the name of the cookie that ties an enrolment link to the browser that
// opened it.
func (s *Server) enrolCookie() string { return s.cookiePrefix() + "enrolment" }

// What the cookie says of a link beside the verifier's value, so that a browser can be told
// what became of its own link.
const (
	cookieOpened = "opened." // before the value: this browser has opened the link
	cookieDone   = "done"    // in place of the value: its person has kept the recovery codes
	cookieCodes  = "codes"   // the same, of a link for new recovery codes
)

// memoryTime is how long a browser's cookie outlives its link.
const memoryTime = 24 * time.Hour

// getEnrol shows a button and no secret. Mail scanners and message previews follow links;
// for them the link stays unopened. The browser that has opened the link sees the key
// instead, and the recovery codes once it has confirmed the account.
func (s *Server) getEnrol(w http.ResponseWriter, r *http.Request) error {
	recordOf(r).origin.By = byLink
	seen, err := s.config.Verifier.Peek(r.Context(), r.PathValue("token"), s.cookieOf(r))
	if err != nil {
		return err
	}
	recordOf(r).account = seen.Account
	switch {
	case seen.Codes != nil:
		return s.showCodes(w, r, seen)
	case seen.Opened:
		return s.showPending(w, r)
	}
	p := pages.Enrol{Issuer: seen.Issuer, Codes: seen.Kind == verifier.LinkCodes}
	p.Cookie = verifier.NewCookie() // the first browser that presses the button wins, and may be this one
	http.SetCookie(w, s.linkCookie(r.PathValue("token"), p.Cookie, seen.Until.Sub(s.config.Clock())))
	return s.render(w, r, http.StatusOK, p)
}

func (s *Server) showCodes(w http.ResponseWriter, r *http.Request, seen verifier.Sight) error {
	now := s.config.Clock()
	return s.render(w, r, http.StatusOK, pages.Recovery{
		Issuer: seen.Issuer, Account: seen.Label, Codes: pages.Groups(seen.Codes), Renewed: seen.Kind == verifier.LinkCodes,
		Left: api.Seconds(seen.Until.Sub(now)), Now: now, Address: s.config.PublicURL.String(),
	})
}

// cookieFromPage reports whether the form repeats the request's cookie, so that our page has
// set it and nobody has planted it.
func (s *Server) cookieFromPage(r *http.Request) bool {
	cookie := s.cookieOf(r)
	return cookie != "" && r.PostForm.Get("browser") == cookie
}

// byLink is Origin.By for a request that comes by an enrolment link.
const byLink = "link"

// postEnrol opens the link, tries the code of the form, or ends the link when the recovery
// codes have been kept. Each redirects to what getEnrol then shows.
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
	return s.openLink(w, r)
}

// openLink opens the link, or opens it again for the browser that has opened it.
func (s *Server) openLink(w http.ResponseWriter, r *http.Request) error {
	open := s.config.Verifier.Open
	if s.cookieFromPage(r) { // then the link may be bound to it; otherwise Open makes a fresh one
		open = s.config.Verifier.OpenOwn
	}
	e, err := open(r.Context(), r.PathValue("token"), s.cookieOf(r))
	switch {
	case errors.Is(err, verifier.ErrConfirmed):
		return s.redirectToCodes(w, r)
	case err != nil:
		return err
	}
	recordOf(r).account = e.Account
	return s.redirectToLink(w, r, e.Cookie, e.Until.Sub(s.config.Clock()))
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
	s.keepVerdict(w, s.pathOf("enrol", r.PathValue("token")), verdict)
	return seeOther(w, r.PathValue("token")+"#code")
}

// redirectToCodes redirects to the recovery codes. The cookie is renewed for KeepTime, in
// which the codes can be shown.
func (s *Server) redirectToCodes(w http.ResponseWriter, r *http.Request) error {
	return s.redirectToLink(w, r, s.cookieOf(r), verifier.KeepTime)
}

// redirectToLink sets the cookie of the browser that has opened the link, and redirects to
// the link, whose reload then sends no form.
func (s *Server) redirectToLink(w http.ResponseWriter, r *http.Request, cookie string, left time.Duration) error {
	token := r.PathValue("token")
	http.SetCookie(w, s.linkCookie(token, cookieOpened+cookie, left+memoryTime))
	return seeOther(w, token)
}

// acknowledge ends the link and redirects to one page for every link. A link that has ended
// before leads there, too, because a form may be sent twice.
func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	token, done, end := r.PathValue("token"), cookieDone, "../enrolled"
	if r.PostForm.Get("kept") == keptCodes {
		done, end = cookieCodes, end+"?"+keptCodes
	}
	switch err := s.config.Verifier.Acknowledge(r.Context(), token, s.cookieOf(r)); {
	case err == nil:
		http.SetCookie(w, s.linkCookie(token, done, memoryTime))
	case !errors.Is(err, verifier.ErrLink):
		return err
	}
	return seeOther(w, end)
}

// keptCodes is what the form of a link for new recovery codes says.
const keptCodes = "codes"

// seeOther redirects to a relative URL. A proxy may serve the site under a path prefix,
// which http.Redirect would leave out.
func seeOther(w http.ResponseWriter, to string) error {
	pages.SetOpenerPolicy(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (s *Server) getEnrolled(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, pages.Done{Codes: r.URL.RawQuery == keptCodes})
}

// showPending shows the pending key to the browser that has opened the link, with the
// verdict on the code that it has just sent.
func (s *Server) showPending(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	e, err := s.config.Verifier.Open(r.Context(), token, s.cookieOf(r))
	if err != nil {
		return err
	}
	p := pages.Setup{Left: api.Seconds(e.Until.Sub(s.config.Clock()))}
	if p.Key, err = pages.NewKey(e.Entry); err != nil {
		return internal("showing the page failed", err)
	}
	p.Result = s.keptVerdict(w, r, s.pathOf("enrol", token), p.Digits)
	return s.render(w, r, http.StatusOK, p)
}

// linkCookieOf returns the value of the link's cookie, "" without one.
func (s *Server) linkCookieOf(r *http.Request) string { return cookieValue(r, s.enrolCookie()) }

// cookieOf returns the verifier's part of the link's cookie, "" without one.
func (s *Server) cookieOf(r *http.Request) string {
	return strings.TrimPrefix(s.linkCookieOf(r), cookieOpened)
}

// linkCookie returns a cookie that browsers send to the link's path alone.
func (s *Server) linkCookie(token, value string, age time.Duration) *http.Cookie {
	return s.newCookie(s.enrolCookie(), value, s.pathOf("enrol", token), age)
}

// refuseLink shows one page for every link that is not good, so that the page does not
// reveal whether an account exists. The browser that has opened the link, or ended it, is
// told what became of it.
func (s *Server) refuseLink(w http.ResponseWriter, r *http.Request, err error) {
	switch known := s.linkCookieOf(r); {
	case !errors.Is(err, verifier.ErrLink) && !errors.Is(err, verifier.ErrNoAccount) && !errors.Is(err, verifier.ErrNotPending):
		s.showRefusal(w, r, http.StatusServiceUnavailable, pages.Refused{Unavailable: true})
	case known == cookieDone, known == cookieCodes:
		s.showRefusal(w, r, http.StatusOK, pages.Done{Codes: known == cookieCodes})
	case strings.HasPrefix(known, cookieOpened):
		s.showRefusal(w, r, http.StatusNotFound, pages.Ended{Mine: true})
	default:
		// A browser withholds the cookie (SameSite=Strict) if another site's page led
		// here. The page's button sends the cookie, so that its owner can go on.
		s.showRefusal(w, r, http.StatusNotFound, pages.Ended{Button: r.Method != http.MethodPost})
	}
}
