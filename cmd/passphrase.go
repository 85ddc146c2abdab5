package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/cmd/passphrase"
)

func (p program) passphraseCommand() *cobra.Command {
	var remove bool
	c := &cobra.Command{
		Use:   "passphrase",
		Short: "Set, change or remove the passphrase of the .env",
		Long: `Seals ENCRYPTION_KEY and TOTP_BASE32_SECRET in the .env by a passphrase, which it asks
for twice. Where they are sealed already, it changes the passphrase, and --remove
takes it away. The old passphrase is asked for, or comes from
ENCRYPTION_PASSPHRASE_FILE or ENCRYPTION_PASSPHRASE_COMMAND. The rest of the file
stays as it is.

Nobody can open the two without the passphrase. Each is an age file in base64:
  sed -n 's/^ENCRYPTION_KEY="age:\(.*\)"/\1/p' .env | base64 -d | age -d`,
		Example: "  totpctl passphrase\n  totpctl passphrase --remove",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return p.changePassphrase(c, remove) },
	}
	c.Flags().BoolVar(&remove, "remove", false, "take the passphrase away: the values stand in the open again")
	addNewPassphraseFlag(c.Flags())
	c.MarkFlagsMutuallyExclusive("remove", newPassphraseFlag)
	config.AddFlags(c.Flags(), config.PassphraseFile)
	return c
}

const newPassphraseFlag = "passphrase-file"

func addNewPassphraseFlag(flags *pflag.FlagSet) {
	flags.String(newPassphraseFlag, "", "read the new passphrase from this `file` instead of the terminal")
}

// newPassphrase returns the passphrase of newPassphraseFlag's file, or asks for it twice.
func (p program) newPassphrase(c *cobra.Command, env string) (string, error) {
	from, err := p.passphraseFlag(c)
	if err != nil {
		return "", err
	}
	return from.fresh("new passphrase of " + env)
}

// oldPassphrase returns the passphrase of sealed values.
func (p program) oldPassphrase(from config.PassphraseSource) (text string, err error) {
	switch {
	case from.Command != "":
		var in io.Reader
		if f, ok := p.in.(*os.File); ok && isTerminal(f) {
			in = p.in // for a command that asks there; else it could take what totpctl is to read
		}
		return passphrase.FromCommand(from.Command, in, p.errOut)
	case from.File != "":
		text, err = passphrase.FromFile(from.File)
	case from.Env != "":
		text, err = passphrase.Ask("passphrase of " + from.Env)
	default:
		text, err = passphrase.Ask("passphrase of the sealed values in the environment")
	}
	if errors.Is(err, passphrase.ErrNoTerminal) {
		err = hint.With(err, "run it on a terminal, or set ENCRYPTION_PASSPHRASE_FILE, or export ENCRYPTION_PASSPHRASE_COMMAND")
	}
	return text, err
}

func (p program) changePassphrase(c *cobra.Command, remove bool) error {
	s := p.readSettings(c)
	if s.Err() != nil {
		return s.Err()
	}
	file := s.File()
	if file == "" {
		return hint.With(errors.New("changing the passphrase: there is no .env here"), "`totpctl init --passphrase` makes one, --env names another")
	}
	if err := mayRewrite(file); err != nil {
		return rewriteError(file, err)
	}
	values, sealed, err := s.SealableValues()
	if err != nil {
		return err
	}
	if remove && !sealed {
		return hint.With(fmt.Errorf("removing the passphrase of %s: it has none", file), "`totpctl passphrase` sets one")
	}
	if !remove {
		text, err := p.newPassphrase(c, file)
		if err == nil {
			values, err = sealValues(values, text)
		}
		if err != nil {
			return err
		}
	}
	text, err := s.With(values)
	if err == nil {
		err = rewriteError(file, rewriteFile(file, s.Text(), text))
	}
	if err != nil {
		return err
	}
	return p.tellPassphrase(s, values, sealed, remove)
}

// sealValues returns the values with what may be sealed sealed.
func sealValues(values []config.Value, text string) (all []config.Value, err error) {
	for _, v := range values {
		if v.Name == config.Secret.Name || v.Name == config.EncryptionKey.Name {
			if v.Text, err = config.Seal(v.Text, text); err != nil {
				return nil, fmt.Errorf("sealing %s: %w", v.Name, err)
			}
		}
		all = append(all, v)
	}
	return all, nil
}

// tellPassphrase says what was done, and what it can't undo.
func (p program) tellPassphrase(s *config.Settings, values []config.Value, sealed, removed bool) error {
	var names []string
	for _, v := range values {
		names = append(names, v.Name)
	}
	what, file := strings.Join(names, " and "), s.File()
	done, copies := fmt.Sprintf("sealed %s in %s", what, file), "older copies of the file (backups, editors' swap files) still hold the values in the open: delete them"
	switch {
	case removed:
		done, copies = fmt.Sprintf("removed the passphrase: %s in %s are in the open", what, file), ""
	case sealed:
		done, copies = fmt.Sprintf("changed the passphrase of %s in %s", what, file), "older copies of the file (backups, editors' swap files) still open with the old passphrase: delete them"
	}
	if copies != "" {
		p.warn(copies)
	}
	if !removed && strings.HasSuffix(s.Source(config.AdminBearer.Info), " in "+file) {
		p.warn("ADMIN_BEARER stays in the open in " + file + ": whoever reads it may manage the accounts of a server that runs; remove its line if you do not need it")
	}
	_, err := fmt.Fprintln(p.out, done)
	return err
}
