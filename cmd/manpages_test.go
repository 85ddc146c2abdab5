//go:build linux

package cmd_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
	"totpctl/cmd/manual"
)

// manPages returns the text of all man pages by their path, such as man1/totpctl.1, and the
// folder that they are in.
func manPages(t *testing.T) (dir string, pages map[string]string) {
	t.Helper()
	dir, pages = t.TempDir(), map[string]string{}
	if out, err := exec.Command(cmdtest.Binary(t), "manual", "--man", dir).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("manual --man: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "man[17]", "*.[17]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pages[strings.TrimPrefix(file, dir+"/")] = string(text)
	}
	return dir, pages
}

func TestEveryCommandAndTopicHasAManPage(t *testing.T) {
	_, pages := manPages(t)
	for _, name := range []string{"man1/totpctl.1", "man1/totpctl-gen.1", "man1/totpctl-account-add.1", "man1/totpctl-manual.1", "man1/totpctl-completion-bash.1"} {
		if pages[name] == "" {
			t.Errorf("there is no %s, but %q", name, slices.Sorted(maps.Keys(pages)))
		}
	}
	for _, topic := range manual.Topics() {
		if pages["man7/totpctl-"+topic.Name+".7"] == "" {
			t.Errorf("the topic %s has no page", topic.Name)
		}
	}
	for name := range pages {
		if strings.Contains(name, "clear-clipboard") || strings.Contains(name, "help") {
			t.Errorf("%s is there", name)
		}
	}
}

func TestManPagesAreWithoutAWarning(t *testing.T) {
	dir, pages := manPages(t)
	for name, text := range pages {
		// Debian's groff shows them as they are, others as curly quotes, accents and hyphens.
		for _, typographic := range []string{"'", "`", "^", "~", "--"} {
			if strings.Contains(text, typographic) {
				t.Errorf("%s has an unescaped %s", name, typographic)
			}
		}
		for _, c := range []*exec.Cmd{
			exec.Command("mandoc", "-T", "lint", "-W", "warning", name),
			exec.Command("groff", "-k", "-man", "-T", "utf8", "-w", "w", "-z", name),
		} {
			c.Dir = dir
			if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v: %v\n%s", c.Args, err, out)
			}
		}
	}
}

// What is copied out of a man page has the quotes, dashes and backslashes that were meant.
func TestTheBlocksOfAPageAreInItsManPageAsTheyAre(t *testing.T) {
	dir, _ := manPages(t)
	for _, topic := range manual.Topics() {
		shown := plainMan(t, filepath.Join(dir, "man7", "totpctl-"+topic.Name+".7"))
		for _, b := range fencedBlocks(topic.Text) {
			for line := range strings.Lines(b.text) {
				if !strings.Contains(shown, strings.TrimSpace(line)+"\n") {
					t.Errorf("the man page of %s lacks %q", topic.Name, line)
				}
			}
		}
		for _, word := range []string{"**", "](", "```", "|---"} {
			if i := strings.Index(withoutBlocks(shown, topic.Text), word); i >= 0 {
				t.Errorf("the man page of %s has Markdown's %q", topic.Name, word)
			}
		}
	}
	for page, want := range map[string]string{
		"man1/totpctl.1":          "\n       totpctl COMMAND [flags]\n",
		"man1/totpctl-account.1":  "\n       totpctl account COMMAND [flags]\n",
		"man7/totpctl-security.7": "\n       the owner's good code comes every:\n",
	} {
		if shown := plainMan(t, filepath.Join(dir, page)); !strings.Contains(shown, want) {
			t.Errorf("%s lacks %q", page, want)
		}
	}
	check := plainMan(t, filepath.Join(dir, "man1", "totpctl-check.1"))
	for _, want := range []string{"totpctl check CODE [flags]", `totpctl check -- "$CODE" && ./deploy`, "-q, --quiet", "\n           3  no such account", "totpctl-scripts(7)"} {
		if !strings.Contains(check, want) {
			t.Errorf("the man page of check lacks %q:\n%s", want, check)
		}
	}
}

// plainMan returns a page as a wide terminal shows it, without bold.
func plainMan(t *testing.T, file string) string {
	t.Helper()
	out, err := exec.Command("groff", "-k", "-man", "-T", "utf8", "-rLL=500n", "-P", "-cbou", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func withoutBlocks(shown, page string) string {
	for _, b := range fencedBlocks(page) {
		for line := range strings.Lines(b.text) {
			shown = strings.ReplaceAll(shown, strings.TrimSpace(line)+"\n", "")
		}
	}
	return shown
}

func TestManPagesHaveTheDateOfSourceDateEpoch(t *testing.T) {
	dir := t.TempDir()
	c := exec.Command(cmdtest.Binary(t), "manual", "--man", dir)
	c.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1790000000")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "man1", "totpctl.1"))
	if err != nil || !strings.HasPrefix(string(text), ".TH TOTPCTL 1 2026-09-21 ") {
		t.Errorf("the page begins with %.60q, %v", text, err)
	}
}
