package pages

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// A catalogue has the texts of all pages and scripts in one language. texts/en.json is
// the one that all others translate.
type catalogue struct {
	tag   language.Tag
	texts map[string]text
}

// A text that counts something has a form for each of its language's plural categories
// (CLDR), by the category's name; {n} is what is counted. Every other text stands alone. A
// form has {name} where a value goes.
type text struct {
	alone string
	forms map[string]string // nil for a text that stands alone
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom: a text is a string, or an object of its
// forms.
func (t *text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == jsontext.KindString {
		return json.UnmarshalDecode(d, &t.alone)
	}
	return json.UnmarshalDecode(d, &t.forms)
}

// MarshalJSONTo implements json.MarshalerTo.
func (t text) MarshalJSONTo(e *jsontext.Encoder) error {
	if t.forms == nil {
		return json.MarshalEncode(e, t.alone)
	}
	return json.MarshalEncode(e, t.forms, json.Deterministic(true))
}

// readCatalogues reads a catalogue for each file in texts, English first: it is for
// everybody whose languages are not there.
func readCatalogues(files fs.FS) ([]catalogue, error) {
	names, err := fs.Glob(files, "texts/*.json")
	if err != nil {
		return nil, err
	}
	var all []catalogue
	for _, name := range names {
		c, err := readCatalogue(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		all = append(all, c)
	}
	english := slices.IndexFunc(all, func(c catalogue) bool { return c.tag == language.English })
	if english < 0 {
		return nil, errors.New("there is no texts/en.json")
	}
	all[0], all[english] = all[english], all[0]
	return all, nil
}

func readCatalogue(files fs.FS, name string) (c catalogue, err error) {
	if c.tag, err = language.Parse(strings.TrimSuffix(path.Base(name), ".json")); err != nil {
		return catalogue{}, err
	}
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return catalogue{}, err
	}
	return c, json.Unmarshal(data, &c.texts)
}

// category returns the name that CLDR has for a plural form.
func category(f plural.Form) string {
	return [...]string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}[f]
}

// text returns the text of a key as HTML, with a value for each of its placeholders: the
// values are given as name and value in turn. A value is escaped if it is not HTML already.
func (c catalogue) text(key string, values ...any) (template.HTML, error) {
	named, err := pairs(values)
	if err != nil {
		return "", fmt.Errorf("text %q: %w", key, err)
	}
	form := c.texts[key].alone
	if n, counts := named["n"].(int); counts && form == "" {
		form = c.texts[key].forms[category(plural.Cardinal.MatchPlural(c.tag, n, 0, 0, 0, 0))]
	}
	if form == "" {
		return "", fmt.Errorf("texts/%v.json has no text %q for these values", c.tag, key)
	}
	return fill(form, named)
}

func pairs(values []any) (map[string]any, error) {
	if len(values)%2 != 0 {
		return nil, errors.New("a value has no name")
	}
	named := make(map[string]any, len(values)/2)
	for i := 0; i < len(values); i += 2 {
		name, ok := values[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name of a value", values[i])
		}
		named[name] = values[i+1]
	}
	return named, nil
}

// fill puts the values into a form's placeholders.
func fill(form string, values map[string]any) (template.HTML, error) {
	var filled strings.Builder
	for {
		before, rest, found := strings.Cut(form, "{")
		template.HTMLEscape(&filled, []byte(before))
		if !found {
			return template.HTML(filled.String()), nil
		}
		name, after, _ := strings.Cut(rest, "}")
		value, ok := values[name]
		if !ok {
			return "", fmt.Errorf("%q lacks a value", name)
		}
		if html, ok := value.(template.HTML); ok {
			filled.WriteString(string(html))
		} else {
			template.HTMLEscape(&filled, fmt.Append(nil, value))
		}
		form = after
	}
}

// forScript returns the texts whose keys begin with one of the prefixes, as JSON, for
// static/texts.js. A key comes without its prefix.
func (c catalogue) forScript(prefixes ...string) (string, error) {
	some := map[string]text{}
	for key, t := range c.texts {
		for _, prefix := range prefixes {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				some[name] = t
			}
		}
	}
	if len(some) == 0 {
		return "", fmt.Errorf("no text begins with %q", prefixes)
	}
	data, err := json.Marshal(some, json.Deterministic(true))
	return string(data), err
}

// direction returns the value of the dir attribute.
func (c catalogue) direction() string { return c.texts["language.dir"].alone }
