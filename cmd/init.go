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
			file, err := writeEnv(settings{command: c})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "wrote %s\nnext: totpctl serve, then scan the QR code that its set-up link shows\n", file)
			return err
		},
	}
	addKeyFlags(c)
	return c
}

func writeEnv(s settings) (file string, err error) {
	file = ".env"
	if s.command.Flags().Changed("env") {
		if file, err = s.command.Flags().GetString("env"); err != nil {
			return "", err
		}
	}
	issuer, account, err := s.names()
	if err != nil {
		return "", err
	}
	scheme, err := s.scheme()
	if err != nil {
		return "", err
	}
	if err := s.checkNewNames(); err != nil {
		return "", err
	}
	key, err := totp.GenerateKey(scheme)
	if err != nil {
		return "", err
	}
	err = createFile(file, []byte(envText(totp.Entry{Issuer: issuer, Account: account, Key: key})))
	if errors.Is(err, fs.ErrExist) {
		return "", hint.With(fmt.Errorf("writing %s: it exists already", file), "keep it, or name another file with --env; removing it ends what was enrolled with it")
	}
	if err != nil {
		return "", fmt.Errorf("writing configuration: %w", err)
	}
	return file, nil
}

// envText leaves out what equals the defaults.
func envText(e totp.Entry) string {
	k := e.Key
	var b strings.Builder
	b.WriteString("# Written by totpctl init. The README's table has every variable.\n")
	for _, v := range []struct{ name, value string }{
		{"TOTP_BASE32_SECRET", k.Secret().Base32()},
		{"TOTP_ISSUER", e.Issuer},
		{"TOTP_ACCOUNT", e.Account},
		{"TOTP_ALGORITHM", k.Algorithm().String()},
		{"TOTP_DIGITS", strconv.Itoa(k.Digits())},
		{"TOTP_PERIOD", strconv.Itoa(int(k.Period() / time.Second))},
		{"BEARER", randomBearer()},
		{"ADMIN_BEARER", randomBearer()},
		{"ENCRYPTION_KEY", randomKey()},
	} {
		if known, _ := lookUp(v.name); known.fallback == v.value && strings.HasPrefix(v.name, "TOTP_") {
			continue
		}
		b.WriteString(envLine(v.name, v.value))
	}
	return b.String()
}

// randomBearer has 130 random bits.
func randomBearer() string { return rand.Text() }

func randomKey() string {
	key := make([]byte, keyBytes)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}
