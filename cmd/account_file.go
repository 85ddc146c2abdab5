package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
	"totpctl/cmd/passphrase"
	"totpctl/totp/exchange"
)

// maxAccountFile is how many bytes account import reads of a file. 100,000 otpauth URIs
// have about 10 MB.
const maxAccountFile = 64 << 20

// formatNames returns the names of the formats of account files, or of those that can be
// written.
func formatNames(written bool) (names []string) {
	for _, f := range exchange.Formats() {
		if f.Written || !written {
			names = append(names, f.Name)
		}
	}
	return names
}

func completeFormats(written bool) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, f := range exchange.Formats() {
			if f.Written || !written {
				names = append(names, f.Name+"\t"+f.Title)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// checkFormat refuses a --format that is unknown.
func checkFormat(name string, written bool) error {
	if names := formatNames(written); !slices.Contains(names, name) {
		return hint.With(fmt.Errorf("reading --format: there is no format %q", name), "the formats are %s", strings.Join(names, ", "))
	}
	return nil
}

// fileTitle is what messages call a file of the command line.
func fileTitle(file string) string {
	if file == "-" {
		return "standard input"
	}
	return printable(file)
}

// readAccounts reads an account file. It asks again for a wrong passphrase that was typed.
// Its errors do not name the file.
func (p program) readAccounts(file string, form importForm) (exchange.Contents, error) {
	data, err := p.readAccountFile(file)
	if err != nil {
		return exchange.Contents{}, err
	}
	for try := 1; ; try++ {
		c, err := exchange.Read(data, exchange.Options{Format: form.format, Name: form.name, Passphrase: func() (string, error) {
			return form.secret.existing("passphrase of " + fileTitle(file))
		}})
		if errors.Is(err, exchange.ErrPassphrase) && form.secret.file == "" && try < 3 {
			p.warn("the passphrase is wrong, or the file is damaged: once more")
			continue
		}
		if err != nil {
			return exchange.Contents{}, readingHint(err)
		}
		return c, nil
	}
}

func readingHint(err error) error {
	switch {
	case hint.Of(err) != "":
		return err
	case errors.Is(err, exchange.ErrUnknown):
		return hint.With(err, "--format names it: %s", strings.Join(formatNames(false), ", "))
	case errors.Is(err, exchange.ErrEmpty):
		return hint.With(err, "export the accounts anew")
	case errors.Is(err, exchange.ErrKDBX):
		return hint.With(err, "`keepassxc-cli export FILE.kdbx | totpctl account import -` asks for its password")
	case errors.Is(err, exchange.ErrPassphrase):
		return hint.With(err, "it is the passphrase that the file was exported with")
	}
	return hint.With(err, "export the accounts anew, or name another --format")
}

func (p program) readAccountFile(file string) ([]byte, error) {
	in := p.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, unreadable(err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxAccountFile+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(data) > maxAccountFile:
		return nil, hint.With(errors.New("it has more than 64 MiB"), "part it into several files")
	}
	return data, nil
}

func unreadable(err error) error {
	return hint.With(hint.WithoutPath(err), "name a file that exists and that this user may read, or - for standard input")
}

// A passphraseSource is where a passphrase comes from: the file, or the terminal if the
// file is "".
type passphraseSource struct{ file string }

// passphraseFlag reads --passphrase-file. An empty one is an error, because a variable that
// is not set would else leave a file unsealed.
func (p program) passphraseFlag(c *cobra.Command) (passphraseSource, error) {
	f := c.Flags().Lookup("passphrase-file")
	file := f.Value.String()
	if f.Changed && file == "" {
		return passphraseSource{}, hint.With(errors.New("reading --passphrase-file: it is empty"), "name the file that holds the passphrase")
	}
	p.warn(openFiles([]string{file}, "")...)
	return passphraseSource{file}, nil
}

// A passphraseError says that there is no passphrase to try. It ends an import of several
// files, because it is none of the file's.
type passphraseError struct{ error }

func (e passphraseError) Unwrap() error { return e.error }

// existing returns the passphrase that something was sealed with, or a passphraseError.
func (s passphraseSource) existing(prompt string) (text string, err error) {
	if s.file != "" {
		text, err = passphrase.FromFile(s.file)
	} else {
		text, err = passphrase.Ask(prompt)
	}
	if err != nil {
		return "", passphraseError{err}
	}
	return text, nil
}

// fresh returns a passphrase to seal something with.
func (s passphraseSource) fresh(prompt string) (string, error) {
	if s.file != "" {
		return passphrase.FromFile(s.file)
	}
	return passphrase.AskNew(prompt)
}
