package cmd

import (
	"fmt"
	"strings"

	"totpctl/cmd/config"
	"totpctl/totp"
)

// colonWarnings warns of names that were written before init refused colons.
func colonWarnings(s *config.Settings) (warnings []string) {
	for _, v := range []config.Variable[string]{config.Issuer, config.Account} {
		if strings.Contains(config.Take(s, v), ":") {
			warnings = append(warnings, fmt.Sprintf("%s has a colon, which parts issuer and account in a QR code: some authenticators will show another name or refuse the code", v.Name))
		}
	}
	return warnings
}

// shown returns a stored name for people: bare, or quoted if the bare name would hide
// what is in it or look like the list's "(default)".
func shown(name string) string {
	quoted := totp.QuoteName(name)
	if quoted == `"`+name+`"` && !strings.HasPrefix(name, "(") {
		return name
	}
	return quoted
}
