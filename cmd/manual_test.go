//go:build linux

package cmd_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"totpctl/cmd/config"
	"totpctl/cmd/manual"
)

// TestManual runs, for each page, its blocks of console and sh that have no name, in a folder
// and on a server of the page's own. A block with a name is another test's.
func TestManual(t *testing.T) {
	for _, topic := range manual.Topics() {
		t.Run(topic.Name, func(t *testing.T) {
			blocks := runnable(fencedBlocks(topic.Text))
			if len(blocks) == 0 {
				return
			}
			t.Parallel()
			useOwnNetwork(t)
			dir := t.TempDir()
			server := startServer(t, dir, "totpctl init && totpctl serve")
			for _, b := range blocks {
				runBlock(t, dir, b)
			}
			interrupt(t, server)
		})
	}
}

func TestAPageOfTheManualBeginsWithATitleAndASentence(t *testing.T) {
	for _, topic := range manual.Topics() {
		head := regexp.MustCompile("\\A# [^\n]+\n\n[A-Z][^\n]+[^.]\\.\n\n")
		if !head.MatchString(topic.Text) || strings.Contains(topic.Sentence, ". ") {
			t.Errorf("%s.md begins with\n%.200s\nwant # and the title, then one sentence on a line", topic.Name, topic.Text)
		}
	}
}

// What readers copy out of the manual is what a test has run.
func TestEveryBlockOfTheManualIsRunByATest(t *testing.T) {
	tests := testSources(t)
	for _, topic := range manual.Topics() {
		for _, b := range fencedBlocks(topic.Text) {
			switch {
			case b.name != "" && !strings.Contains(tests, `"`+b.name+`"`):
				t.Errorf("%s.md: no test takes the block %q", topic.Name, b.name)
			case b.name == "" && b.language != "console" && b.language != "sh" && b.language != "text":
				t.Errorf("%s.md has a block of %s without a name, so no test can take it:\n%s", topic.Name, b.language, b.text)
			}
		}
	}
}

// testSources returns all tests of this module that can take blocks of the manual.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

var update = flag.Bool("update", false, "write the README's table of topics anew: go test ./cmd -run ListsEveryTopic -update")

func TestTheREADMEListsEveryTopicInItsPagesWords(t *testing.T) {
	const head = "\n| topic | what it tells |\n|---|---|\n"
	var want strings.Builder
	for _, topic := range manual.Topics() {
		fmt.Fprintf(&want, "| [%s](cmd/manual/%[1]s.md) | %s |\n", topic.Name, topic.Sentence)
	}
	before, rest, found := strings.Cut(readme(t), head)
	table, after, ended := strings.Cut(rest, "\n\n")
	switch {
	case !found || !ended:
		t.Errorf("README.md has no table that begins with%s", head)
	case *update:
		if err := os.WriteFile("../README.md", []byte(before+head+want.String()+"\n"+after), 0o644); err != nil {
			t.Error(err)
		}
	case table+"\n" != want.String():
		t.Errorf("README.md has another table of topics than (-update writes it)\n%s", want.String())
	}
}

func TestTheREADMEIsShort(t *testing.T) {
	if lines := strings.Count(readme(t), "\n"); lines >= 150 {
		t.Errorf("README.md has %d lines, want less than 150: what is behind the front door belongs into the manual", lines)
	}
}

func TestTheManualHasEveryVariableWithItsFlagAndDefault(t *testing.T) {
	page, _ := manual.Find("configuration")
	for _, v := range config.All() {
		row := regexp.MustCompile("(?m)^\\|.*`" + v.Name + "`.*$").FindString(page.Text)
		flag := v.Flag == "" || strings.Contains(row, "`--"+v.Flag+"`")
		spelt := v.Default == "" || v.Name == config.Origins.Name || strings.Contains(row, "`"+v.Default+"`") || strings.HasSuffix(row, "; "+v.Default+" |")
		if row == "" || !flag || !spelt {
			t.Errorf("configuration.md lacks a row with `%s`, `--%s` and `%s`, and has\n%s", v.Name, v.Flag, v.Default, row)
		}
	}
}

// A link between pages is good for readers of the files, and on a terminal it names the topic.
func TestLinksOfTheManualAndTheREADMELeadSomewhere(t *testing.T) {
	pages := map[string]string{"../README.md": readme(t), "../.github/CONTRIBUTING.md": ""}
	for _, topic := range manual.Topics() {
		pages[filepath.Join("manual", topic.Name+".md")] = topic.Text
	}
	link := regexp.MustCompile(`(?:\]\(|<img src=")([^)":#]+)(?:#[^)]*)?[)"]`)
	for page, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
