package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/exchange"
	"totpctl/totp/verifier"
)

func addAction() action {
	return action{use: "add NAME", short: "Make an account, with a fresh secret or one that exists",
		doing: "adding", example: "alice", args: cobra.ExactArgs(1), run: accountCommands.add, creates: true,
		long: `Makes an account with a fresh secret. It is pending until its first code, which
account confirm takes.

With --secret - or --uri - the account gets a secret that exists already, and is
active at once. Standard input has the secret; on a terminal it is asked for, and
not shown. A secret alone is one of SHA1, 6 digits and 30 seconds; an otpauth URI
says by itself what it is.`,
		flags: func(f *pflag.FlagSet) {
			f.String("secret", "", "take an existing secret, in base32, from standard input: `-`")
			f.String("uri", "", "take an existing secret, as an otpauth URI, from standard input: `-`")
		},
		exclusive: []string{"secret", "uri"},
		check: func(f *pflag.FlagSet) error {
			_, err := broughtFlag(f)
			return err
		}}
}

func (a accountCommands) add(ctx context.Context, args []string) error {
	flag, err := broughtFlag(a.flags)
	switch {
	case err != nil:
		return err
	case flag != "":
		return a.addActive(ctx, args[0], flag)
	}
	e, err := a.verifier.Add(ctx, args[0])
	if err != nil {
		return err
	}
	return unwritten("the secret is stored, but", "`totpctl account rekey` prints another", a.printEnrolment(e))
}

// broughtFlag returns which of --secret and --uri is set, "" for neither. It refuses a
// secret that is their value.
func broughtFlag(f *pflag.FlagSet) (flag string, err error) {
	for _, name := range []string{"secret", "uri"} {
		if f.Changed(name) {
			flag = name
		}
	}
	if flag != "" && f.Lookup(flag).Value.String() != "-" {
		return "", hint.With(fmt.Errorf("reading --%s: a secret does not belong in the command line, which every user of this machine can see", flag),
			"--%s - reads it from standard input, or asks for it on a terminal; what was given here is in the history of the shell now", flag)
	}
	return flag, nil
}

func (a accountCommands) addActive(ctx context.Context, name, flag string) error {
	if _, err := verifier.ParseNewAccount(name); err != nil { // before people type the secret
		return err
	}
	entry, err := a.program.readBrought(flag)
	if err != nil {
		return err
	}
	warnings := entry.Key.Secret().Warnings("the secret")
	a.program.warn(warnings...)
	if err := a.verifier.AddActive(ctx, verifier.NewAccount{Name: name, Entry: entry}); err != nil {
		return err
	}
	return unwritten("the account is active, but what it is", "`totpctl account show` prints it", a.printActive(ctx, name, warnings))
}

func (a accountCommands) printActive(ctx context.Context, name string, warnings []string) error {
	if !a.json {
		return a.show(ctx, []string{name})
	}
	info, err := a.verifier.Show(ctx, name)
	if err != nil {
		return err
	}
	return a.program.printJSON(api.ActiveAccount{Account: api.AccountOf(info), Warnings: warnings})
}

// readBrought reads what --secret or --uri stands for, and prints what a URI left to guess.
func (p program) readBrought(flag string) (totp.Entry, error) {
	text, err := p.readHidden(map[string]string{"secret": "Secret", "uri": "otpauth URI"}[flag])
	var e totp.Entry
	if err == nil && flag == "uri" {
		e, err = p.readURI(text)
	} else if err == nil {
		e.Key, err = secretKey(text)
	}
	if err != nil && hint.Of(err) == "" {
		err = hint.With(err, "standard input must hold nothing but the %s", map[string]string{"secret": "secret; --uri - takes an otpauth URI", "uri": "otpauth URI; --secret - takes a secret alone"}[flag])
	}
	if err != nil {
		return totp.Entry{}, fmt.Errorf("reading --%s: %w", flag, err)
	}
	return e, nil
}

func (p program) readURI(text string) (totp.Entry, error) {
	e, notes, err := exchange.ParseURI(text)
	if err != nil {
		return totp.Entry{}, err
	}
	for _, note := range notes {
		p.warn("otpauth URI: " + note)
	}
	return e, nil
}

// secretKey returns the key of a secret alone, with what authenticators assume then.
func secretKey(text string) (totp.Key, error) {
	if text == "" {
		return totp.Key{}, errors.New("it is empty")
	}
	secret, err := totp.ParseSecret(text)
	if err != nil {
		return totp.Key{}, err
	}
	return totp.NewKey(secret, totp.DefaultScheme())
}
