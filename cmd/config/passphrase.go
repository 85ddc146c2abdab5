package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"totpctl/cmd/hint"
)

// passphraseCommand is a variable of the environment alone. In a .env it would let
// whoever writes a folder's .env run a command.
const passphraseCommand = "ENCRYPTION_PASSPHRASE_COMMAND"

// A PassphraseSource says where the passphrase of sealed values is: what a command line
// prints first, or a file. Where both are "", people type it.
type PassphraseSource struct {
	Command, File string
	Env           string // the .env with the sealed values, "" for none
}

func (s *Settings) passphraseSource() (p PassphraseSource, err error) {
	p.Env = s.file
	command, isCommand := os.LookupEnv(passphraseCommand)
	_, fileToo := os.LookupEnv(PassphraseFile.Name)
	isCommand, fileToo = isCommand && !s.alone, fileToo && !s.alone
	flag := s.flags.Lookup(PassphraseFile.Flag)
	switch flagged := flag != nil && flag.Changed; {
	case flagged || !isCommand:
		p.File, err = s.passphraseFile(!flagged && !fileToo)
	case fileToo:
		err = hint.With(fmt.Errorf("%s and %s are both set in the environment", PassphraseFile.Name, passphraseCommand), "keep one of the two")
	case strings.TrimSpace(command) == "":
		err = hint.With(fmt.Errorf("reading %s in the environment: it is empty", passphraseCommand), "it is a command line such as `pass show totpctl`; unset it to be asked on the terminal")
	default:
		p.Command = command
	}
	return p, err
}

// passphraseFile returns the file's path, "" for none. A relative one in the .env begins
// at the .env, as those of NAME_FILE do.
func (s *Settings) passphraseFile(inEnv bool) (string, error) {
	text, source, err := s.get(PassphraseFile.Info)
	if err != nil || source == "" {
		return "", err
	}
	file, err := PassphraseFile.Parse(text)
	if err != nil {
		return "", readError(source, err, PassphraseFile.Hint)
	}
	if inEnv && !filepath.IsAbs(file) {
		file = filepath.Join(s.dir, file)
	}
	return file, nil
}

// openError wraps an error about a sealed value with its source, and a hint unless it has
// one.
func openError(source string, err error) error {
	name, _, _ := strings.Cut(source, " ")
	switch wrapped := fmt.Errorf("opening %s: %w", source, err); {
	case errors.Is(err, errPassphrase):
		return hint.With(wrapped, "nothing has changed: try again; if the passphrase is right, the value is damaged: bring it back from a copy of the file")
	case errors.Is(err, errDamaged):
		return hint.With(wrapped, "bring %s back from a copy of the file; `totpctl passphrase` makes values that open (scrypt, work factor %d)", name, workFactor)
	default:
		return wrapped
	}
}
