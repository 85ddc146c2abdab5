package cmd

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
)

func (p program) initCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a .env with a fresh secret, bearers and key",
		Long: `Writes .env in this folder, or --env's file, readable by you alone: a fresh
160-bit secret for the default account, a bearer for those who check codes, one
for the administrator, and a key for stored secrets. It never overwrites a file.

Authenticators show this host's short name as the issuer and your user name as the
account. A phone may replace an entry of the same name without asking, so give each
.env names of its own with --issuer and --label.

With --passphrase the secret and the key are sealed by a passphrase, which it asks
for twice, and there is no bearer for the administrator. totpctl passphrase changes
or removes the passphrase.`,
		Example: "  totpctl init --issuer ACME --label alice\n  totpctl init --passphrase",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, sealed, err := p.writeEnv(c)
			if err != nil {
				return err
			}
			p.warn(config.Unchecked()...)
			if sealed {
				_, err = fmt.Fprintf(p.out, "wrote %s\nnobody can open its secret and its key without the passphrase: keep it safe\nnext: totpctl qr, then scan the QR code\n", file)
				return err
			}
			_, err = fmt.Fprintf(p.out, "wrote %s\nnext: totpctl serve, then scan the QR code that its set-up link shows\n", file)
			return err
		},
	}
	config.AddKeyFlags(c.Flags())
	for flag, by := range map[string]string{config.Issuer.Flag: "this host's name", config.Account.Flag: "your user name"} {
		f := c.Flags().Lookup(flag)
		f.DefValue, f.Usage = "", f.Usage+", by default "+by
	}
	c.Flags().Bool("passphrase", false, "seal the secret and the key by a passphrase")
	addNewPassphraseFlag(c.Flags())
	return c
}

// writeEnv returns the file's name. sealed reports whether a passphrase seals it.
func (p program) writeEnv(c *cobra.Command) (file string, sealed bool, err error) {
	flags := c.Flags()
	file = ".env"
	if flags.Changed("env") {
		if file, err = flags.GetString("env"); err != nil {
			return "", false, err
		}
	}
	s := config.New(flags)
	e := totp.Entry{Issuer: newName(s, config.Issuer, hostName()), Account: newName(s, config.Account, userName())}
	scheme := s.Scheme()
	if s.Err() != nil {
		return "", false, s.Err()
	}
	if e.Key, err = totp.GenerateKey(scheme); err != nil {
		return "", false, err
	}
	values := envValues(e)
	if sealed, err = flags.GetBool("passphrase"); err != nil {
		return "", false, err
	}
	if sealed = sealed || flags.Changed(newPassphraseFlag); sealed {
		if values, err = p.sealNew(c, file, values); err != nil {
			return "", false, err
		}
	}
	return file, sealed, createEnv(file, values)
}

// sealNew seals the values of a new .env, and leaves out ADMIN_BEARER, which would stand
// in the open. It asks nobody for the passphrase of a file that exists.
func (p program) sealNew(c *cobra.Command, file string, values []config.Value) ([]config.Value, error) {
	if _, err := os.Lstat(file); err == nil {
		return nil, envExists(file)
	}
	text, err := p.newPassphrase(c, file)
	if err != nil {
		return nil, err
	}
	return sealValues(slices.DeleteFunc(values, func(v config.Value) bool { return v.Name == config.AdminBearer.Name }), text)
}

func createEnv(file string, values []config.Value) error {
	err := createFile(file, []byte(envText(values)))
	switch {
	case errors.Is(err, fs.ErrExist):
		return envExists(file)
	case err != nil:
		return hint.With(fmt.Errorf("writing configuration: %w", err), "%s", folderHint)
	}
	return nil
}

func envExists(file string) error {
	return hint.With(fmt.Errorf("writing %s: it exists already", file), "keep it, or name another file with --env; removing it ends what was enrolled with it")
}

// newName returns the value of v, by default own where that is a name. It refuses what
// totp.ParseNewName does. Settings.Entry takes such names, because they may have been in
// use before they were refused.
func newName(s *config.Settings, v config.Variable[string], own string) string {
	v.Parse = config.ParseNewName
	if _, err := v.Parse(own); err == nil {
		v.Default = own
	}
	v.Hint = "it is 1 to 128 characters that people can see, without a colon; TOTP_ISSUER or --issuer names who asks for the code"
	return config.Take(s, v)
}

// envValues returns what the .env of an entry sets, without the variables that have their
// default.
func envValues(e totp.Entry) (values []config.Value) {
	k := e.Key
	for _, v := range []struct {
		config.Info
		value string
	}{
		{config.Secret.Info, k.Secret().Base32()},
		{config.Issuer.Info, e.Issuer},
		{config.Account.Info, e.Account},
		{config.Algorithm.Info, k.Algorithm().String()},
		{config.Digits.Info, strconv.Itoa(k.Digits())},
		{config.Period.Info, strconv.Itoa(int(k.Period() / time.Second))},
		{config.Bearer.Info, randomBearer()},
		{config.AdminBearer.Info, randomBearer()},
		{config.EncryptionKey.Info, randomKey()},
	} {
		if v.value != v.Default {
			values = append(values, config.Value{Name: v.Name, Text: v.value})
		}
	}
	return values
}

func envText(values []config.Value) string {
	var b strings.Builder
	b.WriteString("# Written by totpctl init. `totpctl manual configuration` has every variable.\n")
	for _, v := range values {
		b.WriteString(config.Line(v.Name, v.Text))
	}
	return b.String()
}

// randomBearer has 130 random bits.
func randomBearer() string { return rand.Text() }

func randomKey() string {
	key := make([]byte, config.KeyBytes)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}
