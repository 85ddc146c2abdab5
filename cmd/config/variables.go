package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"totpctl/server/api"
	"totpctl/server/proxy"
	"totpctl/totp"
)

// A Variable is one that the configuration has, and how its text is read.
type Variable[T any] struct {
	Info
	Parse func(string) (T, error)
}

// Info is what is known of a Variable without its type.
type Info struct {
	Name    string
	Flag    string // "" for a secret, which would be seen in /proc/*/cmdline
	Meaning string // of the flag, for --help
	Default string // "": none
	Hint    string // what to do about a bad value
	Missing string // what to do where it is not set; "": it may be left out
	Lacking string // the same where there is a .env, which init does not write over

	Sealable bool // the value may be sealed by a passphrase
}

// Secret reports whether the variable holds a secret: it has no flag, and NAME_FILE
// may name a file that holds it.
func (i Info) Secret() bool { return i.Flag == "" }

// Named is any Variable.
type Named interface{ info() Info }

func (i Info) info() Info { return i }

func isOneOf(v Info, all []Named) bool {
	return slices.ContainsFunc(all, func(n Named) bool { return n.info().Name == v.Name })
}

// The variables.
var (
	Secret = Variable[totp.Secret]{Info{Name: "TOTP_BASE32_SECRET",
		Hint:    "copy it again from where it is shown: it has the letters A-Z, in either case, and the digits 2-7",
		Missing: "`totpctl init` writes a .env with a fresh secret",
		Lacking: "`totpctl init --env new.env` writes one to copy the line from",

		Sealable: true,
	}, totp.ParseSecret}

	Issuer = Variable[string]{Info{Name: "TOTP_ISSUER", Flag: "issuer", Default: "totpctl",
		Meaning: "issuer that authenticators show",
		Hint:    "TOTP_ISSUER is the name above the code in authenticators, such as \"ACME\"",
	}, parseName}

	Account = Variable[string]{Info{Name: "TOTP_ACCOUNT", Flag: "label", Default: "default",
		Meaning: "what authenticators show as the default account's name",
		Hint:    "TOTP_ACCOUNT is the name beside the issuer in authenticators, such as \"alice\"",
	}, parseName}

	Algorithm = Variable[totp.Algorithm]{Info{Name: "TOTP_ALGORITHM", Flag: "algorithm", Default: totp.DefaultAlgorithm.String(),
		Meaning: "SHA1, SHA256 or SHA512",
		Hint:    "leave TOTP_ALGORITHM out for SHA1, which every authenticator knows",
	}, totp.ParseAlgorithm}

	Digits = Variable[int]{Info{Name: "TOTP_DIGITS", Flag: "digits", Default: strconv.Itoa(totp.DefaultDigits),
		Meaning: "digits of a code, 6 to 8",
		Hint:    "leave TOTP_DIGITS out for 6, which every authenticator knows",
	}, totp.ParseDigits}

	Period = Variable[time.Duration]{Info{Name: "TOTP_PERIOD", Flag: "period", Default: strconv.Itoa(int(totp.DefaultPeriod / time.Second)),
		Meaning: "seconds that a code lasts",
		Hint:    "leave TOTP_PERIOD out for 30 seconds, which every authenticator knows",
	}, totp.ParsePeriod}

	Skew = Variable[int]{Info{Name: "TOTP_SKEW", Flag: "skew", Default: strconv.Itoa(totp.DefaultSkew),
		Meaning: "steps accepted each side of the present one, 0 to 2",
		Hint:    "TOTP_SKEW is how many steps a phone's clock may be off; leave it out for 1",
	}, parseSkew}

	Bearer = Variable[[]string]{Info{Name: "BEARER",
		Hint:    "a bearer is printable ASCII without spaces and commas; `openssl rand -hex 16` makes a good one",
		Missing: "`totpctl init` writes a .env with fresh bearers; to ask another machine's server, copy BEARER from its .env",
		Lacking: "add BEARER=…: `openssl rand -hex 16` makes one; to ask another machine's server, copy BEARER from its .env",
	}, parseBearers}

	AdminBearer = Variable[[]string]{Info{Name: "ADMIN_BEARER",
		Hint: "`openssl rand -hex 16` makes a good one; leave ADMIN_BEARER out to turn it off",
	}, parseAdminBearers}

	EncryptionKey = Variable[[][]byte]{Info{Name: "ENCRYPTION_KEY",
		Hint: "bring back the key that sealed the stored secrets; where there are none yet, `openssl rand -base64 32` makes one",

		Sealable: true,
	}, parseEncryptionKeys}

	PassphraseFile = Variable[string]{Info{Name: "ENCRYPTION_PASSPHRASE_FILE", Flag: "encryption-passphrase-file",
		Meaning: "file with the passphrase that opens sealed values of the .env",
		Hint:    "ENCRYPTION_PASSPHRASE_FILE is the path of a file whose one line is the passphrase",
	}, parseFile}

	DatabaseURL = Variable[string]{Info{Name: "DATABASE_URL", Default: "sqlite:totpctl.db",
		Hint: "leave DATABASE_URL out for sqlite:totpctl.db beside the .env",
	}, parseDatabaseURL}

	TargetURL = Variable[string]{Info{Name: "TARGET_DATABASE_URL",
		Hint: targetHint,
	}, parseDatabaseURL}

	ListenAddr = Variable[string]{Info{Name: "LISTEN_ADDR", Flag: "listen-addr", Default: "127.0.0.1:5000",
		Meaning: "address to listen on, or unix:PATH",
		Hint:    "LISTEN_ADDR is HOST:PORT, such as 127.0.0.1:5000, or unix:PATH, such as unix:/run/totpctl/socket",
	}, parseListenAddr}

	PublicURL = Variable[*url.URL]{Info{Name: "PUBLIC_URL", Flag: "public-url",
		Meaning: "how people reach the server; without it, http://LISTEN_ADDR",
		Hint:    "PUBLIC_URL is how people reach the server, such as https://totp.example.com",
	}, api.ParseURL}

	EnrolTTL = Variable[time.Duration]{Info{Name: "ENROL_TTL", Flag: "enrol-ttl", Default: "24h",
		Meaning: "how long an enrolment link may wait until a browser opens it, 10m to 30d; that browser then has 15 minutes",
		Hint:    "ENROL_TTL is a number with a unit, such as 90m, 24h or 7d, from 10m to 30d; leave it out for 24h",
	}, parseEnrolTTL}

	SelfService = Variable[bool]{Info{Name: "SELF_SERVICE", Flag: "self-service",
		Meaning: "recovery has the page /recover, on which a recovery code begins a new enrolment; off without it",
		Hint:    "SELF_SERVICE is recovery: it has the page /recover, which belongs behind another factor; leave it out for no such page",
	}, parseSelfService}

	CertFile = Variable[string]{Info{Name: "TLS_CERT_FILE", Flag: "tls-cert-file",
		Meaning: "certificate chain for HTTPS, reread when renewed",
		Hint:    certificateHint,
	}, parseFile}

	KeyFile = Variable[string]{Info{Name: "TLS_KEY_FILE", Flag: "tls-key-file",
		Meaning: "key of the certificate",
		Hint:    certificateHint,
	}, parseFile}

	Origins = Variable[[]string]{Info{Name: "CORS_ORIGINS", Flag: "cors-origins",
		Default: "http://localhost:8100,http://localhost,https://localhost,capacitor://localhost,ionic://localhost",
		Meaning: "web origins that may call /check",
		Hint:    "an origin is SCHEME://HOST[:PORT], without a path; separate several by commas",
	}, parseOrigins}

	AuditLog = Variable[string]{Info{Name: "AUDIT_LOG", Flag: "audit-log",
		Meaning: "file of the audit log, which has a line for each verdict and each change of an account; - is the standard output of serve",
		Hint:    "AUDIT_LOG is a file, such as /var/log/totpctl/audit.log, or - for the standard output of serve; leave it out for no audit log",
	}, parseFile}

	Proxies = Variable[proxy.Trusted]{Info{Name: "TRUSTED_PROXIES", Flag: "trusted-proxies",
		Meaning: "addresses and ranges (CIDR) of reverse proxies whose X-Forwarded-For and X-Request-Id count",
		Hint:    "TRUSTED_PROXIES has the addresses of your proxies, such as 127.0.0.1 or 10.1.0.0/16, separated by commas; leave it out to trust none",
	}, proxy.Parse}

	LogFormat = Variable[string]{Info{Name: "LOG_FORMAT", Flag: "log-format",
		Meaning: "text or json; without it, text on a terminal and else json",
		Hint:    "LOG_FORMAT is text or json; leave it out for text on a terminal and else json",
	}, parseLogFormat}

	LogLevel = Variable[slog.Level]{Info{Name: "LOG_LEVEL", Flag: "log-level", Default: "info",
		Meaning: "least level of what is logged: debug, info, warn or error",
		Hint:    "LOG_LEVEL is debug, info, warn or error; leave it out for info",
	}, parseLogLevel}

	MetricsAddr = Variable[string]{Info{Name: "METRICS_ADDR", Flag: "metrics-addr",
		Meaning: "address to serve Prometheus' /metrics on, in plain HTTP to whoever asks; without it there are none",
		Hint:    "METRICS_ADDR is HOST:PORT, such as 127.0.0.1:9464, another than LISTEN_ADDR; leave it out for no metrics",
	}, parseListenAddr}

	AdminAccount = Variable[string]{Info{Name: "ADMIN_ACCOUNT", Flag: "admin-account",
		Meaning: "stored account whose code the sign-in of /admin asks for, beside ADMIN_BEARER",
		Hint:    "ADMIN_ACCOUNT is the name of a stored account, such as alice: `totpctl account list` shows them; leave it out to ask for ADMIN_BEARER alone",
	}, totp.ParseName}

	ServerURL = Variable[*url.URL]{Info{Name: "TOTPCTL_URL", Flag: "url", Default: "http://127.0.0.1:5000",
		Meaning: "server that check asks",
		Hint:    "TOTPCTL_URL or --url is where the server is, such as https://totp.example.com or unix:/run/totpctl/socket",
	}, api.ParseServer}
)

const certificateHint = "TLS_CERT_FILE is the certificate's chain in PEM and TLS_KEY_FILE its key; leave both out for plain HTTP"

const targetHint = "TARGET_DATABASE_URL is sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE, and may be in a file, TARGET_DATABASE_URL_FILE"

// All returns the variables in the order of .env.example.
func All() (all []Info) {
	for _, v := range []Named{
		Secret, Issuer, Account, Algorithm, Digits, Period, Skew, Bearer, AdminBearer, EncryptionKey, PassphraseFile, DatabaseURL, TargetURL,
		ListenAddr, PublicURL, EnrolTTL, SelfService, CertFile, KeyFile, Origins, Proxies, AuditLog, LogFormat, LogLevel, MetricsAddr, AdminAccount, ServerURL,
	} {
		all = append(all, v.info())
	}
	return all
}

// AddFlags gives a command the flags of the variables.
func AddFlags(flags *pflag.FlagSet, all ...Named) {
	for _, v := range all {
		i := v.info()
		flags.String(i.Flag, i.Default, fmt.Sprintf("%s ($%s)", i.Meaning, i.Name))
	}
}

// AddKeyFlags gives a command the flags of all that makes the default account's key
// and its names but the secret.
func AddKeyFlags(flags *pflag.FlagSet) {
	AddFlags(flags, Issuer, Account, Algorithm, Digits, Period)
}

// known reports whether a name is a variable's or, where that is a secret, NAME_FILE.
func known(name string) bool {
	base, file := strings.CutSuffix(name, "_FILE")
	return slices.ContainsFunc(All(), func(v Info) bool {
		return v.Name == name || file && v.Secret() && v.Name == base
	})
}

// ours reports whether a name can be meant for no other program.
func ours(name string) bool { return strings.HasPrefix(name, "TOTP") }
