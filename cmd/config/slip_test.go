package config

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestANameOneSlipAwayIsTakenForAVariable(t *testing.T) {
	for name, want := range map[string]string{
		"DATABASE_URI": "DATABASE_URL", "CORS_ORIGIN": "CORS_ORIGINS", "BEARERS": "BEARER", "ADMIN_BEARERS": "ADMIN_BEARER",
		"LISTEN_ADDRESS": "LISTEN_ADDR", "LISTEN_ADDRS": "LISTEN_ADDR", "ENCRYPTION_KEYS": "ENCRYPTION_KEY", "PUBLIC_URI": "PUBLIC_URL",
		"TLS_CERTIFICATE_FILE": "TLS_CERT_FILE", "TLS_KEYFILE": "TLS_KEY_FILE", "ADMIN-BEARER": "ADMIN_BEARER",
		"BAERER": "BEARER", "BEARRE": "BEARER", "BEARE": "BEARER", "BEAARER": "BEARER", "bearer": "BEARER", "Cors_Origins": "CORS_ORIGINS",
		"BEARERS_FILE": "BEARER_FILE", "ENCRYPTION_KEY_FILES": "ENCRYPTION_KEY_FILE", "DATABASE_URI_FILE": "DATABASE_URL_FILE",
	} {
		s := Settings{flags: pflag.NewFlagSet("", pflag.ContinueOnError), file: "/x/.env", values: map[string]string{name: "tell-nobody"}}
		warnings := s.Warnings()
		if len(warnings) != 1 || warnings[0] != name+" in /x/.env is not a variable of totpctl: is "+want+" meant?" {
			t.Errorf("%s: %q, want a warning that names it and %s", name, warnings, want)
		}
	}
}

func TestANameOfAnotherProgramIsNoSlip(t *testing.T) {
	for _, name := range []string{
		"MTLS_CERT_FILE", "MTLS_KEY_FILE", "SSL_CERT_FILE", "TLS_CA_FILE", "TLS_CERT", "TLS_KEY", "BEARER_TOKEN", "TEST_DATABASE_URL",
		"DATABASE_URL2", "DATABASE_URL_1", "BEARER2", "DATABASE_USER", "DATABASE_HOST", "DATABASE_NAME", "PUBLIC_KEY", "PUBLIC_PATH", "PUBLIC_DIR",
		"LISTEN_PORT", "LISTEN_HOST", "LISTEN_FDS", "CORS_METHODS", "CORS_HEADERS", "ENCRYPTION_SALT", "_BEARER", "XBEARER", "HTTPS_PROXY",
		"SERVER_URL", "REDIS_URL", "PORT", "HOST", "LANG", "TZ", "", "B", "TOTP_SECRET", "BEARER", "BEARER_FILE",
	} {
		s := Settings{flags: pflag.NewFlagSet("", pflag.ContinueOnError), values: map[string]string{name: "x"}}
		if warnings := s.Warnings(); warnings != nil {
			t.Errorf("%s: %q, want no warning", name, warnings)
		}
	}
}

func TestANameBesideTheVariableThatItResemblesIsAnotherPrograms(t *testing.T) {
	for name, values := range map[string]map[string]string{
		"in the .env":      {"DATABASE_URI": "x", "DATABASE_URL": "sqlite:totpctl.db"},
		"in a secret file": {"DATABASE_URI": "x", "DATABASE_URL_FILE": "nowhere"},
	} {
		s := Settings{flags: pflag.NewFlagSet("", pflag.ContinueOnError), values: values}
		if warnings := s.Warnings(); warnings != nil {
			t.Errorf("%s: %q, want no warning", name, warnings)
		}
	}
	t.Setenv("DATABASE_URL", "sqlite:totpctl.db")
	s := Settings{flags: pflag.NewFlagSet("", pflag.ContinueOnError), values: map[string]string{"DATABASE_URI": "x"}}
	if warnings := s.Warnings(); warnings != nil {
		t.Errorf("in the environment: %q, want no warning", warnings)
	}
}
