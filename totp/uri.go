package totp

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// URI returns the otpauth URI that an authenticator reads from a QR code, as the
// Key Uri Format of google-authenticator's wiki has it. It reveals the secret.
// The secret comes first, parameters that equal the defaults are left out, and
// everything outside RFC 3986's unreserved characters is percent-encoded.
//
// The format has no place for a colon in a name, which ParseNewName refuses. In a
// name of old, one inside the account is written "%3a", and an issuer with a colon
// stands in its parameter alone: readers take the first ":" or "%3A" of a label for
// the separator.
func (k Key) URI() string {
	var b strings.Builder
	b.WriteString("otpauth://totp/")
	if k.p.Issuer != "" && !strings.Contains(k.p.Issuer, ":") {
		b.WriteString(escape(k.p.Issuer) + ":")
	}
	b.WriteString(strings.ReplaceAll(escape(k.p.Account), "%3A", "%3a"))
	b.WriteString("?secret=" + k.p.Secret.Base32())
	if k.p.Issuer != "" {
		b.WriteString("&issuer=" + escape(k.p.Issuer))
	}
	if k.p.Algorithm != DefaultAlgorithm {
		b.WriteString("&algorithm=" + k.p.Algorithm.String())
	}
	if k.p.Digits != DefaultDigits {
		b.WriteString("&digits=" + strconv.Itoa(k.p.Digits))
	}
	if k.p.Period != DefaultPeriod {
		b.WriteString("&period=" + strconv.FormatInt(k.seconds(), 10))
	}
	return b.String()
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// ParseURI reads an otpauth URI strictly. Absent parameters take the format's
// defaults; one that is unknown to RFC 6238, out of range, repeated or
// contradicted by the label is an error, because a guess would show codes that
// no server accepts. Its errors never quote the secret.
func ParseURI(uri string) (Key, error) {
	label, query, err := splitURI(uri)
	if err != nil {
		return Key{}, err
	}
	values, err := parseQuery(query)
	if err != nil {
		return Key{}, err
	}
	p := Parameters{Issuer: values["issuer"], Algorithm: DefaultAlgorithm, Digits: DefaultDigits, Period: DefaultPeriod}
	if p.Secret, err = ParseSecret(values["secret"]); err != nil {
		return Key{}, err
	}
	if err := p.readLabel(label); err != nil {
		return Key{}, err
	}
	if err := p.readNumbers(values); err != nil {
		return Key{}, err
	}
	return ParseKey(p)
}

// splitURI returns the label and the query, both still escaped. It does not use
// url.Parse, whose errors quote the URI and so the secret.
func splitURI(uri string) (label, query string, err error) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || !strings.EqualFold(scheme, "otpauth") {
		return "", "", errors.New("not an otpauth URI: it does not begin with otpauth://")
	}
	kind, rest, _ := strings.Cut(rest, "/")
	if !strings.EqualFold(kind, "totp") {
		return "", "", errors.New("not a TOTP URI: only otpauth://totp/ is supported")
	}
	label, query, _ = strings.Cut(rest, "?")
	if strings.Contains(label, "/") || strings.Contains(uri, "#") {
		return "", "", errors.New("otpauth URI has an unescaped / or # in it")
	}
	return label, query, nil
}

func parseQuery(query string) (map[string]string, error) {
	all, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("otpauth URI has a malformed query")
	}
	values := map[string]string{}
	for _, name := range []string{"secret", "issuer", "algorithm", "digits", "period"} {
		switch v := all[name]; {
		case len(v) > 1:
			return nil, fmt.Errorf("otpauth URI has %s more than once", name)
		case len(v) == 1 && v[0] == "":
			return nil, fmt.Errorf("otpauth URI has an empty %s", name)
		case len(v) == 1:
			values[name] = v[0]
		}
	}
	if all.Has("encoder") {
		return nil, errors.New("otpauth URI asks for an encoder: its codes are not RFC 6238's")
	}
	return values, nil
}

// readLabel splits [issuer ":"] account, where the colon may be escaped.
func (p *Parameters) readLabel(label string) error {
	prefix, account, separated := cutLabel(label)
	var err error
	if p.Account, err = url.PathUnescape(account); err != nil {
		return errors.New("otpauth URI has a malformed label")
	}
	if !separated {
		if p.Issuer != "" && !strings.Contains(p.Issuer, ":") {
			p.Account = strings.TrimPrefix(p.Account, p.Issuer+":")
		}
		return nil
	}
	p.Account = strings.TrimLeft(p.Account, " ")
	if prefix, err = url.PathUnescape(prefix); err != nil {
		return errors.New("otpauth URI has a malformed label")
	}
	if p.Issuer != "" && p.Issuer != prefix {
		return fmt.Errorf("otpauth URI contradicts itself: issuer is %q in the label and %q in the parameter", prefix, p.Issuer)
	}
	p.Issuer = prefix
	return nil
}

func cutLabel(label string) (prefix, account string, ok bool) {
	plain, escaped := strings.Index(label, ":"), strings.Index(label, "%3A")
	switch {
	case plain < 0 && escaped < 0:
		return "", label, false
	case escaped < 0 || plain >= 0 && plain < escaped:
		return label[:plain], label[plain+1:], true
	}
	return label[:escaped], label[escaped+len("%3A"):], true
}

func (p *Parameters) readNumbers(values map[string]string) error {
	var err error
	if v, ok := values["algorithm"]; ok {
		if p.Algorithm, err = ParseAlgorithm(v); err != nil {
			return err
		}
	}
	if v, ok := values["digits"]; ok {
		if p.Digits, err = ParseDigits(v); err != nil {
			return err
		}
	}
	if v, ok := values["period"]; ok {
		if p.Period, err = ParsePeriod(v); err != nil {
			return err
		}
	}
	return nil
}

// ParseDigits reads a number of digits, MinDigits to MaxDigits, in decimal.
func ParseDigits(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s || n < MinDigits || n > MaxDigits {
		return 0, fmt.Errorf("digits is %q: want %d, %d or %d", s, MinDigits, MinDigits+1, MaxDigits)
	}
	return n, nil
}

// ParsePeriod reads a period in whole seconds, 1 to 86400, in decimal.
func ParsePeriod(s string) (time.Duration, error) {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s || n < 1 || n > int(MaxPeriod/time.Second) {
		return 0, fmt.Errorf("period is %q: want 1 to %d seconds", s, MaxPeriod/time.Second)
	}
	return time.Duration(n) * time.Second, nil
}
