package cmd

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/config"
)

func TestExactlyTheSecretsHaveNoFlag(t *testing.T) {
	secrets := "TOTP_BASE32_SECRET BEARER ADMIN_BEARER ENCRYPTION_KEY DATABASE_URL TARGET_DATABASE_URL"
	offered := map[string]bool{}
	eachCommand(program{}.root(nil), func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { offered[f.Name] = true })
	})
	for _, v := range config.All() {
		if isSecret := strings.Contains(" "+secrets+" ", " "+v.Name+" "); v.Secret() != isSecret {
			t.Errorf("%s is a secret: %v", v.Name, v.Secret())
		}
		spelt := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(v.Name, "TOTP_"), "_", "-"))
		switch {
		case v.Secret() && (offered[spelt] || offered[strings.ToLower(v.Name)]):
			t.Errorf("the secret %s has a flag", v.Name)
		case !v.Secret() && !offered[v.Flag]:
			t.Errorf("no command has --%s of %s", v.Flag, v.Name)
		}
	}
}

func TestEveryCommandHasAnExampleAndExplainsItsFlags(t *testing.T) {
	eachCommand(program{}.root(nil), func(c *cobra.Command) {
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
	eachCommand(program{}.root(nil), func(c *cobra.Command) {
		for _, v := range config.All() {
			f := c.Flags().Lookup(v.Flag)
			if f == nil {
				continue
			}
			if f.DefValue != defaultIn(c, v) || !strings.Contains(f.Usage, "$"+v.Name) {
				t.Errorf("%s --%s is %q, default %q: want $%s and its default", c.CommandPath(), f.Name, f.Usage, f.DefValue, v.Name)
			}
		}
	})
}

// defaultIn returns the default that a command tells. That of init's names is the host's
// and the user's.
func defaultIn(c *cobra.Command, v config.Info) string {
	if c.Name() == "init" && (v.Name == config.Issuer.Name || v.Name == config.Account.Name) {
		return ""
	}
	return v.Default
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

func TestACommandIsMadeByItsName(t *testing.T) {
	for name, makeOne := range (program{}).commands() {
		if got := makeOne().Name(); got != name {
			t.Errorf("%s makes the command %s", name, got)
		}
		alone := program{}.root([]string{name})
		if c, _, err := alone.Find([]string{name}); err != nil || c.Name() != name || len(alone.Commands()) != 1 {
			t.Errorf("%s: %v beside %d others, %v", name, c.Name(), len(alone.Commands())-1, err)
		}
	}
}
