package cmd

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
for the administrator, and a key for stored secrets. It never overwrites a file.`,
		Example: "  totpctl init --issuer ACME --label alice",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := writeEnv(c.Flags())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "wrote %s\nnext: totpctl serve, then scan the QR code that its set-up link shows\n", file)
			return err
		},
	}
	config.AddKeyFlags(c.Flags())
	return c
}

func writeEnv(flags *pflag.FlagSet) (file string, err error) {
	file = ".env"
	if flags.Changed("env") {
		if file, err = flags.GetString("env"); err != nil {
			return "", err
		}
	}
	s := config.New(flags)
	e := totp.Entry{Issuer: newName(s, config.Issuer), Account: newName(s, config.Account)}
	scheme := s.Scheme()
	if s.Err() != nil {
		return "", s.Err()
	}
	if e.Key, err = totp.GenerateKey(scheme); err != nil {
		return "", err
	}
	err = createFile(file, []byte(envText(e)))
	if errors.Is(err, fs.ErrExist) {
		return "", hint.With(fmt.Errorf("writing %s: it exists already", file), "keep it, or name another file with --env; removing it ends what was enrolled with it")
	}
	if err != nil {
		return "", hint.With(fmt.Errorf("writing configuration: %w", err), "%s", folderHint)
	}
	return file, nil
}

// newName refuses what totp.ParseNewName does. Settings.Entry takes such names, because
// they may have been in use before they were refused.
func newName(s *config.Settings, v config.Variable[string]) string {
	v.Parse = config.ParseNewName
	v.Hint = "it is 1 to 128 characters that people can see, without a colon; TOTP_ISSUER or --issuer names who asks for the code"
	return config.Take(s, v)
}

// envText returns the .env of an entry, without the variables that have their default.
func envText(e totp.Entry) string {
	k := e.Key
	var b strings.Builder
	b.WriteString("# Written by totpctl init. The README's table has every variable.\n")
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
			b.WriteString(config.Line(v.Name, v.value))
		}
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
