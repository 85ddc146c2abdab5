package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

func (p program) fenceCommand() *cobra.Command {
	var keepRecovery bool
	c := &cobra.Command{
		Use:   "fence",
		Short: "Void what was used before this moment, after the restore of a database",
		Long: `Voids whatever may have been used in a time that the database has forgotten. Run it
when a database has been restored by other means than totpctl restore, such as
pg_restore, before a server uses it.

No code up to the present step and TOTP_SKEW more is good from then on, of any account.
Recovery codes are void until account recovery-codes renews them. Enrolment links end.
Failures, waits and whatever has stopped an account stay.`,
		Example: "  totpctl fence",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return p.fence(c, keepRecovery) },
	}
	addFenceFlags(c.Flags(), &keepRecovery)
	return c
}

// addFenceFlags is for the commands that call fenced.
func addFenceFlags(f *pflag.FlagSet, keepRecovery *bool) {
	f.BoolVar(keepRecovery, "keep-recovery-codes", false, "leave unused recovery codes good, though they may have been used")
	config.AddFlags(f, config.Skew, config.PassphraseFile, config.AuditLog)
}

func (p program) fence(c *cobra.Command, keepRecovery bool) (err error) {
	s := p.readSettings(c)
	key := s.OptionalKey()
	if s.Err() != nil {
		return s.Err()
	}
	witness, closeAudit, err := p.openAudit(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAudit()) }()
	store, v, err := p.openVerifier(c.Context(), s, key, true, witness, p.warn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	text, err := p.fenced(c.Context(), v, keepRecovery)
	if err != nil {
		return hint.With(fmt.Errorf("fencing: %w", err), "whether the fence is in place is not known: run `totpctl fence` again")
	}
	_, err = fmt.Fprint(p.out, text)
	return err
}

// fenced makes the fence and returns what there is to tell of it.
func (p program) fenced(ctx context.Context, v *verifier.Verifier, keepRecovery bool) (string, error) {
	done, err := v.Fence(ctx, keepRecovery)
	if err != nil {
		return "", err
	}
	if done.Ahead > 0 {
		p.warn(fmt.Sprintf("%d accounts have used codes of a time that this machine's clock has not reached: is the clock right?", done.Ahead))
	}
	text := fmt.Sprintf("fenced %d accounts: no code up to %s, and TOTP_SKEW steps later, is good; enrolment links have ended\n", done.Accounts, p.clock().UTC().Format("2006-01-02 15:04:05 UTC"))
	if !keepRecovery {
		text += "recovery codes are void until `totpctl account recovery-codes` renews them\n"
	}
	return text, nil
}

// restoredVerifier returns a Verifier on a database that is being restored.
func (p program) restoredVerifier(s *config.Settings, store sqlstore.Store, witness verifier.Witness) (*verifier.Verifier, error) {
	c := p.verifierConfig(s, s.OptionalKey(), witness)
	c.Store = store
	if s.Err() != nil {
		return nil, s.Err()
	}
	return verifier.New(c)
}
