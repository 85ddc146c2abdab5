package cmd

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
	"totpctl/totp"
)

// refuseURI refuses an otpauth URI in place of an account's name. The error does not
// repeat it, because the secret is in it.
func refuseURI(c *cobra.Command, args []string) error {
	if account := c.Flags().Lookup("account"); account.Changed {
		args = append(args, account.Value.String())
	}
	for _, name := range args {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "otpauth://") || strings.HasPrefix(lower, "otpauth-migration://") {
			return hint.With(errors.New("reading ACCOUNT: a secret does not belong in the command line, which every user of this machine can see"),
				"`%s -` reads an otpauth URI from standard input, or asks for it", c.CommandPath())
		}
	}
	return nil
}

// hideSecret replaces none, the error that no account has the name, if the name may be a
// secret: users of oathtool give it so, and errors end in the logs of others.
func hideSecret(c *cobra.Command, name string, none error) error {
	if !isNone(none) || !resemblesSecret(name) {
		return none
	}
	return hint.With(errors.New("reading ACCOUNT: no such account; its name is not repeated, because it may be a secret"),
		"`totpctl account list` shows the accounts; `%s -` reads a secret from standard input, where no other user can see it", c.CommandPath())
}

// shortestSecret is that of 80 bits in base32.
const shortestSecret = 16

// resemblesSecret reports whether name is base32 and no word: it has a digit, or capitals
// alone.
func resemblesSecret(name string) bool {
	if len(name) < shortestSecret || !strings.ContainsAny(name, "234567") && name != strings.ToUpper(name) {
		return false
	}
	_, err := totp.ParseSecret(name)
	return err == nil
}
