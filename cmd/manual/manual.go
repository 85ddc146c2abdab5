// Package manual holds the manual: one page of Markdown a topic, embedded in the binary.
// What stands in the pages' fenced blocks is what the tests run.
package manual

import (
	"cmp"
	"embed"
	"slices"
	"strings"
)

// Pages has the manual's pages, NAME.md for the topic NAME.
//
//go:embed *.md
var Pages embed.FS

//go:embed systemd
var units embed.FS

// Unit returns a unit of systemd, such as totpctl.service, and whether there is one of this
// name.
func Unit(name string) ([]byte, bool) {
	text, err := units.ReadFile("systemd/" + name)
	return text, err == nil
}

// A Topic is a page of the manual. A page begins with "# " and its title, then an empty
// line, then one line with the sentence that says what the page is for.
type Topic struct {
	Name     string
	Title    string
	Sentence string
	Text     string // the whole page, in Markdown
}

// Topics returns every topic, sorted by name.
func Topics() (all []Topic) {
	files, err := Pages.ReadDir(".")
	if err != nil {
		panic("reading the embedded manual: " + err.Error()) // which the compiler has put there
	}
	for _, file := range files {
		text, err := Pages.ReadFile(file.Name())
		if err != nil {
			panic("reading the embedded manual: " + err.Error())
		}
		all = append(all, newTopic(strings.TrimSuffix(file.Name(), ".md"), string(text)))
	}
	return all
}

func newTopic(name, text string) Topic {
	title, rest, _ := strings.Cut(text, "\n")
	sentence, _, _ := strings.Cut(strings.TrimPrefix(rest, "\n"), "\n")
	return Topic{Name: name, Title: strings.TrimPrefix(title, "# "), Sentence: sentence, Text: text}
}

// Find returns the topic of this name and whether there is one.
func Find(name string) (Topic, bool) {
	all := Topics()
	i := slices.IndexFunc(all, func(t Topic) bool { return t.Name == name })
	if i < 0 {
		return Topic{}, false
	}
	return all[i], true
}

// minWord is the length of the shortest word that Mentioning looks for. Shorter ones are in
// every page.
const minWord = 3

// Mentioning returns the names of the topics whose pages have the word, in either case, and
// first those that have it most often.
func Mentioning(word string) (names []string) {
	if len(word) < minWord {
		return nil
	}
	count := map[string]int{}
	for _, t := range Topics() {
		if n := strings.Count(strings.ToLower(t.Text), strings.ToLower(word)); n > 0 {
			names, count[t.Name] = append(names, t.Name), n
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	return names
}
