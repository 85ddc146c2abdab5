package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

// addKeyForFlags is for commands that call keyFor.
func addKeyForFlags(c *cobra.Command) {
	config.AddKeyFlags(c.Flags())
	c.Flags().String("account", "", "the stored account's `name`, as ACCOUNT")
	c.Flags().Bool("pending", false, "take the key that waits for its first code, after account rekey")
}

// keyFor is the key of the stored account that args or --account name, or the
// default account's. Only the former needs the database.
func (p program) keyFor(c *cobra.Command, args []string) (totp.Entry, error) {
	s, err := p.readSettings(c)
	if err != nil {
		return totp.Entry{}, err
	}
	wantPending, err := c.Flags().GetBool("pending")
	if err != nil {
		return totp.Entry{}, err
	}
	name, err := storedAccount(c, args)
	switch {
	case err != nil:
		return totp.Entry{}, err
	case name == "":
		return p.defaultKey(s, wantPending)
	}
	return p.storedKey(c.Context(), s, name, wantPending)
}

func (p program) storedKey(ctx context.Context, s *config.Settings, name string, wantPending bool) (e totp.Entry, err error) {
	store, v, err := p.openVerifier(ctx, s, totp.Key{}, p.warn)
	if err != nil {
		return totp.Entry{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	live, pending, err := v.Keys(ctx, name)
	if err == nil {
		e, err = p.choose(name, live, pending, wantPending)
	}
	if err != nil {
		return totp.Entry{}, accountError("reading key of", name, err)
	}
	return e, nil
}

// storedAccount is the name that args or --account give, "" for neither. It
// refuses the flags of what a stored account has by itself.
func storedAccount(c *cobra.Command, args []string) (string, error) {
	flag, given := c.Flags().Lookup("account"), "ACCOUNT"
	switch {
	case flag.Changed && len(args) > 0:
		return "", hint.With(errors.New("account is given twice, as ACCOUNT and as --account"), "leave one of them out")
	case flag.Changed:
		given, args = "--account", []string{flag.Value.String()}
	case len(args) == 0:
		return "", nil
	}
	if args[0] == "" {
		return "", hint.With(fmt.Errorf("reading %s: it is empty", given), "leave it out for the default account")
	}
	for _, name := range []string{"label", "algorithm", "digits", "period"} {
		if c.Flags().Changed(name) {
			return "", hint.With(fmt.Errorf("--%s is of the default account, and %q is a stored one", name, args[0]), "leave --%s out: a stored account has its own", name)
		}
	}
	return args[0], nil
}

func (p program) defaultKey(s *config.Settings, wantPending bool) (totp.Entry, error) {
	if wantPending {
		return totp.Entry{}, hint.With(errors.New("reading --pending: it needs an ACCOUNT"), "the default account has one key, TOTP_BASE32_SECRET")
	}
	e := s.Entry()
	if bits := e.Key.Secret().Bits(); s.Err() == nil && bits < totp.MinSecretBits {
		p.warn(shortSecret(bits))
	}
	return e, s.Err()
}

// choose takes the live key where there is one, unless the other is wanted.
func (p program) choose(name string, live, pending totp.Entry, wantPending bool) (totp.Entry, error) {
	switch {
	case wantPending && pending.Key.IsZero():
		return totp.Entry{}, verifier.ErrNotPending
	case wantPending || live.Key.IsZero():
		return pending, nil
	case !pending.Key.IsZero():
		p.warn(totp.QuoteName(name) + " has a second key, which is not confirmed: --pending takes that one")
	}
	return live, nil
}

func shortSecret(bits int) string {
	return fmt.Sprintf("TOTP_BASE32_SECRET has %d bits: RFC 4226 asks for %d at least", bits, totp.MinSecretBits)
}
