package server

import (
	"bytes"
	"context"
	"crypto/subtle"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"totpctl/totp"
	"totpctl/totp/qrcode"
	"totpctl/totp/verifier"
)

//go:embed web
var web embed.FS

// pagePolicy lets a page use its own stylesheet and form and nothing else; the
// QR code is part of the page.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// pages are the templates, and what they show of the default account.
type pages struct {
	templates *template.Template
	enrolment enrolment
}

// An enrolment is what a person needs to set up an authenticator.
type enrolment struct {
	Issuer, Account string
	Secret          []string // base32 in groups of four
	Details         string
	QR              template.HTML
	Digits          int
}

// A page is what a template shows.
type page struct {
	enrolment
	Setup  string // the token of the set-up link that the page was opened with
	Done   bool   // the link has just ended
	Result string // of the form: "" before it was sent
	Valid  bool
}

func newPages(k totp.Key) (pages, error) {
	templates, err := template.ParseFS(web, "web/*.html")
	if err != nil {
		return pages{}, err
	}
	svg, err := qrcode.SVG(k.URI(), "QR code for an authenticator app")
	if err != nil {
		return pages{}, fmt.Errorf("drawing the QR code: %w", err)
	}
	return pages{templates, enrolment{
		Issuer:  k.Issuer(),
		Account: k.Account(),
		Secret:  groups(k.Secret().Base32()),
		Details: fmt.Sprintf("time-based, %v, %d digits, every %v seconds", k.Algorithm(), k.Digits(), k.Period()/time.Second),
		QR:      template.HTML(svg),
		Digits:  k.Digits(),
	}}, nil
}

func groups(s string) (four []string) {
	for len(s) > 4 {
		four, s = append(four, s[:4]), s[4:]
	}
	return append(four, s)
}

func (s *Server) getPage(w http.ResponseWriter, r *http.Request) {
	setup, err := s.enter(r)
	if err != nil {
		s.refusePage(w, err)
		return
	}
	s.showPage(w, page{enrolment: s.pages.enrolment, Setup: setup})
}

// postPage tries the code of the page's form.
func (s *Server) postPage(w http.ResponseWriter, r *http.Request) {
	setup, err := s.enter(r)
	if err != nil {
		s.refusePage(w, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		writeError(w, notForm(err))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	code := strings.NewReplacer(" ", "", "-", "").Replace(r.PostForm.Get("code"))
	verdict, err := s.config.Verifier.Check(ctx, verifier.Attempt{Code: code})
	if err != nil {
		s.refusePage(w, err)
		return
	}
	note(w, "verdict", verdictName(verdict))
	s.showPage(w, page{enrolment: s.pages.enrolment, Setup: setup, Result: explain(verdict), Valid: verdict.Valid, Done: verdict.Valid && setup != ""})
}

func notForm(err error) error {
	if status, _ := statusOf(err); status == http.StatusRequestEntityTooLarge {
		return err
	}
	return badRequest("body is not a form")
}

func explain(v verifier.Verdict) string {
	switch {
	case v.Valid:
		return "The code is good."
	case v.Reason == verifier.Replayed:
		return "This code has been used already. Wait for the next one."
	case v.Reason == verifier.Malformed:
		return "This is not a code: type the digits that the authenticator shows."
	case v.Reason == verifier.Throttled:
		return fmt.Sprintf("Too many wrong codes: wait %d seconds, then try again.", seconds(v.RetryAfter))
	}
	return "This code is not valid. Is the clock of your phone right?"
}

// enter lets in whoever has the admin bearer as the password of HTTP Basic, or
// the set-up link while the account has not accepted a code. It returns the
// link's token if that was the way in.
func (s *Server) enter(r *http.Request) (setup string, err error) {
	if _, password, ok := r.BasicAuth(); ok && s.admin.allow(password) {
		return "", nil
	}
	setup = r.URL.Query().Get("setup")
	if subtle.ConstantTimeCompare([]byte(setup), []byte(s.setup)) != 1 {
		return "", problem{http.StatusUnauthorized, "no way in"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	enrolled, err := s.config.Verifier.Enrolled(ctx)
	if err == nil && enrolled {
		err = problem{http.StatusUnauthorized, "the set-up link has ended"}
	}
	return setup, err
}

func (s *Server) showPage(w http.ResponseWriter, p page) {
	s.render(w, http.StatusOK, "enrol.html", p)
}

// refusePage says how to get in.
func (s *Server) refusePage(w http.ResponseWriter, err error) {
	status, _ := statusOf(err)
	switch {
	case status == http.StatusServiceUnavailable:
		note(w, "error", err.Error())
	case s.admin != nil:
		w.Header().Set("WWW-Authenticate", `Basic realm="totpctl", charset="UTF-8"`)
	default: // a browser would ask for a password that there is not
		w.Header().Set("WWW-Authenticate", `Bearer realm="totpctl"`)
	}
	s.render(w, status, "refused.html", struct{ Unavailable, Admin bool }{status == http.StatusServiceUnavailable, s.admin != nil})
}

func (s *Server) render(w http.ResponseWriter, status int, name string, data any) {
	var text bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&text, name, data); err != nil {
		writeError(w, problem{http.StatusInternalServerError, "showing the page failed"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	text.WriteTo(w)
}

// Action is where the page's form goes: the page itself, under whatever prefix a
// proxy has put it.
func (p page) Action() string {
	if p.Setup == "" {
		return "?"
	}
	return "?" + url.Values{"setup": {p.Setup}}.Encode()
}

func getStatic(w http.ResponseWriter, r *http.Request) {
	name := "web/static/" + r.PathValue("file")
	if _, err := fs.Stat(web, name); err != nil {
		writeError(w, problem{http.StatusNotFound, "no such page"})
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, web, name)
}
