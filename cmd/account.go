package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// accountCommands are the methods behind the subcommands of account, over one open store.
type accountCommands struct {
	program    program
	verifier   *verifier.Verifier
	store      sqlstore.Store
	public     *url.URL
	json       bool
	flags      *pflag.FlagSet
	hasDefault bool
	settings   *config.Settings
	closeAudit func() error // nil for a command that changes no account
}

// An action is a subcommand that opens the store and calls one method.
type action struct {
	use, short, long, example string
	doing                     string // for errors, as in "adding account"
	args                      cobra.PositionalArgs
	creates                   bool                       // makes a missing database
	verdict                   bool                       // its exit code is a verdict
	reads                     bool                       // changes no account, so that the audit log need not be open
	flags                     func(*pflag.FlagSet)       // adds flags of its own; may be nil
	exclusive                 []string                   // flags of which one may be set
	check                     func(*pflag.FlagSet) error // of the flags, before the store is opened; may be nil
	run                       func(accountCommands, context.Context, []string) error
}

func (a action) name() string { return strings.Fields(a.use)[0] }

func accountActions() []action {
	one, optional := cobra.ExactArgs(1), cobra.MaximumNArgs(1)
	return []action{
		addAction(),
		{use: "list", short: "List the accounts, and who is waiting or stopped",
			doing: "listing", example: "--status held", args: cobra.NoArgs, reads: true, run: accountCommands.list,
			long: `Lists the accounts, and who is waiting or stopped.

--status takes a status of the table, such as disabled, or a group of them: held is
waiting, stopped and disabled; not_set_up is pending and expired; no_recovery_codes
is who has a live secret and no recovery code left.`,
			flags: listFlags, check: func(f *pflag.FlagSet) error { _, err := readList(f); return err }},
		{use: "show [NAME]", short: "Show an account; without NAME, the default one",
			doing: "showing", example: "alice", args: optional, reads: true, run: accountCommands.show},
		{use: "confirm NAME CODE", short: "Confirm a pending secret with its first code; print recovery codes",
			doing: "confirming", example: "alice 123456", args: cobra.ExactArgs(2), run: accountCommands.confirm, verdict: true,
			long: `Confirms a pending secret with its first code and prints the recovery codes.

Exits 0 if the code is valid, 1 if it is not, 2 if there is nothing to confirm or
for usage and configuration, 3 if there is no such account, 4 if the database
gives no verdict. With --json, standard output has one object in each case.`},
		{use: "rekey NAME", short: "Make a pending second secret; the old one works until it is confirmed",
			doing: "rekeying", example: "alice --revoke", args: one, run: accountCommands.rekey,
			long: `Makes a pending second secret, which takes the place of the old one at its first
code. Where the phone is lost or stolen, --revoke deletes the old secret at once:
until the new one is confirmed, only recovery codes are good.`,
			flags: func(f *pflag.FlagSet) {
				f.Bool("revoke", false, "delete the old secret at once: its phone is lost or stolen")
			}},
		{use: "recovery-codes NAME", short: "Print fresh recovery codes and void the old ones",
			doing: "renewing recovery codes of", example: "alice", args: one, run: accountCommands.recoveryCodes,
			long: `Prints fresh recovery codes and voids the old ones. With --link it prints a link for
the owner instead, and the codes are for her eyes alone: the first browser that
opens it is shown them until it acknowledges them, or for an hour. The old codes
are void from the opening on.`,
			flags: func(f *pflag.FlagSet) {
				f.Bool("link", false, "print a link that shows the codes to the account's owner")
			}},
		renameAction(),
		{use: "unlock [NAME]", short: "Forget an account's failures and enable it; without NAME, the default one",
			doing: "unlocking", example: "alice", args: optional, run: accountCommands.unlock},
		{use: "disable [NAME]", short: "Stop an account until it is unlocked; without NAME, the default one",
			doing: "disabling", example: "alice", args: optional, run: accountCommands.disable},
		{use: "remove NAME", short: "Delete an account and all that is remembered of it",
			doing: "removing", example: "alice", args: one, run: accountCommands.remove},
		{use: "reseal", short: "Seal all secrets with the first of ENCRYPTION_KEY, to retire the others",
			doing: "resealing", args: cobra.NoArgs, reads: true, run: accountCommands.reseal},
	}
}

func (p program) accountCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "account",
		Short: "Manage stored accounts on the machine that has the database",
		Long: `Manages the accounts of an application's users, in the database that DATABASE_URL
names, with the secrets that ENCRYPTION_KEY seals. A server on the same database
need not stop.`,
		Example: "  totpctl account add alice\n  totpctl account confirm alice 123456",
		Args:    cobra.NoArgs,
	}
	c.PersistentFlags().Bool("json", false, "print JSON")
	config.AddFlags(c.PersistentFlags(), config.PassphraseFile, config.AuditLog, config.EnrolTTL)
	for _, a := range accountActions() {
		c.AddCommand(p.actionCommand(a))
	}
	c.AddCommand(p.importCommand(), p.exportCommand())
	return c
}

func (p program) actionCommand(a action) *cobra.Command {
	c := &cobra.Command{
		Use:     a.use,
		Short:   a.short,
		Long:    a.long,
		Example: strings.TrimRight("  totpctl account "+a.name()+" "+a.example, " "),
		Args:    a.args,
		RunE:    func(c *cobra.Command, args []string) error { return p.runAction(c, a, args) },
	}
	if a.verdict {
		c.Annotations = exitsWithVerdict()
	}
	if a.flags != nil {
		a.flags(c.Flags())
	}
	if a.exclusive != nil {
		c.MarkFlagsMutuallyExclusive(a.exclusive...)
	}
	return c
}

func (p program) runAction(c *cobra.Command, a action, args []string) (err error) {
	if len(args) > 0 && args[0] == "" {
		return hint.With(errors.New("reading NAME: it is empty"), "give a name; `totpctl account --help` shows which commands do without")
	}
	if a.check != nil {
		if err := a.check(c.Flags()); err != nil {
			return accountError(a.doing, first(args), err)
		}
	}
	signal.Ignore(syscall.SIGPIPE) // what was done must be told, also where its result is not read
	all, err := p.openAccounts(c, !a.creates, a.reads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.close()) }()
	if err := a.run(all, c.Context(), args); err != nil {
		return accountError(a.doing, first(args), err)
	}
	return nil
}

// first returns "", the default account's name, where there are no args.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// openAccounts opens the audit log before the store, unless the command only reads: without
// its audit log a command changes nothing.
func (p program) openAccounts(c *cobra.Command, mustExist, reads bool) (a accountCommands, err error) {
	s := p.readSettings(c)
	a = accountCommands{program: p, flags: c.Flags(), public: s.PublicURL(), settings: s}
	key := s.OptionalKey()
	if s.Err() != nil {
		return a, s.Err()
	}
	a.hasDefault = !key.IsZero()
	if a.json, err = a.flags.GetBool("json"); err != nil {
		return a, err
	}
	var witness verifier.Witness
	if !reads {
		if witness, a.closeAudit, err = p.openAudit(s); err != nil {
			return a, err
		}
	}
	a.store, a.verifier, err = p.openVerifier(c.Context(), s, key, mustExist, witness, p.warn)
	if err != nil && a.closeAudit != nil {
		a.closeAudit()
	}
	return a, err
}

// close closes what openAccounts has opened.
func (a accountCommands) close() error {
	err := a.store.Close()
	if a.closeAudit != nil {
		err = errors.Join(err, a.closeAudit())
	}
	return err
}

// accountError names in an error what was done to which account, and hints at the way
// out.
func accountError(doing, name string, err error) error {
	if _, printed := errors.AsType[ended](err); printed {
		return err
	}
	if name != "" {
		name = " " + totp.QuoteName(name)
	}
	err = fmt.Errorf("%s account%s: %w", doing, name, err)
	text := wayFor(err, "",
		way{verifier.ErrWitness, "AUDIT_LOG lacks the line of what was done, and that stays: `totpctl account show` tells; make room, or make AUDIT_LOG writable"},
		way{verifier.ErrName, fmt.Sprintf("a name has 1 to %d characters that people can see at both ends; one colon may part an issuer of its own from it, as in GitHub:alice", totp.MaxName)},
		way{verifier.ErrNoAccount, "`totpctl account list` shows the accounts"},
		way{verifier.ErrExists, cmp.Or(hint.Of(err), "`totpctl account rekey` gives it a new secret; `totpctl account remove` deletes it")},
		way{verifier.ErrKeyPending, "hand over the link of `totpctl account rekey`, or leave out --link"},
		way{verifier.ErrPending, "`totpctl account confirm` with its first code gives recovery codes"},
		way{verifier.ErrNotPending, fmt.Sprintf("`totpctl account rekey` makes a fresh secret; ENROL_TTL is how long its link may wait, and its browser then has %v", verifier.OpenTime)},
		way{verifier.ErrSteam, "`totpctl gen` shows its codes; `totpctl account rekey` gives it a key that a server verifies"},
		way{verifier.ErrNoKey, "add ENCRYPTION_KEY=…: `openssl rand -base64 32` makes one; secrets are stored sealed or not at all"},
		way{sqlstore.ErrKey, storeHint(err)},
		way{sqlstore.ErrDamaged, "something other than totpctl has changed the stored account: remove it with `totpctl account remove`, or restore a backup"})
	if text == "" {
		return err
	}
	return hint.With(err, "%s", text)
}

func (a accountCommands) unlock(ctx context.Context, args []string) error {
	return a.verifier.Unlock(ctx, first(args))
}

func (a accountCommands) disable(ctx context.Context, args []string) error {
	return a.verifier.Disable(ctx, first(args))
}

func (a accountCommands) remove(ctx context.Context, args []string) error {
	return a.verifier.Remove(ctx, args[0])
}

func (a accountCommands) reseal(ctx context.Context, _ []string) error {
	changed, err := a.store.Reseal(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.program.out, "resealed %d accounts\n", changed)
	return err
}
