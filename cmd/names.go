package cmd

import (
	"fmt"
	"net/netip"
	"os"
	"os/user"
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

// hostName returns the first label of the host's name, "" if people would not know the
// host by it.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return shortHost(name)
}

func shortHost(name string) string {
	short, _, _ := strings.Cut(name, ".")
	if _, err := netip.ParseAddr(name); err == nil || short == "localhost" || short == "(none)" {
		return ""
	}
	return withoutColons(short)
}

// userName returns the name that the user has logged in with, "" for an unknown one.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return shortUser(u.Username)
}

// shortUser cuts the domain that Windows puts before the name.
func shortUser(name string) string {
	return withoutColons(name[strings.LastIndexByte(name, '\\')+1:])
}

func withoutColons(name string) string { return strings.ReplaceAll(strings.TrimSpace(name), ":", "-") }

// shown returns a stored name for people: bare, or quoted if the bare name would hide
// what is in it or look like the list's "(default)".
func shown(name string) string {
	quoted := totp.QuoteName(name)
	if quoted == `"`+name+`"` && !strings.HasPrefix(name, "(") {
		return name
	}
	return quoted
}
