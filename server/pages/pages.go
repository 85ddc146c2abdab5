package pages

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"totpctl/totp"
)

//go:embed templates static texts
var files embed.FS

// NoPolicy is the part that every Content-Security-Policy of ours begins with.
const NoPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"

// Content-Security-Policies. A QR code is part of its page, and needs no source.
const (
	formPolicy = NoPolicy + "; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'"
	appPolicy  = NoPolicy + "; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'none'; connect-src 'self'; manifest-src 'self'"
)

// A Page is the data of one template.
type Page interface {
	template() string // name of the file in templates
}

// Pages renders the web pages, in the language that a request asks for. It is safe for
// concurrent use.
type Pages struct {
	catalogues []catalogue // English first
	matcher    language.Matcher
	static     static
	apps       []func() (Asset, error) // the mobile page of each catalogue, rendered at the first call: a server's start has no time for it
	parsed     *template.Template      // never executed: it is cloned for each look
	key        Key                     // the default account's
	issuer     string                  // the default account's

	mu    sync.Mutex
	looks map[look]*template.Template
}

// A look is what a page's template depends on beside its data.
type look struct {
	catalogue int    // index
	root      string // relative way from the page to the server's "/", such as "../"
}

// maxDepth bounds the looks that strangers can ask for: below it a page's links lead
// nowhere.
const maxDepth = 4

// New reads the catalogues, the templates and the static files. The entry is the default
// account's.
func New(e totp.Entry) (*Pages, error) {
	p := &Pages{issuer: e.Issuer, looks: map[look]*template.Template{}}
	var err error
	if p.catalogues, err = readCatalogues(files); err != nil {
		return nil, err
	}
	var tags []language.Tag
	for _, c := range p.catalogues {
		tags = append(tags, c.tag)
	}
	p.matcher = language.NewMatcher(tags)
	if p.static, err = newStatic(files, p.catalogues); err != nil {
		return nil, err
	}
	if p.parsed, err = template.New("").Funcs(p.functions(look{})).ParseFS(files, "templates/*.html"); err != nil {
		return nil, err
	}
	if p.key, err = NewKey(e); err != nil {
		return nil, err
	}
	for i := range p.catalogues {
		p.apps = append(p.apps, sync.OnceValues(func() (Asset, error) { return p.makeApp(i) }))
	}
	return p, nil
}

// functions are what templates call; doc.go lists them.
func (p *Pages) functions(l look) template.FuncMap {
	c := p.catalogues[l.catalogue]
	return template.FuncMap{
		"text":     c.text,
		"texts":    c.forScript,
		"duration": c.duration,
		"long":     c.long,
		"counted":  c.counted,
		"ago":      c.ago,
		"moment":   moment,
		"result":   c.result,
		"qr":       c.qr,
		"name":     name,
		"code":     code,
		"clock":    clock,
		"day":      day,
		"issuer":   func() string { return p.issuer },
		"lang":     c.tag.String,
		"dir":      c.direction,
		"root":     func() string { return l.root },
		"static":   func(file string) (string, error) { return p.static.url(l.root, c.tag.String(), file) },
	}
}

// set returns the templates of a look.
func (p *Pages) set(l look) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if set := p.looks[l]; set != nil {
		return set, nil
	}
	set, err := p.parsed.Clone()
	if err != nil {
		return nil, err
	}
	p.looks[l] = set.Funcs(p.functions(l))
	return set, nil
}

// maxLanguages bounds what is read of Accept-Language.
const maxLanguages = 20

// language returns the index of the catalogue for a request (RFC 9110 section 12.5.4).
func (p *Pages) language(r *http.Request) int {
	type wish struct {
		tag    language.Tag
		weight float32
	}
	var wishes []wish
	for element := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Language"), ","), ",") {
		// One by one: of a whole list that has an unknown tag, nothing would be left.
		tags, weights, err := language.ParseAcceptLanguage(element)
		if err == nil && len(tags) == 1 && len(wishes) < maxLanguages {
			wishes = append(wishes, wish{tags[0], weights[0]})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	tags := make([]language.Tag, len(wishes))
	for i, w := range wishes {
		tags[i] = w.tag
	}
	_, index, _ := p.matcher.Match(tags...)
	return index
}

// rootOf returns the relative way from a request's path to the server's "/": a proxy may
// have put that under a prefix.
func rootOf(r *http.Request) string {
	depth := strings.Count(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	return strings.Repeat("../", min(depth, maxDepth))
}

// Render answers with a web page, or returns an error and has written nothing. It
// compresses the list of accounts alone: beside text that others choose, the compressed
// length gives a secret away (BREACH).
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, status int, page Page) error {
	l := look{p.language(r), rootOf(r)}
	text, err := p.execute(l, page)
	if err != nil {
		return err
	}
	h := w.Header()
	// Under no-referrer a browser sends a form with "Origin: null", as it does another
	// site's. Under strict-origin it names the host, and neither path nor query.
	setHeaders(h, formPolicy, "strict-origin")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.catalogues[l.catalogue].tag.String())
	h.Add("Vary", "Accept-Language")
	if list, ok := page.(Accounts); ok && list.holdsNoSecret() {
		text = packed(h, r, text)
	}
	w.WriteHeader(status)
	w.Write(text)
	return nil
}

// packed returns the text as the client takes it.
func packed(h http.Header, r *http.Request, text []byte) []byte {
	h.Add("Vary", "Accept-Encoding")
	if !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		return text
	}
	h.Set("Content-Encoding", "gzip")
	return compress(text)
}

func (p *Pages) execute(l look, page Page) ([]byte, error) {
	set, err := p.set(l)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := set.ExecuteTemplate(&text, page.template(), page); err != nil {
		return nil, fmt.Errorf("executing a template: %w", err)
	}
	return text.Bytes(), nil
}

func setHeaders(h http.Header, policy, referrer string) {
	SetOpenerPolicy(h)
	maps.Copy(h, http.Header{
		"Content-Security-Policy": {policy},
		"Referrer-Policy":         {referrer},
		"X-Frame-Options":         {"DENY"},
		"X-Robots-Tag":            {"noindex, nofollow"},
	})
}

// SetOpenerPolicy keeps windows of other sites from a reference to a page's window. A
// redirect between pages must have the policy, too: a browser compares it at each answer
// on the way.
func SetOpenerPolicy(h http.Header) { h.Set("Cross-Origin-Opener-Policy", "same-origin") }
