package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
)

// standardInput is the argument that stands for standard input.
const standardInput = "-"

// givenSecret returns where the arguments and --secret-file say that a secret is, which
// totpctl has not stored: "-" is standard input, and "" says that it is nowhere.
func givenSecret(c *cobra.Command, args []string) (from string, err error) {
	file := c.Flags().Lookup("secret-file")
	dash := len(args) > 0 && args[0] == standardInput
	switch {
	case file.Changed && dash:
		return "", hint.With(errors.New("secret is given twice, as - and as --secret-file"), "leave one of them out")
	case file.Changed && file.Value.String() == "":
		return "", hint.With(errors.New("reading --secret-file: it is empty"), "--secret-file wants the name of a file, or - for standard input")
	case file.Changed && len(args) > 0:
		return "", hint.With(errors.New("account is given beside --secret-file"), "leave one of them out: the file has the secret")
	case file.Changed:
		from = file.Value.String()
	case dash:
		from = standardInput
	default:
		return "", nil
	}
	for _, name := range []string{"account", "pending", "env", config.PassphraseFile.Flag} {
		if c.Flags().Changed(name) {
			return "", hint.With(fmt.Errorf("--%s has no meaning for a secret from %s", name, place(from)), "leave --%s out: neither configuration nor database is read", name)
		}
	}
	return from, nil
}

// place is what errors call the place of a given secret.
func place(from string) string {
	if from == standardInput {
		return "standard input"
	}
	return "--secret-file"
}

// givenEntry reads an otpauth URI, or a bare secret with the flags' scheme and names. It
// reads no configuration, and a bare secret without --label is called "default".
func (p program) givenEntry(c *cobra.Command, from string) (e totp.Entry, bare bool, err error) {
	text, err := p.readGiven(from)
	if err == nil {
		text, bare, err = pickSecret(text)
	}
	switch {
	case err != nil:
	case bare:
		e, err = p.bareEntry(config.FlagsAlone(c.Flags()), text, c.Flags().Changed(config.Issuer.Flag))
	default:
		e, err = p.uriEntry(c, text)
	}
	if err != nil && hint.Of(err) == "" {
		err = hint.With(err, "it must be a base32 secret in the first line, or an otpauth URI in a line of its own")
	}
	if err != nil {
		return totp.Entry{}, bare, fmt.Errorf("reading %s: %w", place(from), err)
	}
	return e, bare, nil
}

func (p program) readGiven(from string) (string, error) {
	if from != standardInput {
		return readGivenFile(from)
	}
	return p.readHidden("Secret or otpauth URI")
}

// readGivenFile refuses devices: a terminal would be waited for without a word.
func readGivenFile(file string) (string, error) {
	if info, err := os.Stat(file); err == nil && info.Mode()&os.ModeDevice != 0 {
		return "", hint.With(errors.New("it is a device"), "name a file or a pipe; with - instead, the secret is asked for on the terminal")
	}
	text, err := config.ReadSecretFile(file)
	if err != nil {
		err = hint.With(err, "name a file that this user may read, or a pipe that somebody writes to")
	}
	return text, err
}

// pickSecret returns the otpauth URI in text, wherever its line is: password managers
// keep it below the password. Without a URI it returns the first line that is not empty.
func pickSecret(text string) (line string, bare bool, err error) {
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\x00")
	var first, found string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		uri := uriIn(line)
		switch {
		case uri != "" && found != "" && uri != found:
			return "", false, hint.With(errors.New("it has several otpauth URIs"), "give one of them alone")
		case uri != "":
			found = uri
		case first == "":
			first = line
		}
	}
	switch {
	case found != "":
		return found, false, nil
	case strings.HasPrefix(strings.ToLower(first), "otpauth-migration:"):
		return "", false, hint.With(errors.New("it is a batch of accounts of Google Authenticator's"), "`totpctl account import -` stores them")
	case first == "":
		return "", false, errors.New("it is empty")
	}
	return first, true, nil
}

// uriIn returns the otpauth URI that a line is, or that it has behind a name and a colon
// as entries of gopass do; "" for none.
func uriIn(line string) string {
	at := strings.Index(strings.ToLower(line), "otpauth://")
	if at < 0 || len(strings.ToLower(line)) != len(line) {
		return ""
	}
	if key := strings.TrimSpace(line[:at]); key != "" && (!strings.HasSuffix(key, ":") || strings.ContainsAny(key, " \t")) {
		return ""
	}
	return line[at:]
}

// bareEntry does not take the issuer's default: an authenticator that has an account of
// that label would replace its secret.
func (p program) bareEntry(s *config.Settings, text string, hasIssuer bool) (totp.Entry, error) {
	scheme, account, issuer := s.Scheme(), config.Take(s, config.Account), ""
	if hasIssuer {
		issuer = config.Take(s, config.Issuer)
	}
	if own, name, ok := totp.SplitName(account); ok {
		issuer, account = own, name
	}
	if s.Err() != nil {
		return totp.Entry{}, s.Err()
	}
	secret, err := totp.ParseSecret(text)
	if err != nil {
		return totp.Entry{}, err
	}
	if secret.EndsWithinByte() {
		p.warn("the secret ends within a byte: characters may be missing at its end")
	}
	key, err := totp.NewKey(secret, scheme)
	if err != nil {
		return totp.Entry{}, err
	}
	return totp.NewEntry(issuer, account, key)
}

func (p program) uriEntry(c *cobra.Command, uri string) (totp.Entry, error) {
	for _, name := range []string{"issuer", "label", "algorithm", "digits", "period"} {
		if c.Flags().Changed(name) {
			return totp.Entry{}, hint.With(fmt.Errorf("--%s is for a bare secret, and this is an otpauth URI", name), "leave --%s out: the URI says all", name)
		}
	}
	return p.readURI(uri)
}
