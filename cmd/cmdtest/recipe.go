//go:build linux

package cmdtest

import (
	"regexp"
	"testing"

	"totpctl/cmd/manual"
)

// Recipe returns the fenced block of a page of the manual that has this name. A block's
// name stands behind the language in its first line: "```nginx sub-path".
func Recipe(t testing.TB, page, name string) string {
	t.Helper()
	text, err := manual.Pages.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^```[a-z]+ " + regexp.QuoteMeta(name) + "\n(.*?)^```$")
	found := block.FindAllSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks of the name %q, want 1", page, len(found), name)
	}
	return string(found[0][1])
}
