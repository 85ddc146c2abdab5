package cmd

import (
	"slices"
	"strconv"
	"strings"

	"totpctl/totp"
)

// A variable is one of the configuration's. Its flag is "" where it is a secret,
// which would be seen in /proc/*/cmdline.
type variable struct {
	name     string
	flag     string
	meaning  string
	fallback string
}

func (v variable) secret() bool { return v.flag == "" }

// variables are all there are, in the order of .env.example.
func variables() []variable {
	return []variable{
		{"TOTP_BASE32_SECRET", "", "secret of the default account", ""},
		{"TOTP_ISSUER", "issuer", "issuer that authenticators show", "totpctl"},
		{"TOTP_ACCOUNT", "label", "what authenticators show as the default account's name", "default"},
		{"TOTP_ALGORITHM", "algorithm", "SHA1, SHA256 or SHA512", "SHA1"},
		{"TOTP_DIGITS", "digits", "digits of a code, 6 to 8", "6"},
		{"TOTP_PERIOD", "period", "how long a code lasts", "30"},
		{"TOTP_SKEW", "skew", "steps accepted each side of the present one, 0 to 2", strconv.Itoa(totp.DefaultSkew)},
		{"BEARER", "", "may check codes", ""},
		{"ADMIN_BEARER", "", "may also see the QR page", ""},
		{"ENCRYPTION_KEY", "", "seals stored secrets", ""},
		{"DATABASE_URL", "", "where state is kept", "sqlite:totpctl.db"},
		{"LISTEN_ADDR", "listen-addr", "address to listen on", "127.0.0.1:5000"},
		{"PUBLIC_URL", "public-url", "how people reach the server; without it, http://LISTEN_ADDR", ""},
		{"TLS_CERT_FILE", "tls-cert-file", "certificate chain for HTTPS, reread when renewed", ""},
		{"TLS_KEY_FILE", "tls-key-file", "key of the certificate", ""},
		{"CORS_ORIGINS", "cors-origins", "web origins that may call /check", strings.Join([]string{
			"http://localhost:8100", "http://localhost", "https://localhost", "capacitor://localhost", "ionic://localhost"}, ",")},
		{"TOTPCTL_URL", "url", "server that check asks", "http://127.0.0.1:5000"},
	}
}

func lookUp(name string) (variable, bool) {
	all := variables()
	i := slices.IndexFunc(all, func(v variable) bool { return v.name == name })
	if i < 0 {
		return variable{}, false
	}
	return all[i], true
}
