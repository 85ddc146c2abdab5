package cmd

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const exampleFile = "../.env.example"

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
	lines, all := exampleLines(t), variables()
	if len(lines) != len(all) {
		t.Errorf("%s has %d variables, the code %d", exampleFile, len(lines), len(all))
	}
	required := map[string]bool{"TOTP_BASE32_SECRET": true, "BEARER": true}
	for i, line := range lines[:min(len(lines), len(all))] {
		v := all[i]
		if line[2] != v.name || line[3] != v.fallback {
			t.Errorf("%s has %s=%s where the code has %s=%s", exampleFile, line[2], line[3], v.name, v.fallback)
		}
		if commentedOut := line[1] == "#"; commentedOut == required[v.name] {
			t.Errorf("%s: %s is commented out: %v", exampleFile, v.name, commentedOut)
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

func TestExactlyTheSecretsHaveNoFlag(t *testing.T) {
	secrets := "TOTP_BASE32_SECRET BEARER ADMIN_BEARER ENCRYPTION_KEY DATABASE_URL"
	offered := map[string]bool{}
	eachCommand(program{}.root(), func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { offered[f.Name] = true })
	})
	for _, v := range variables() {
		if isSecret := strings.Contains(" "+secrets+" ", " "+v.name+" "); v.secret() != isSecret {
			t.Errorf("%s is a secret: %v", v.name, v.secret())
		}
		spelt := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(v.name, "TOTP_"), "_", "-"))
		switch {
		case v.secret() && (offered[spelt] || offered[strings.ToLower(v.name)]):
			t.Errorf("the secret %s has a flag", v.name)
		case !v.secret() && !offered[v.flag]:
			t.Errorf("no command has --%s of %s", v.flag, v.name)
		}
	}
}

func TestEveryCommandHasAnExampleAndExplainsItsFlags(t *testing.T) {
	eachCommand(program{}.root(), func(c *cobra.Command) {
		if c.Short == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s has no example of itself, or does not say what it does", c.CommandPath())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s is not explained", c.CommandPath(), f.Name)
			}
		})
	})
}

func TestEveryFlagOfAVariableNamesIt(t *testing.T) {
	eachCommand(program{}.root(), func(c *cobra.Command) {
		for _, v := range variables() {
			f := c.Flags().Lookup(v.flag)
			if f == nil {
				continue
			}
			if f.DefValue != v.fallback || !strings.Contains(f.Usage, "$"+v.name) {
				t.Errorf("%s --%s is %q, default %q: want $%s and its default", c.CommandPath(), f.Name, f.Usage, f.DefValue, v.name)
			}
		}
	})
}

// eachCommand visits c and all commands below it but cobra's own.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	if c.Name() == "completion" || c.Name() == "help" {
		return
	}
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}
