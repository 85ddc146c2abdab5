package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"totpctl/cmd/config"
)

const exampleFile = "../../.env.example"

// exampleLines returns NAME and value of each line of .env.example that sets a
// variable, commented out or not, and whether it is commented out.
func exampleLines(t *testing.T) [][]string {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^(#?)([A-Z][A-Z0-9_]*)=(.*)$`).FindAllStringSubmatch(string(text), -1)
}

func TestTheExampleHasEveryVariableWithItsDefaultInOrder(t *testing.T) {
	lines, all := exampleLines(t), config.All()
	if len(lines) != len(all) {
		t.Errorf("%s has %d variables, the code %d", exampleFile, len(lines), len(all))
	}
	for i, line := range lines[:min(len(lines), len(all))] {
		v := all[i]
		if line[2] != v.Name || line[3] != v.Default {
			t.Errorf("%s has %s=%s where the code has %s=%s", exampleFile, line[2], line[3], v.Name, v.Default)
		}
		if commentedOut := line[1] == "#"; commentedOut == (v.Missing != "") {
			t.Errorf("%s: %s is commented out: %v", exampleFile, v.Name, commentedOut)
		}
	}
}

func TestTheExampleExplainsEveryVariable(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		if !strings.HasPrefix(paragraph, "# ") {
			t.Errorf("no explanation begins %q", paragraph)
		}
	}
}
