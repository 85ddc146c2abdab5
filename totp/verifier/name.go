package verifier

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"totpctl/totp"
)

// ParseNewAccount checks the name of an account that is about to be made. The name must
// pass ParseAccount and totp.ParseNewName, and must not be a word that means something
// else on the command line. One colon may part an issuer from the account, as in
// GitHub:alice. ParseNewAccount returns ErrName, with what is wrong. An account that has
// another name already keeps it.
func ParseNewAccount(name string) (string, error) {
	if _, err := ParseAccount(name); err != nil {
		return "", err
	}
	if err := checkNew(name); err != nil {
		return "", fmt.Errorf("%w: it %w", ErrName, err)
	}
	return name, nil
}

func checkNew(name string) error {
	if name == "-" || strings.EqualFold(name, "(default)") {
		return errors.New("stands for something else on the command line")
	}
	issuer, account, colon := strings.Cut(name, ":")
	if !colon {
		_, err := totp.ParseNewName(name)
		return err
	}
	if _, err := totp.ParseNewName(issuer); err != nil {
		return fmt.Errorf("has an issuer, before its colon, that %w", err)
	}
	if _, err := totp.ParseNewName(account); err != nil {
		return fmt.Errorf("has a part behind its colon that %w", err)
	}
	return nil
}

// StoredName returns the name under which an entry from elsewhere is stored: ISSUER:ACCOUNT,
// or ACCOUNT without an issuer. A colon within either becomes a dash, because one colon
// alone parts the two. StoredName returns ErrName where ParseNewAccount would.
func StoredName(e totp.Entry) (string, error) {
	name := strings.ReplaceAll(e.Account, ":", "-")
	if e.Issuer != "" {
		name = strings.ReplaceAll(e.Issuer, ":", "-") + ":" + name
	}
	return ParseNewAccount(name)
}

// label returns the issuer and the account that authenticators show for a stored
// account. The issuer is the account's own, or else the one in its name, or else the
// Verifier's; the account is the name, without an issuer that stands before it.
func (v *Verifier) label(a Account) (issuer, account string) {
	issuer, account, ok := totp.SplitName(a.ID)
	if ok && (a.Issuer == "" || a.Issuer == issuer) {
		return issuer, account
	}
	return cmp.Or(a.Issuer, v.config.Issuer), a.ID
}

// entry returns a key of the account as authenticators list it; the zero Entry for
// the zero Key.
func (v *Verifier) entry(a Account, k totp.Key) (totp.Entry, error) {
	if k.IsZero() {
		return totp.Entry{}, nil
	}
	issuer, account := v.label(a)
	return totp.NewEntry(issuer, account, k)
}
