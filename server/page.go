package server

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"

	"totpctl/server/api"
	"totpctl/totp"
)

//go:embed web/*.html web/static
var web embed.FS

// Content-Security-Policies. A QR code is part of its page, and needs no source.
const (
	noPolicy    = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
	setupPolicy = noPolicy + "; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'"
	appPolicy   = noPolicy + "; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'none'; connect-src 'self'; manifest-src 'self'"
)

// pages holds the templates, parsed once for each depth of a URL because their links
// are relative, the files that they load, and the default account's key as they show
// it.
type pages struct {
	top    *template.Template // for /
	below  *template.Template // for /enrol/{token}
	static static
	app    asset
	key    shownKey
}

func newPages(e totp.Entry) (p pages, err error) {
	if p.static, err = newStatic(web); err != nil {
		return pages{}, err
	}
	if p.top, err = p.parse(""); err != nil {
		return pages{}, err
	}
	if p.below, err = p.parse("../"); err != nil {
		return pages{}, err
	}
	if p.key, err = newShownKey(e); err != nil {
		return pages{}, err
	}
	p.app, err = p.newApp()
	return p, err
}

func (p pages) parse(root string) (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{"static": p.static.from(root)}).ParseFS(web, "web/*.html")
}

// newApp renders the mobile page once: it is the same for everyone.
func (p pages) newApp() (asset, error) {
	sentences, err := json.Marshal(api.Sentences(p.key.Digits))
	if err != nil {
		return asset{}, err
	}
	var text bytes.Buffer
	if err := p.top.ExecuteTemplate(&text, "app.html", string(sentences)); err != nil {
		return asset{}, err
	}
	return newAsset(text.Bytes(), "text/html; charset=utf-8", "no-cache")
}

func (s *Server) getApp(w http.ResponseWriter, r *http.Request) error {
	setPageHeaders(w.Header(), appPolicy, "no-referrer")
	s.pages.app.serve(w, r)
	return nil
}

func (s *Server) getStatic(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.pages.static.assets[r.PathValue("file")]
	if !ok {
		return errNoPage
	}
	a.serve(w, r)
	return nil
}

// render answers with a web page, or returns an error and has written nothing. It does
// not compress the page: beside text that others choose, the compressed length gives a
// secret away (BREACH).
func render(w http.ResponseWriter, status int, page *template.Template, data any) error {
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil {
		return internal("showing the page failed", err)
	}
	h := w.Header()
	// Under no-referrer a browser sends a form with "Origin: null", as it does another
	// site's. Under strict-origin it names the host, and neither path nor query.
	setPageHeaders(h, setupPolicy, "strict-origin")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	text.WriteTo(w)
	return nil
}

// A refusal is what refused.html shows: why, and how to get in.
type refusal struct{ Unavailable, OtherSite, Ended, Late, Admin bool }

// showRefusal is render for what answers for an error: its own error is answered in
// JSON.
func showRefusal(w http.ResponseWriter, r *http.Request, status int, page *template.Template, data any) {
	if err := render(w, status, page, data); err != nil {
		recordOf(r).err = err
		writeError(w, r, err)
	}
}

func setPageHeaders(h http.Header, policy, referrer string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", referrer)
	h.Set("X-Frame-Options", "DENY")
}
