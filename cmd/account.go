package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"totpctl/server"
	"totpctl/server/client"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// An accounts is what the account commands work on.
type accounts struct {
	program
	*verifier.Verifier
	store      sqlstore.Store
	public     *url.URL
	json       bool
	hasDefault bool
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
	one, optional := cobra.ExactArgs(1), cobra.MaximumNArgs(1)
	c.AddCommand(
		p.accountAction("add NAME", "adding", "Make an account with a fresh secret, pending until its first code", "alice", one, accounts.add),
		p.accountAction("list", "listing", "List the accounts, and who is waiting or stopped", "", cobra.NoArgs, accounts.list),
		p.accountAction("show [NAME]", "showing", "Show an account; without NAME, the default one", "alice", optional, accounts.show),
		p.accountAction("confirm NAME CODE", "confirming", "Confirm a pending secret with its first code; print recovery codes", "alice 123456", cobra.ExactArgs(2), accounts.confirm),
		p.rekeyCommand(),
		p.accountAction("recovery-codes NAME", "renewing recovery codes of", "Print fresh recovery codes and void the old ones", "alice", one, accounts.recoveryCodes),
		p.accountAction("unlock [NAME]", "unlocking", "Forget an account's failures and enable it; without NAME, the default one", "alice", optional, accounts.unlock),
		p.accountAction("disable [NAME]", "disabling", "Stop an account until it is unlocked; without NAME, the default one", "alice", optional, accounts.disable),
		p.accountAction("remove NAME", "removing", "Delete an account and all that is remembered of it", "alice", one, accounts.remove),
		p.accountAction("reseal", "resealing", "Seal all secrets with the first of ENCRYPTION_KEY, to retire the others", "", cobra.NoArgs, accounts.reseal),
	)
	return c
}

func (p program) rekeyCommand() *cobra.Command {
	var revoke bool
	c := p.accountAction("rekey NAME", "rekeying", "Make a pending second secret; the old one works until it is confirmed", "alice --revoke", cobra.ExactArgs(1),
		func(a accounts, ctx context.Context, args []string) error { return a.rekey(ctx, args[0], revoke) })
	c.Long = `Makes a pending second secret, which takes the place of the old one at its first
code. Where the phone is lost or stolen, --revoke deletes the old secret at once:
until the new one is confirmed, only recovery codes are good.`
	c.Flags().BoolVar(&revoke, "revoke", false, "delete the old secret at once: its phone is lost or stolen")
	return c
}

// accountAction is a subcommand that opens the store and calls one method.
func (p program) accountAction(use, doing, short, example string, args cobra.PositionalArgs, run func(accounts, context.Context, []string) error) *cobra.Command {
	name, _, _ := strings.Cut(use, " ")
	annotations := map[string]string{}
	if name == "confirm" {
		annotations[decides] = "yes"
	}
	return &cobra.Command{
		Annotations: annotations,
		Use:         use,
		Short:       short,
		Example:     strings.TrimRight("  totpctl account "+name+" "+example, " "),
		Args:        args,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if len(args) > 0 && args[0] == "" {
				return withHint(errors.New("reading NAME: it is empty"), "leave NAME out for the default account, where that may be")
			}
			a, err := p.openAccounts(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.store.Close()) }()
			if err := run(a, c.Context(), args); err != nil {
				return accountError(doing, strings.Join(args[:min(len(args), 1)], ""), err)
			}
			return nil
		},
	}
}

func (p program) openAccounts(c *cobra.Command) (a accounts, err error) {
	s, err := readSettings(c)
	if err != nil {
		return a, err
	}
	a.program = p
	if a.json, err = c.Flags().GetBool("json"); err != nil {
		return a, err
	}
	if a.public, err = s.publicURL(); err != nil {
		return a, err
	}
	key, err := s.optionalKey()
	if err != nil {
		return a, err
	}
	a.hasDefault = !key.IsZero()
	a.store, a.Verifier, err = p.openVerifier(c.Context(), s, key, p.warn)
	return a, err
}

// accountError says what was done to whom, and the way out.
func accountError(doing, name string, err error) error {
	if errors.Is(err, errNo) {
		return err
	}
	if name != "" {
		name = " " + totp.QuoteName(name)
	}
	err = fmt.Errorf("%s account%s: %w", doing, name, err)
	switch {
	case errors.Is(err, verifier.ErrName):
		return withHint(err, "a name has 1 to %d characters that people can see at both ends; one colon may part an issuer of its own from it, as in GitHub:alice", totp.MaxName)
	case errors.Is(err, verifier.ErrNoAccount):
		return withHint(err, "`totpctl account list` shows the accounts")
	case errors.Is(err, verifier.ErrExists):
		return withHint(err, "`totpctl account rekey` gives it a new secret; `totpctl account remove` deletes it")
	case errors.Is(err, verifier.ErrPending):
		return withHint(err, "`totpctl account confirm` with a first code of it gives recovery codes")
	case errors.Is(err, verifier.ErrNotPending):
		return withHint(err, "`totpctl account rekey` makes a fresh secret, to be confirmed within %v", verifier.DefaultPendingTime)
	case errors.Is(err, verifier.ErrNoKey):
		return withHint(err, "set ENCRYPTION_KEY, as `totpctl init` does: secrets are stored sealed or not at all")
	case errors.Is(err, sqlstore.ErrKey):
		return withHint(err, "%s", storeHint(err))
	case errors.Is(err, sqlstore.ErrDamaged):
		return withHint(err, "the row was changed by something else than totpctl: `totpctl account remove`, or restore a backup")
	}
	return err
}

func (a accounts) add(ctx context.Context, args []string) error {
	e, err := a.Add(ctx, args[0])
	if err != nil {
		return err
	}
	return a.printEnrolment(e)
}

func (a accounts) rekey(ctx context.Context, name string, revoke bool) error {
	e, err := a.Rekey(ctx, name, revoke)
	if err != nil {
		return err
	}
	return a.printEnrolment(e)
}

func (a accounts) printEnrolment(e verifier.Enrolment) error {
	body := server.NewEnrolmentBody(e, a.public)
	if a.json {
		return a.print(body)
	}
	link := body.EnrolURL
	if link == "" {
		link = "none, as PUBLIC_URL is neither https nor this machine: the link would show the secret on the way"
	}
	_, err := fmt.Fprintf(a.out, "uri: %s\nlink for its owner: %s\nconfirm by: %s\n", body.URI, link, e.Until.Local().Format(time.DateTime))
	return err
}

func (a accounts) confirm(ctx context.Context, args []string) error {
	code, err := a.readCode(args[1])
	if err != nil {
		return err
	}
	verdict, codes, err := a.Confirm(ctx, args[0], code, verifier.RequestID{})
	if err != nil {
		return err
	}
	if !verdict.Valid {
		return a.printVerdict(client.Result{Reason: string(verdict.Reason), RetryAfter: verdict.RetryAfter}, checkForm{json: a.json}, 0)
	}
	if a.json {
		return a.print(server.NewVerdictBody(verdict, codes))
	}
	return a.printCodes(codes)
}

func (a accounts) recoveryCodes(ctx context.Context, args []string) error {
	codes, err := a.RecoveryCodes(ctx, args[0])
	if err != nil {
		return err
	}
	return a.printCodes(codes)
}

// printCodes prints bare codes, one a line: they are the result.
func (a accounts) printCodes(codes []string) error {
	if a.json {
		return a.print(map[string][]string{"recovery_codes": codes})
	}
	_, err := fmt.Fprintln(a.out, strings.Join(codes, "\n"))
	return err
}

func (a accounts) unlock(ctx context.Context, args []string) error {
	return a.Unlock(ctx, strings.Join(args, ""))
}

func (a accounts) disable(ctx context.Context, args []string) error {
	return a.Disable(ctx, strings.Join(args, ""))
}

func (a accounts) remove(ctx context.Context, args []string) error { return a.Remove(ctx, args[0]) }

func (a accounts) reseal(ctx context.Context, _ []string) error {
	changed, err := a.store.Reseal(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "resealed %d accounts\n", changed)
	return err
}

func (a accounts) print(body any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(body)
}

const listPage = 500

// list shows the default account first, if there is one.
func (a accounts) list(ctx context.Context, _ []string) error {
	t := a.table()
	if a.hasDefault {
		info, err := a.Show(ctx, "")
		if err == nil {
			err = a.printInfo(t, info)
		}
		if err != nil {
			return err
		}
	}
	for from := ""; ; {
		page, next, err := a.List(ctx, from, listPage)
		if err != nil {
			return err
		}
		for _, i := range page {
			if err := a.printInfo(t, i); err != nil {
				return err
			}
		}
		if err := t.Flush(); err != nil || next == "" {
			return err
		}
		from = next
	}
}

func (a accounts) show(ctx context.Context, args []string) error {
	info, err := a.Show(ctx, strings.Join(args, ""))
	if err != nil {
		return err
	}
	t := a.table()
	if err := errors.Join(a.printInfo(t, info), t.Flush()); err != nil || a.json || info.RefusedUntil.IsZero() {
		return err
	}
	_, err = fmt.Fprintf(a.out, "codes are refused until %s: one was accepted while the clock was ahead; `totpctl account unlock` ends that\n",
		info.RefusedUntil.Local().Format(time.DateTime))
	return err
}

func (a accounts) table() *tabwriter.Writer {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	if !a.json {
		fmt.Fprintln(t, "ACCOUNT\tSTATUS\tFAILURES\tRECOVERY CODES\tUNTIL")
	}
	return t
}

func (a accounts) printInfo(t *tabwriter.Writer, i verifier.Info) error {
	if a.json {
		return a.print(server.NewAccountBody(i))
	}
	until := i.WaitUntil
	if until.IsZero() {
		until = i.PendingUntil
	}
	text := "-"
	if !until.IsZero() {
		text = until.Local().Format(time.DateTime)
	}
	name := shown(i.Name)
	if i.Name == "" {
		name = "(default)"
	}
	_, err := fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\n", name, i.Status, i.Failures, i.RecoveryLeft, text)
	return err
}
