package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
	"totpctl/cmd/transfer"
	"totpctl/totp/exchange"
	"totpctl/totp/sqlstore"
)

// An importForm says how account import reads files and what it may do.
type importForm struct {
	format, name            string
	renames                 bool // name is set
	dryRun, replace, strict bool
	secret                  passphraseSource // of encrypted files
}

func (p program) importCommand() *cobra.Command {
	var form importForm
	c := &cobra.Command{
		Use:   "import FILE…",
		Short: "Store the accounts of other authenticators and servers",
		Long: `Stores the accounts of files that other authenticators, password managers and
servers have written. They are active at once. - is standard input. The content
tells the format, unless --format does.

An account is stored as ISSUER:ACCOUNT, or as ACCOUNT where there is no issuer. A
second key of the same name gets a number, as in "GitHub:alice (2)". What is stored
already is never overwritten without --replace. What cannot be stored is named on
standard error with its place, and the rest is stored.

Exits 0 if all accounts are stored now, also where all were there already, 1 if some
were left out, 2 if none is stored.`,
		Example: "  totpctl account import aegis.json --dry-run\n  totpctl account import batch-1.png batch-2.png",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) (err error) {
			form.renames = c.Flags().Changed("name")
			if form.secret, err = p.passphraseFlag(c); err != nil {
				return err
			}
			return p.runImport(c, files, form)
		},
	}
	f := c.Flags()
	f.StringVar(&form.format, "format", "", "read this `format` instead of recognising it: "+strings.Join(formatNames(false), ", "))
	f.StringVar(&form.name, "name", "", "store the file's only account under this `name`")
	f.String("passphrase-file", "", "read the passphrase of encrypted files from this `file`")
	f.BoolVar(&form.dryRun, "dry-run", false, "show what would be stored, and store nothing")
	f.BoolVar(&form.replace, "replace", false, "overwrite stored accounts that have another key")
	f.BoolVar(&form.strict, "strict", false, "store all accounts, or none if one would be left out")
	c.RegisterFlagCompletionFunc("format", completeFormats(false))
	return c
}

// An importing is an import under way.
type importing struct {
	accountCommands
	importForm
	plan *transfer.Plan
}

func (p program) runImport(c *cobra.Command, files []string, form importForm) (err error) {
	signal.Ignore(syscall.SIGPIPE) // what was done must be told, also where its result is not read
	i := importing{importForm: form}
	if i.plan, err = p.planImport(files, form); err != nil {
		return err
	}
	i.accountCommands, err = p.openAccounts(c, form.dryRun, form.dryRun)
	missing := form.dryRun && errors.Is(err, sqlstore.ErrMissing)
	if err != nil && !missing {
		return err
	}
	if i.hasDefault {
		i.plan.MeetDefault(i.settings.Entry())
	}
	if missing {
		p.warn("there is no database yet: without --dry-run, the import makes it")
		return i.finish(i.show())
	}
	defer func() { err = errors.Join(err, i.close()) }()
	if err := i.plan.Compare(c.Context(), i.verifier, form.replace); err != nil {
		return accountError("importing", "", err)
	}
	return i.finish(i.carry())
}

// planImport returns the plan of the files, before it has met what is stored.
func (p program) planImport(files []string, form importForm) (*transfer.Plan, error) {
	if form.format != "" {
		if err := checkFormat(form.format, false); err != nil {
			return nil, err
		}
	}
	plan := transfer.New()
	if err := p.readAll(plan, files, form); err != nil {
		return nil, err
	}
	if len(plan.Items) == 0 {
		return nil, hint.With(fmt.Errorf("reading accounts: %s has none", strings.Join(files, ", ")), "export the accounts anew")
	}
	if !form.renames {
		return plan, nil
	}
	if err := plan.Rename(form.name); err != nil {
		return nil, hint.With(fmt.Errorf("reading --name: %w", err), "--name is for files with one account, and is as in `totpctl account add NAME`")
	}
	return plan, nil
}

// readAll reads the files. A file that cannot be read is left out if there are others.
func (p program) readAll(plan *transfer.Plan, files []string, form importForm) error {
	var all []exchange.Contents
	for _, file := range files {
		contents, err := p.readAccounts(file, form)
		_, unasked := errors.AsType[passphraseError](err)
		switch title := fileTitle(file); {
		case err == nil:
			all = append(all, transfer.In(title, contents))
		case len(files) == 1, unasked:
			return fmt.Errorf("reading %s: %w", title, err)
		default:
			plan.LeaveOut(title, "", err)
		}
	}
	plan.Add(exchange.Join(all...))
	return nil
}

// carry shows what the plan does and does it, unless that is only to be shown.
func (i importing) carry() error {
	if err := i.show(); err != nil || i.dryRun {
		return err
	}
	if i.refused() {
		i.plan.Drop()
		return nil
	}
	ctx, stop := untilSignal()
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	bar := &progressBar{out: i.program.errOut}
	defer bar.clear()
	return i.plan.Carry(ctx, i.verifier, i.replace, i.strict, bar.show)
}

// refused reports whether --strict forbids the import.
func (i importing) refused() bool { return i.strict && i.plan.Count(transfer.LeaveOut) > 0 }

// finish tells what was done, or would be done. err is what has ended the import early.
func (i importing) finish(err error) error {
	told := i.tell()
	stored, left := i.plan.Stored(), i.plan.Count(transfer.LeaveOut)
	switch undone := i.plan.Count(transfer.Undone); {
	case errors.Is(err, transfer.ErrInterrupted):
		i.program.warn(fmt.Sprintf("interrupted: %d accounts are not stored yet; the same command goes on where it has stopped", undone))
		return errors.Join(told, errNotValid)
	case err != nil:
		return errors.Join(accountError("importing", "", err), told)
	case i.refused():
		return hint.With(fmt.Errorf("importing accounts: nothing is stored, because --strict takes all accounts or none and %d would be left out", left), "without --strict, the rest is stored")
	case told != nil:
		return unwritten("the accounts are stored, but the result", "`totpctl account list` shows them", told)
	case stored == 0:
		return hint.With(errors.New("importing accounts: none is stored"), "the result before this line says why")
	case left > 0:
		return errNotValid
	}
	return nil
}

// tell prints the result.
func (i importing) tell() error {
	report := i.plan.Report()
	if i.json {
		report.DryRun = i.dryRun
		return i.program.printJSON(report)
	}
	for _, l := range report.LeftOut {
		i.program.warn(l.String())
	}
	if i.dryRun || i.refused() || i.plan.Stored() == 0 {
		return nil
	}
	_, err := fmt.Fprintln(i.program.out, i.plan.Summary())
	return err
}

// show prints a table of what will be stored. It has no secret in it.
func (i importing) show() error {
	if i.json || i.plan.Stored() == 0 {
		return nil
	}
	t := tabwriter.NewWriter(i.program.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ACCOUNT\tACTION\tCODES\tNOTES")
	for n, item := range i.plan.Items {
		if item.Action != transfer.LeaveOut {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", shown(item.Name), item.Action, item.Codes(), cmp.Or(strings.Join(item.Notes, "; "), "-"))
		}
		if n%listPage == listPage-1 {
			if err := t.Flush(); err != nil {
				return err
			}
		}
	}
	return t.Flush()
}

// A progressBar is one line that is redrawn, on a terminal alone.
type progressBar struct {
	out   *os.File
	drawn bool
}

func (b *progressBar) show(done, total int) {
	if isTerminal(b.out) {
		b.drawn = true
		fmt.Fprintf(b.out, "\r%d of %d accounts", done, total)
	}
}

func (b *progressBar) clear() {
	if b.drawn {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
