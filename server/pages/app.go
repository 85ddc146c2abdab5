package pages

import "net/http"

// app is the data of the mobile page.
type app struct {
	Digits int // of the default account's codes
}

func (app) template() string { return "app.html" }

// makeApp renders the mobile page in the language of a catalogue, given by its index.
func (p *Pages) makeApp(catalogue int) (Asset, error) {
	text, err := p.execute(look{catalogue: catalogue}, app{p.key.Digits})
	if err != nil {
		return Asset{}, err
	}
	a := NewAsset(text, "text/html; charset=utf-8", "no-cache")
	a.language = p.catalogues[catalogue].tag.String()
	return a, nil
}

// App answers with the mobile page, or returns an error and has written nothing.
func (p *Pages) App(w http.ResponseWriter, r *http.Request) error {
	a, err := p.apps[p.language(r)]()
	if err != nil {
		return err
	}
	setHeaders(w.Header(), appPolicy, "no-referrer")
	a.Serve(w, r)
	return nil
}
