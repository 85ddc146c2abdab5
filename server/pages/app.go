package pages

import "net/http"

// app is the data of the mobile page.
type app struct {
	Digits int // of the default account's codes
}

func (app) template() string { return "app.html" }

// makeApps renders the mobile page once for each language: it is the same for everyone.
func (p *Pages) makeApps() error {
	for i, c := range p.catalogues {
		text, err := p.execute(look{catalogue: i}, app{p.key.Digits})
		if err != nil {
			return err
		}
		a := NewAsset(text, "text/html; charset=utf-8", "no-cache")
		a.language = c.tag.String()
		p.apps = append(p.apps, a)
	}
	return nil
}

// App answers with the mobile page.
func (p *Pages) App(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header(), appPolicy, "no-referrer")
	p.apps[p.language(r)].Serve(w, r)
}
