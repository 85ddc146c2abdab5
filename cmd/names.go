package cmd

import (
	"fmt"
	"strings"

	"totpctl/totp"
)

const newNameHint = "it is 1 to 128 characters that people can see, without a colon; TOTP_ISSUER or --issuer names who asks for the code"

// checkNewNames is for a .env that is about to be written. Names that one has
// already are parameters' to check.
func (s settings) checkNewNames() error {
	for _, name := range []string{"TOTP_ISSUER", "TOTP_ACCOUNT"} {
		if _, err := parse(s, name, totp.ParseNewName, newNameHint); err != nil {
			return err
		}
	}
	return nil
}

// colonWarnings are for names that were taken before ParseNewName was asked.
func (s settings) colonWarnings() (warnings []string) {
	for _, name := range []string{"TOTP_ISSUER", "TOTP_ACCOUNT"} {
		if value, _, err := s.get(name); err == nil && strings.Contains(value, ":") {
			warnings = append(warnings, fmt.Sprintf("%s has a colon, which parts issuer and account in a QR code: some authenticators will show another name or refuse the code", name))
		}
	}
	return warnings
}

// labelled gives the default account's key the issuer that stands in its name.
func labelled(issuer, name string, k totp.Key) (totp.Entry, error) {
	if own, account, ok := totp.SplitName(name); ok {
		issuer, name = own, account
	}
	return totp.NewEntry(issuer, name, k)
}

// shown is a stored name as a table has it: bare, or quoted where that would hide
// what is in it, or look like the list's own "(default)".
func shown(name string) string {
	quoted := totp.QuoteName(name)
	if quoted == `"`+name+`"` && !strings.HasPrefix(name, "(") {
		return name
	}
	return quoted
}
