package pages

import (
	"cmp"
	"html/template"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"totpctl/totp/verifier"
)

func catalogues(t *testing.T) []catalogue {
	t.Helper()
	all, err := readCatalogues(files)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// placeholders returns those of one form.
func placeholders(form string) []string {
	all := placeholder.FindAllString(form, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// formsOf returns the forms of a text by category, "" for a text that stands alone.
func formsOf(t text) map[string]string {
	if t.forms == nil {
		return map[string]string{"": t.alone}
	}
	return t.forms
}

func TestEveryLanguageHasEveryTextWithItsPlaceholders(t *testing.T) {
	all := catalogues(t)
	for _, c := range all {
		for key, english := range all[0].texts {
			if _, ok := c.texts[key]; !ok {
				t.Errorf("%v lacks the text %q", c.tag, key)
			}
			for form, text := range formsOf(c.texts[key]) {
				want := placeholders(cmp.Or(english.alone, english.forms["other"]))
				// A form that stands for one number may say it in a word.
				got := placeholders(text)
				if exact := slices.Contains([]string{"zero", "one", "two"}, form); exact && !slices.Contains(got, "{n}") {
					want = slices.DeleteFunc(want, func(p string) bool { return p == "{n}" })
				}
				if text == "" || !slices.Equal(got, want) {
					t.Errorf("%v, %q, %q: placeholders %q, want %q", c.tag, key, text, got, want)
				}
				if strings.ContainsAny(text, "<>&") {
					t.Errorf("%v, %q: HTML in a text", c.tag, key)
				}
			}
		}
		for key := range c.texts {
			if _, ok := all[0].texts[key]; !ok {
				t.Errorf("%v has the text %q, which English lacks", c.tag, key)
			}
		}
	}
}

// categoriesOf returns the plural categories of a language's integers up to a million.
func categoriesOf(tag language.Tag) []string {
	seen := map[string]bool{}
	for _, n := range append([]int{1000, 1_000_000}, slices.Collect(func(yield func(int) bool) {
		for i := range 201 {
			if !yield(i) {
				return
			}
		}
	})...) {
		seen[category(plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0))] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestTextsThatCountHaveEveryFormOfTheirLanguage(t *testing.T) {
	all := catalogues(t)
	for _, c := range all {
		for key, text := range c.texts {
			if all[0].texts[key].forms == nil {
				if text.forms != nil {
					t.Errorf("%v: %q has plural forms, and the English text has none", c.tag, key)
				}
				continue
			}
			if got, want := slices.Sorted(maps.Keys(text.forms)), categoriesOf(c.tag); !slices.Equal(got, want) {
				t.Errorf("%v: %q has the forms %q, want %q", c.tag, key, got, want)
			}
		}
	}
}

// sources returns the texts of templates, scripts, manifests and this package's Go files, by
// name.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"templates/*.html", "static/*.js", "static/*.webmanifest", "*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") {
				all[name] = string(text)
			}
		}
	}
	return all
}

var (
	quoted    = regexp.MustCompile(`["'{]([a-z][a-z0-9.-]*)["'}]`)
	textsCall = regexp.MustCompile(`\btexts( "[a-z.-]+")+`)
	textCall  = regexp.MustCompile(`\btext "([^"]*)"`)
	sayCall   = regexp.MustCompile(`\bsay\(([^{]*?)[,)\n]`)
)

// Keys are made of a verdict's reason, and found by their prefix in scripts.
func TestEveryTextIsUsed(t *testing.T) {
	used, prefixes := map[string]bool{}, map[string]bool{"verdict.": true}
	for name, source := range sources(t) {
		for _, m := range quoted.FindAllStringSubmatch(source, -1) {
			used[m[1]] = true
		}
		if path.Ext(name) == ".html" {
			for _, call := range textsCall.FindAllString(source, -1) {
				for _, m := range quoted.FindAllStringSubmatch(call, -1) {
					prefixes[m[1]] = true
				}
			}
		}
	}
	for key := range catalogues(t)[0].texts {
		inScript := false
		for prefix := range prefixes {
			name, ok := strings.CutPrefix(key, prefix)
			inScript = inScript || ok && (used[name] || prefix == "verdict.")
		}
		if used[strings.TrimSuffix(key, ".why")] || used[strings.TrimSuffix(key, ".words")] {
			continue // templates/problem.html, and Account.Words
		}
		if !used[key] && !inScript {
			t.Errorf("nothing uses the text %q", key)
		}
	}
}

func TestEveryTextThatIsUsedIsThere(t *testing.T) {
	english := catalogues(t)[0].texts
	names := map[string]bool{} // in scripts, without their prefixes
	for key := range english {
		for from := 0; from >= 0; {
			names[key[from:]] = true
			dot := strings.Index(key[from:], ".")
			if dot < 0 {
				break
			}
			from += dot + 1
		}
	}
	for name, source := range sources(t) {
		for _, m := range textCall.FindAllStringSubmatch(source, -1) {
			if _, ok := english[m[1]]; !ok && path.Ext(name) == ".html" {
				t.Errorf("%s uses the text %q, which no catalogue has", name, m[1])
			}
		}
		for _, call := range sayCall.FindAllStringSubmatch(source, -1) {
			for _, m := range quoted.FindAllStringSubmatch(call[1], -1) {
				if !names[m[1]] && path.Ext(name) == ".js" {
					t.Errorf("%s says %q, which no catalogue has", name, m[1])
				}
			}
		}
	}
	for _, reason := range []verifier.Reason{verifier.ReasonInvalid, verifier.ReasonReplayed, verifier.ReasonMalformed, verifier.ReasonThrottled,
		verifier.ReasonPending, verifier.ReasonStopped, verifier.ReasonDisabled} {
		if _, ok := english["verdict."+string(reason)]; !Explains(reason) || !ok && reason != verifier.ReasonThrottled { // which wait.for tells
			t.Errorf("there is no text for a verdict that is %s", reason)
		}
	}
}

var (
	action    = regexp.MustCompile(`\{\{[^}]*\}\}`)
	attribute = regexp.MustCompile(`\b(?:alt|title|placeholder|aria-label|content|label)="([^"]*)"`)
	tag       = regexp.MustCompile(`<[^>]*>`)
	word      = regexp.MustCompile(`\pL{2,}`)
	literal   = regexp.MustCompile("'([^'\n]*)'|`([^`]*)`")
	sentence  = regexp.MustCompile(`\pL[,.:!?…]? \pL|^\p{Lu}\p{Ll}+`)
	comment   = regexp.MustCompile(`(?m)(^|\s)//.*$`)
)

// notWords are what browsers read, and the product's name.
var notWords = regexp.MustCompile(`^(?:width=device-width.*|light dark|light|dark|#[0-9a-f]{6}|totpctl|utf-8|noindex.*|application/.*|Bearer.*|Content-Type|Authorization|totpctl (bearer|account)|text/plain.*|Idempotency-Key)$`)

func TestNoTextStandsInATemplateOrScript(t *testing.T) {
	for name, source := range sources(t) {
		var found []string
		switch path.Ext(name) {
		case ".html":
			plain := action.ReplaceAllString(source, "")
			for _, m := range attribute.FindAllStringSubmatch(plain, -1) {
				found = append(found, m[1])
			}
			found = append(found, strings.Split(tag.ReplaceAllString(plain, "\n"), "\n")...)
		case ".js":
			for _, m := range literal.FindAllStringSubmatch(comment.ReplaceAllString(source, ""), -1) {
				if text := m[1] + m[2]; sentence.MatchString(text) && text[0] != '#' {
					found = append(found, text)
				}
			}
		}
		for _, text := range found {
			if text = strings.TrimSpace(text); word.MatchString(text) && !notWords.MatchString(text) {
				t.Errorf("%s has the text %q in it: it belongs into the catalogues", name, text)
			}
		}
	}
}

func TestTextsTakeTheirValuesAndEscapeThem(t *testing.T) {
	c := catalogue{language.Arabic, map[string]text{
		"a": {alone: "<{x}> & {y}"},
		"n": {forms: map[string]string{"zero": "0", "one": "1", "two": "2", "few": "few {n}", "many": "many {n}", "other": "other {n}"}},
	}}
	for want, values := range map[template.HTML][]any{
		"&lt;&lt;b&gt;&gt; &amp; <i>": {"a", "x", "<b>", "y", template.HTML("<i>")},
		"0":                           {"n", "n", 0}, "1": {"n", "n", 1}, "2": {"n", "n", 2}, "few 3": {"n", "n", 3}, "many 11": {"n", "n", 11}, "other 100": {"n", "n", 100},
	} {
		if got, err := c.text(values[0].(string), values[1:]...); got != want || err != nil {
			t.Errorf("%v: %q, %v, want %q", values, got, err, want)
		}
	}
	for _, values := range [][]any{{"b"}, {"a", "x", 1}, {"a", "x"}, {"n"}, {"n", "n", "2"}, {"a", 1, 2}} {
		if got, err := c.text(values[0].(string), values[1:]...); err == nil {
			t.Errorf("%v: %q, want an error", values, got)
		}
	}
}
