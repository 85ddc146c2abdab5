package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/cmd/transfer"
	"totpctl/totp/exchange"
)

// An exportForm says what account export writes and where.
type exportForm struct {
	out, format string
	force, asks bool             // asks: for a passphrase, on the terminal
	secret      passphraseSource // of a file
}

func (f exportForm) sealed() bool { return f.asks || f.secret.file != "" }

// googleFormat is the format that is drawn on a terminal.
const googleFormat = "google"

func (p program) exportCommand() *cobra.Command {
	var form exportForm
	c := &cobra.Command{
		Use:   "export [NAME…]",
		Short: "Write the keys of accounts to a file that other authenticators read",
		Long: `Writes the keys of the named accounts to a new file that only its owner can read.
Without NAME these are all stored accounts and the default one. The file has every
secret in it. --passphrase seals it: "age -d" and "totpctl account import" open it.
Failures, used codes and recovery codes are not exported.

With --format google on a terminal, it draws the QR codes that Google Authenticator
imports, one after the other, and clears them.

Exits 0 if all accounts are exported, 1 if some were left out, which standard error
names, 2 if none is exported.`,
		Example: "  totpctl account export --out codes.age --passphrase\n  totpctl account export --format google",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, names []string) (err error) {
			if form.secret, err = p.passphraseFlag(c); err != nil {
				return err
			}
			return p.runExport(c, names, form)
		},
	}
	f := c.Flags()
	f.StringVar(&form.out, "out", "", "write to this `file`, - for standard output")
	f.StringVar(&form.format, "format", "otpauth", "write this `format`: "+strings.Join(formatNames(true), ", "))
	f.BoolVar(&form.asks, "passphrase", false, "seal the file with a passphrase that is asked for")
	f.String("passphrase-file", "", "seal the file with the passphrase in this `file`")
	f.BoolVar(&form.force, "force", false, "let --out replace an existing regular file")
	c.MarkFlagsMutuallyExclusive("passphrase", "passphrase-file")
	c.RegisterFlagCompletionFunc("format", completeFormats(true))
	return c
}

func (p program) runExport(c *cobra.Command, names []string, form exportForm) error {
	draws := form.format == googleFormat && (form.out == "" || form.out == "-") && isTerminal(p.out)
	if err := p.checkExport(form, draws); err != nil {
		return err
	}
	a, err := p.openAccounts(c, true, true)
	if err != nil {
		return err
	}
	exported, err := a.collect(c.Context(), names)
	if err = errors.Join(err, a.close()); err != nil {
		return err
	}
	if draws {
		err = a.drawParts(&exported)
	} else {
		err = a.writeAccounts(&exported, form)
	}
	if err != nil {
		return err
	}
	return a.tellExport(exported, form)
}

// checkExport refuses, before a passphrase is asked for, what would fail in the end.
func (p program) checkExport(form exportForm, draws bool) error {
	if err := checkFormat(form.format, true); err != nil {
		return err
	}
	switch {
	case draws && form.sealed():
		return hint.With(errors.New("drawing QR codes: sealed ones cannot be scanned"), "write a file with --out, or leave out the passphrase")
	case draws:
		return nil
	case form.out == "":
		return hint.With(errors.New("reading --out: it is not given"), "--out FILE names a new file, and --out - is standard output")
	case form.out == "-" || form.force:
		return nil
	}
	if _, err := os.Lstat(form.out); err != nil {
		return nil
	}
	return p.writeSecret("accounts", form.out, nil, false) // which says what is there
}

// collect returns what the accounts have to export. The default account is first.
func (a accountCommands) collect(ctx context.Context, names []string) (transfer.Exported, error) {
	e, err := transfer.Collect(ctx, a.verifier, names, config.Take(a.settings, config.Issuer))
	if err != nil {
		return e, accountError("exporting", "", err)
	}
	if len(names) == 0 && a.hasDefault {
		e.Entries = slices.Insert(e.Entries, 0, a.settings.Entry())
	}
	return e, nil
}

// writeAccounts writes the file, sealed if that is asked for. Without accounts it writes
// none.
func (a accountCommands) writeAccounts(e *transfer.Exported, form exportForm) error {
	data, leftOut, err := exchange.Write(form.format, e.Entries)
	if err != nil {
		return fmt.Errorf("exporting accounts: %w", err)
	}
	if e.LeaveOut(leftOut); e.Count == 0 {
		return nil
	}
	if form.force {
		if err := refuseOwn(form.out, append(ownFiles(nil, a.settings), form.secret.file)); err != nil {
			return err
		}
	}
	if form.sealed() {
		if data, err = seal(data, form); err != nil {
			return err
		}
	}
	return a.program.writeSecret("accounts", form.out, data, form.force)
}

func seal(data []byte, form exportForm) ([]byte, error) {
	secret, err := form.secret.fresh("passphrase for " + outTitle(form.out))
	if err != nil {
		return nil, err
	}
	if data, err = exchange.Seal(data, secret); err != nil {
		return nil, fmt.Errorf("sealing accounts: %w", err)
	}
	return data, nil
}

// outTitle is what messages call a file that is written.
func outTitle(file string) string {
	if file == "-" {
		return "standard output"
	}
	return file
}

// tellExport tells what was exported, on standard output unless that is the file.
func (a accountCommands) tellExport(e transfer.Exported, form exportForm) error {
	for _, l := range e.LeftOut {
		a.program.warn(l.String())
	}
	toFile := form.out != "" && form.out != "-"
	switch {
	case e.Count == 0:
		return hint.With(errors.New("exporting accounts: none can be exported"), "`totpctl account list` shows the accounts")
	case form.out != "" && !form.sealed():
		a.program.warn(outTitle(form.out) + " has every secret in the clear: whoever reads it can make codes; --passphrase seals it")
	}
	if toFile {
		if _, err := fmt.Fprintf(a.program.out, "%d exported to %s\n", e.Count, printable(form.out)); err != nil {
			return err
		}
	}
	if len(e.LeftOut) > 0 {
		return errNotValid
	}
	return nil
}
