package cmd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
)

// parse reads the variable name with f and says where a bad value comes from. A
// variable with neither a value nor a default is an error.
func parse[T any](s settings, name string, f func(string) (T, error), way string) (T, error) {
	return parseRequired(s, name, f, way, way)
}

// parseRequired is parse with another hint, missing, where there is no value.
func parseRequired[T any](s settings, name string, f func(string) (T, error), way, missing string) (T, error) {
	value, set, err := parseOptional(s, name, f, way)
	if err == nil && !set {
		err = hint.With(s.missing(name), "%s", missing)
	}
	return value, err
}

// parseOptional is parse for a variable that may be left out: set tells whether
// it was not.
func parseOptional[T any](s settings, name string, f func(string) (T, error), way string) (value T, set bool, err error) {
	text, source, err := s.get(name)
	if err != nil || source == "" {
		return value, false, err
	}
	value, err = f(text)
	return value, true, wrong(source, err, way)
}

// wrong says that a variable's value is not to be had; nil if err is nil.
func wrong(source string, err error, way string) error {
	if err == nil {
		return nil
	}
	return hint.With(fmt.Errorf("reading %s: %w", source, err), "%s", way)
}

func (s settings) missing(name string) error {
	switch {
	case s.only:
		return fmt.Errorf("%s is not set in %s", name, s.file)
	case s.file == "":
		return fmt.Errorf("%s is not set, and there is no .env here", name)
	}
	return fmt.Errorf("%s is not set, nor in %s", name, s.file)
}

// entry is the default account's.
func (s settings) entry() (totp.Entry, error) {
	issuer, account, err := s.names()
	if err != nil {
		return totp.Entry{}, err
	}
	scheme, err := s.scheme()
	if err != nil {
		return totp.Entry{}, err
	}
	secret, err := parseRequired(s, "TOTP_BASE32_SECRET", totp.ParseSecret,
		"copy it again from where it is shown: it has the letters A-Z, in either case, and the digits 2-7",
		"`totpctl init` writes a .env with a fresh secret")
	if err != nil {
		return totp.Entry{}, err
	}
	k, err := totp.NewKey(secret, scheme)
	if err != nil {
		return totp.Entry{}, err
	}
	return labelled(issuer, account, k)
}

// optionalKey is the zero Key where TOTP_BASE32_SECRET is not set.
func (s settings) optionalKey() (totp.Key, error) {
	if _, source, err := s.get("TOTP_BASE32_SECRET"); err == nil && source == "" {
		return totp.Key{}, nil
	}
	e, err := s.entry()
	return e.Key, err
}

// names are what authenticators show of the default account, and the issuer of
// stored ones.
func (s settings) names() (issuer, account string, err error) {
	var errs [2]error
	issuer, errs[0] = parse(s, "TOTP_ISSUER", totp.ParseName, "TOTP_ISSUER is the name above the code in authenticators, such as \"ACME\"")
	account, errs[1] = parse(s, "TOTP_ACCOUNT", totp.ParseName, "TOTP_ACCOUNT is the name beside the issuer in authenticators, such as \"alice\"")
	return issuer, account, first(errs[:])
}

// scheme is of the default account's key and of new ones.
func (s settings) scheme() (c totp.Scheme, err error) {
	var errs [3]error
	c.Algorithm, errs[0] = parse(s, "TOTP_ALGORITHM", totp.ParseAlgorithm, "leave TOTP_ALGORITHM out for SHA1, which every authenticator knows")
	c.Digits, errs[1] = parse(s, "TOTP_DIGITS", totp.ParseDigits, "leave TOTP_DIGITS out for 6, which every authenticator knows")
	c.Period, errs[2] = parse(s, "TOTP_PERIOD", totp.ParsePeriod, "leave TOTP_PERIOD out for 30 seconds, which every authenticator knows")
	return c, first(errs[:])
}

// first returns the first error that is not nil.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s settings) skew() (int, error) {
	return parse(s, "TOTP_SKEW", func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > totp.MaxSkew {
			return 0, fmt.Errorf("skew is %q: want 0, 1 or %d", text, totp.MaxSkew)
		}
		return n, nil
	}, "TOTP_SKEW is how many steps a phone's clock may be off; leave it out for 1")
}

const bearerHint = "a bearer is printable ASCII without spaces and commas; `openssl rand -hex 16` makes a good one"

// bearers returns the items of BEARER and the one of ADMIN_BEARER, "" if that is
// not set.
func (s settings) bearers() (check []string, admin string, err error) {
	check, err = parseRequired(s, "BEARER", parseBearers, bearerHint, "`totpctl init` writes a .env with fresh bearers")
	if err != nil {
		return nil, "", err
	}
	admin, _, err = parseOptional(s, "ADMIN_BEARER", parseAdminBearer, "`openssl rand -hex 16` makes a good one; leave ADMIN_BEARER out to turn it off")
	if err != nil {
		return nil, "", err
	}
	if slices.Contains(check, admin) {
		return nil, "", hint.With(errors.New("BEARER and ADMIN_BEARER share a value"), "whoever may check codes must not see secrets: give ADMIN_BEARER one of its own")
	}
	return check, admin, nil
}

func parseBearers(text string) (all []string, err error) {
	for item := range strings.SplitSeq(text, ",") {
		item, err := parseBearer(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// minBearer is the characters of a bearer that nobody can guess: 22 of base64 are
// 128 random bits.
const minBearer = 22

func parseBearer(text string) (string, error) {
	if text == "" {
		return "", errors.New("bearer is empty")
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || text[i] == ',' {
			return "", errors.New("bearer has a character other than printable ASCII without spaces and commas")
		}
	}
	return text, nil
}

func parseAdminBearer(text string) (string, error) {
	text, err := parseBearer(text)
	if err == nil && len(text) < minBearer {
		err = fmt.Errorf("bearer has %d characters: want at least %d, which nobody can guess", len(text), minBearer)
	}
	return text, err
}

// weakBearers warns of short items, which the prototype's BEARER may have.
func weakBearers(check []string) (warnings []string) {
	for _, bearer := range check {
		if len(bearer) < minBearer {
			warnings = append(warnings, fmt.Sprintf("BEARER has an item of %d characters: with fewer than %d it may be guessed", len(bearer), minBearer))
		}
	}
	return warnings
}

const keyBytes = 32

func parseEncryptionKeys(text string) (keys [][]byte, err error) {
	for item := range strings.SplitSeq(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(item))
		if err != nil || len(key) != keyBytes {
			return nil, fmt.Errorf("an encryption key is not %d bytes in base64", keyBytes)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// store describes the database, whose relative path is beside the .env.
func (s settings) store() (c sqlstore.Config, err error) {
	c.EncryptionKeys, _, err = parseOptional(s, "ENCRYPTION_KEY", parseEncryptionKeys, "bring back the key that sealed the stored secrets; where there are none yet, `openssl rand -base64 32` makes one")
	if err != nil {
		return c, err
	}
	c.URL, err = parse(s, "DATABASE_URL", s.parseDatabaseURL, "leave DATABASE_URL out for sqlite:totpctl.db beside the .env")
	return c, err
}

// parseDatabaseURL does not quote the text, which may hold a password.
func (s settings) parseDatabaseURL(text string) (string, error) {
	if scheme, rest, _ := strings.Cut(text, "://"); scheme == "postgres" || scheme == "postgresql" {
		authority, _, _ := strings.Cut(strings.NewReplacer("?", "/", "#", "/").Replace(rest), "/")
		if strings.Count(authority, "@") > 1 { // pgx would look up what follows the first as a host
			return "", errors.New("user or password has an @ of its own: write it as %40")
		}
		return text, nil
	}
	path, err := sqlstore.SQLiteFile(text)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(path) && s.file != "" {
		path = filepath.Join(filepath.Dir(s.file), path)
	}
	return "sqlite:" + path, nil
}

func parseListenAddr(text string) (string, error) {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q is not HOST:PORT", text)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("port is %q: want 0 to 65535", port)
	}
	return text, nil
}

// certificateFiles are both set or neither.
func (s settings) certificateFiles() (cert, key string, err error) {
	var hasCert, hasKey bool
	for _, v := range []struct {
		name string
		file *string
		set  *bool
	}{{"TLS_CERT_FILE", &cert, &hasCert}, {"TLS_KEY_FILE", &key, &hasKey}} {
		if *v.file, *v.set, err = parseOptional(s, v.name, parseFile, certificateHint); err != nil {
			return "", "", err
		}
	}
	if hasCert != hasKey {
		return "", "", hint.With(errors.New("one of TLS_CERT_FILE and TLS_KEY_FILE is set without the other"), "%s", certificateHint)
	}
	return cert, key, nil
}

func parseFile(text string) (string, error) {
	if text == "" {
		return "", errors.New("file name is empty")
	}
	if strings.Contains(text, "-----BEGIN") {
		return "", errors.New("want the name of a file, not what is in it")
	}
	return text, nil
}

// publicURL is PUBLIC_URL, or the address that serve listens on.
func (s settings) publicURL() (*url.URL, error) {
	public, set, err := parseOptional(s, "PUBLIC_URL", parsePublicURL, publicHint)
	if set || err != nil {
		return public, err
	}
	addr, err := parse(s, "LISTEN_ADDR", parseListenAddr, listenHint)
	if err != nil {
		return nil, err
	}
	certFile, _, err := s.certificateFiles()
	return &url.URL{Scheme: scheme(certFile), Host: addr}, err
}

func scheme(certFile string) string {
	if certFile != "" {
		return "https"
	}
	return "http"
}

func parsePublicURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("not an http or https URL of a host, without user, query and fragment")
	}
	return u, nil
}

func parseOrigins(text string) (all []string, err error) {
	if text == "" {
		return nil, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		u, err := url.Parse(item)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != item {
			return nil, fmt.Errorf("%q is not an origin", item)
		}
		all = append(all, item)
	}
	return all, nil
}
