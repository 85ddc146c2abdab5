package config

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
)

// Entry reads the default account's key and names.
func (s *Settings) Entry() totp.Entry {
	issuer, account, scheme, secret := Take(s, Issuer), Take(s, Account), s.Scheme(), Take(s, Secret)
	if s.err != nil {
		return totp.Entry{}
	}
	// A colon in the account's name parts an issuer of its own from it.
	if own, name, ok := totp.SplitName(account); ok {
		issuer, account = own, name
	}
	key, err := totp.NewKey(secret, scheme)
	s.fail(err)
	e, err := totp.NewEntry(issuer, account, key)
	s.fail(err)
	return e
}

// OptionalKey returns the Entry's key, the zero Key where TOTP_BASE32_SECRET is not
// set.
func (s *Settings) OptionalKey() totp.Key {
	if s.Source(Secret.Info) == "" {
		return totp.Key{}
	}
	return s.Entry().Key
}

// Scheme reads how the default account's secret and those of new accounts make codes.
func (s *Settings) Scheme() totp.Scheme {
	return totp.Scheme{Algorithm: Take(s, Algorithm), Digits: Take(s, Digits), Period: Take(s, Period)}
}

// Bearers are the items of BEARER and ADMIN_BEARER, none if that is not set.
type Bearers struct{ Check, Admin []string }

// Bearers reads both variables, which must share no value.
func (s *Settings) Bearers() Bearers {
	b := Bearers{Check: Take(s, Bearer), Admin: Take(s, AdminBearer)}
	if slices.ContainsFunc(b.Check, func(text string) bool { return slices.Contains(b.Admin, text) }) {
		s.fail(hint.With(errors.New("BEARER and ADMIN_BEARER share a value"), "whoever may check codes must not see secrets: give ADMIN_BEARER one of its own"))
	}
	return b
}

// Store reads what describes the database.
func (s *Settings) Store() sqlstore.Config {
	return sqlstore.Config{EncryptionKeys: Take(s, EncryptionKey), URL: s.DatabaseURL()}
}

// DatabaseURL reads DATABASE_URL. A relative path of SQLite's begins at the .env, see
// folderOf.
func (s *Settings) DatabaseURL() string { return s.atFolder(Take(s, DatabaseURL)) }

// TargetURL reads TARGET_DATABASE_URL, which must be set, as DatabaseURL reads
// DATABASE_URL.
func (s *Settings) TargetURL() string {
	text := Take(s, TargetURL)
	if text == "" {
		s.fail(hint.With(errors.New("TARGET_DATABASE_URL is not set"), targetHint))
	}
	return s.atFolder(text)
}

func (s *Settings) atFolder(text string) string {
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok && s.dir != "" && !filepath.IsAbs(path) {
		text = "sqlite:" + filepath.Join(s.dir, path)
	}
	return text
}

// MetricsAddr reads METRICS_ADDR, which must not be LISTEN_ADDR: whoever may check codes
// need not see the numbers.
func (s *Settings) MetricsAddr() string {
	addr := Take(s, MetricsAddr)
	if _, port, _ := net.SplitHostPort(addr); addr != "" && port != "0" && addr == Take(s, ListenAddr) {
		s.fail(hint.With(errors.New("METRICS_ADDR and LISTEN_ADDR are the same address"), "give the metrics a port of their own, such as 127.0.0.1:9464"))
	}
	return addr
}

// AuditOutput is the AUDIT_LOG that stands for the standard output of serve.
const AuditOutput = "-"

// AuditLog reads AUDIT_LOG, which is "" where it is not set. It returns an absolute path, or
// AuditOutput. A relative path that is not a flag's begins at the .env, see folderOf.
func (s *Settings) AuditLog() string {
	text, flag := Take(s, AuditLog), s.flags.Lookup(AuditLog.Flag)
	if text == "" || text == AuditOutput || filepath.IsAbs(text) {
		return text
	}
	if flag == nil || !flag.Changed {
		text = filepath.Join(s.dir, text)
	}
	path, err := filepath.Abs(text)
	s.fail(err)
	return path
}

// Certificate has the files of a certificate's chain and key; both are "" for plain
// HTTP.
type Certificate struct{ CertFile, KeyFile string }

// Scheme returns the scheme of the server's addresses.
func (c Certificate) Scheme() string {
	if c.CertFile == "" {
		return "http"
	}
	return "https"
}

// Certificate reads both files' names: one without the other is an error.
func (s *Settings) Certificate() Certificate {
	c := Certificate{Take(s, CertFile), Take(s, KeyFile)}
	if (c.CertFile == "") != (c.KeyFile == "") {
		s.fail(hint.With(errors.New("one of TLS_CERT_FILE and TLS_KEY_FILE is set without the other"), certificateHint))
	}
	return c
}

// PublicURL reads PUBLIC_URL or, where it is not set, makes it of the address that
// serve is to listen on. Of a unix socket it makes the zero URL, because no browser can
// open one.
func (s *Settings) PublicURL() *url.URL {
	if public := Take(s, PublicURL); public != nil || s.err != nil {
		return public
	}
	addr := Take(s, ListenAddr)
	if _, unix, _ := api.SocketPath(addr); unix {
		return &url.URL{}
	}
	return &url.URL{Host: addr, Scheme: s.Certificate().Scheme()}
}
