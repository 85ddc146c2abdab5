package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"totpctl/server/pages"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

// byRecover is Origin.By for a request of the page /recover.
const byRecover = "recover"

// recoverable reports whether there is a page on which a recovery code begins a new
// enrolment. It shows a secret, and takes one.
func (s *Server) recoverable() bool { return s.config.SelfService && s.linksAreMade() }

// recoverCookie brings back to the form what was typed for an account: not in a URL, because
// people type passwords into fields for names.
func (s *Server) recoverCookie() string { return s.cookiePrefix() + "recover" }

// getRecover shows the form, after a refusal with the account that was typed. An application
// may fill in the account that its first factor has found.
func (s *Server) getRecover(w http.ResponseWriter, r *http.Request) error {
	page := pages.Recover{Account: r.URL.Query().Get("account")}
	if c, err := r.Cookie(s.recoverCookie()); err == nil {
		http.SetCookie(w, s.newCookie(s.recoverCookie(), "", s.pathOf("recover"), -time.Second))
		if typed, err := url.QueryUnescape(c.Value); err == nil {
			page = pages.Recover{Account: typed, Why: pages.NotRecovered}
		}
	}
	return s.render(w, r, http.StatusOK, page)
}

// postRecover redirects the browser to the link of its new enrolment, or back to the form. What
// it refuses has one answer, whether the account exists or not.
func (s *Server) postRecover(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	rec, page := recordOf(r), pages.Recover{Account: strings.TrimSpace(r.PostForm.Get("account"))}
	rec.origin.By = byRecover
	e, err := s.config.Verifier.Recover(r.Context(), page.Account, r.PostForm.Get("recovery_code"))
	switch {
	case errors.Is(err, verifier.ErrRecover):
		rec.verdict, rec.free = string(verifier.ReasonInvalid), true
		http.SetCookie(w, s.newCookie(s.recoverCookie(), cookieText(page.Account), s.pathOf("recover"), verdictTime))
		return seeOther(w, "recover")
	case errors.Is(err, verifier.ErrBusy):
		rec.origin.By = "" // a stranger
		w.Header().Set("Retry-After", "1")
		page.Why = pages.RecoverBusy
		return s.render(w, r, http.StatusTooManyRequests, page)
	case err != nil:
		return err
	}
	rec.account = e.Account
	http.SetCookie(w, s.linkCookie(e.Token, cookieOpened+e.Cookie, verifier.OpenTime+memoryTime))
	return seeOther(w, "enrol/"+e.Token)
}

// maxCookieText is the length of the longest name, escaped. Proxies answer a header of 4 KiB with
// 502, and browsers drop a cookie of that size.
const maxCookieText = totp.MaxName * utf8.UTFMax * len("%FF")

// cookieText returns what getRecover reads, "" of what is longer than a name.
func cookieText(name string) string {
	if text := url.QueryEscape(name); len(text) <= maxCookieText {
		return text
	}
	return ""
}

// refuseRecover says why there is no page: there is none without SelfService, or the store does
// not answer.
func (s *Server) refuseRecover(w http.ResponseWriter, r *http.Request, err error) {
	if status, _ := answerTo(err); status != http.StatusServiceUnavailable {
		writeError(w, r, err)
		return
	}
	s.showRefusal(w, r, http.StatusServiceUnavailable, pages.Refused{Unavailable: true})
}
