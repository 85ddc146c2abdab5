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

// addEntryFlags is for commands that call entryFor.
func addEntryFlags(c *cobra.Command) {
	config.AddKeyFlags(c.Flags())
	config.AddFlags(c.Flags(), config.PassphraseFile)
	c.Flags().String("account", "", "the stored account's `name`, as ACCOUNT")
	c.Flags().Bool("pending", false, "take the pending key, which account rekey has made")
	c.Flags().String("secret-file", "", "read a secret or otpauth URI from this `file`, and no configuration")
}

// A keyEntry is the entry that gen or qr is about, and where it comes from.
type keyEntry struct {
	totp.Entry
	name     string           // of the stored account; "" for any other
	settings *config.Settings // nil where no configuration was read
	bare     bool             // it was given as a secret without a name
}

// entryFor returns the entry of the secret that is given with args or --secret-file, or
// of the stored account that args or --account name, else the default account's. Only a
// stored account needs the database. With beginnings, args may also name an account by
// how its names begin.
func (p program) entryFor(c *cobra.Command, args []string, beginnings bool) (keyEntry, error) {
	from, err := givenSecret(c, args)
	if err != nil {
		return keyEntry{}, err
	}
	if from != "" {
		e, bare, err := p.givenEntry(c, from)
		return keyEntry{Entry: e, bare: bare}, err
	}
	if err := refuseURI(c, args); err != nil {
		return keyEntry{}, err
	}
	s := p.readSettings(c)
	if s.Err() != nil {
		return keyEntry{}, s.Err()
	}
	k, err := p.configuredEntry(c, s, args, beginnings)
	k.settings = s
	return k, err
}

func (p program) configuredEntry(c *cobra.Command, s *config.Settings, args []string, beginnings bool) (keyEntry, error) {
	wantPending, err := c.Flags().GetBool("pending")
	if err != nil {
		return keyEntry{}, err
	}
	name, err := storedAccount(c, args)
	if err != nil {
		return keyEntry{}, err
	}
	if name == "" {
		e, err := p.defaultEntry(s, wantPending)
		return keyEntry{Entry: e}, err
	}
	e, err := p.storedEntry(c.Context(), s, name, wantPending)
	if isNone(err) && beginnings && len(args) > 0 {
		k, err := p.entryBeginning(c.Context(), s, name, wantPending, err)
		return k, hideSecret(c, name, err)
	}
	return keyEntry{Entry: e, name: name}, hideSecret(c, name, err)
}

func (p program) storedEntry(ctx context.Context, s *config.Settings, name string, wantPending bool) (e totp.Entry, err error) {
	store, v, err := p.openStored(ctx, s)
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

// storedAccount returns the name that args or --account give, "" for neither. It
// refuses flags that would change what is stored with an account.
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

func (p program) defaultEntry(s *config.Settings, wantPending bool) (totp.Entry, error) {
	if wantPending {
		return totp.Entry{}, hint.With(errors.New("reading --pending: it needs an ACCOUNT"), "the default account has one key, TOTP_BASE32_SECRET")
	}
	e := s.Entry()
	if s.Err() == nil {
		p.warn(secretWarnings(e.Key.Secret())...)
	}
	return e, s.Err()
}

// choose returns the live key; with --pending, or if there is no live key, the pending
// one.
func (p program) choose(name string, live, pending totp.Entry, wantPending bool) (totp.Entry, error) {
	switch {
	case wantPending && pending.Key.IsZero():
		return totp.Entry{}, verifier.ErrNotPending
	case wantPending || live.Key.IsZero():
		return pending, nil
	case !pending.Key.IsZero():
		p.warn(totp.QuoteName(name) + " also has a pending key: --pending takes it")
	}
	return live, nil
}

// secretWarnings warns of what is no error.
func secretWarnings(s totp.Secret) []string { return s.Warnings(config.Secret.Name) }
