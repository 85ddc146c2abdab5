package cmd

import (
	"fmt"
	"strings"

	"totpctl/cmd/config"
	"totpctl/totp"
)

// colonWarnings are for names that were taken before ParseNewName was asked.
func colonWarnings(s *config.Settings) (warnings []string) {
	for _, v := range []config.Variable[string]{config.Issuer, config.Account} {
		if strings.Contains(config.Take(s, v), ":") {
			warnings = append(warnings, fmt.Sprintf("%s has a colon, which parts issuer and account in a QR code: some authenticators will show another name or refuse the code", v.Name))
		}
	}
	return warnings
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
