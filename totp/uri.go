package totp

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// URI returns the otpauth URI that an authenticator reads from a QR code, in the Key Uri
// Format of google-authenticator's wiki. It reveals the secret. The secret comes first,
// parameters that equal the defaults are left out, and all but RFC 3986's unreserved
// characters is percent-encoded. Steam's codes have KeePassXC's "encoder=steam".
//
// The format has no place for a colon in a name, and readers take the first ":" or "%3A"
// of a label for the separator. ParseNewName refuses a colon, but older names may have
// one. In an account it is written "%3a"; an issuer with a colon stands in its parameter
// alone.
func (e Entry) URI() string {
	var b strings.Builder
	b.WriteString("otpauth://totp/")
	if e.Issuer != "" && !strings.Contains(e.Issuer, ":") {
		b.WriteString(escape(e.Issuer) + ":")
	}
	b.WriteString(strings.ReplaceAll(escape(e.Account), "%3A", "%3a"))
	b.WriteString("?secret=" + e.Key.secret.Base32())
	if e.Issuer != "" {
		b.WriteString("&issuer=" + escape(e.Issuer))
	}
	s := e.Key.scheme
	if s.Algorithm != DefaultAlgorithm {
		b.WriteString("&algorithm=" + s.Algorithm.String())
	}
	if s.Digits != DefaultDigits {
		b.WriteString("&digits=" + strconv.Itoa(s.Digits))
	}
	if s.Period != DefaultPeriod {
		b.WriteString("&period=" + strconv.FormatInt(e.Key.seconds(), 10))
	}
	if s.Steam {
		b.WriteString("&encoder=steam")
	}
	return b.String()
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// ParseURI reads an otpauth URI strictly. Absent parameters take the format's defaults. A
// parameter that is unknown to RFC 6238, out of range, repeated or contradicted by the
// label is an error, because a guess would show codes that no server accepts. The errors
// never quote the secret.
func ParseURI(uri string) (Entry, error) {
	label, query, errURI := splitURI(uri)
	values, errQuery := parseQuery(query)
	secret, errSecret := ParseSecret(values["secret"])
	issuer, account, errLabel := parseLabel(label, values["issuer"])
	scheme, errScheme := parseScheme(values)
	if err := cmp.Or(errURI, errQuery, errSecret, errLabel, errScheme); err != nil {
		return Entry{}, err
	}
	k, err := NewKey(secret, scheme)
	if err != nil {
		return Entry{}, err
	}
	return NewEntry(issuer, account, k)
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

// parseLabel splits [issuer ":"] account, where the colon may be escaped. The
// parameter is the issuer that the URI has beside its label, "" for none.
func parseLabel(label, parameter string) (issuer, account string, err error) {
	prefix, rest, separated := cutLabel(label)
	prefix, prefixErr := url.PathUnescape(prefix)
	account, accountErr := url.PathUnescape(rest)
	switch {
	case prefixErr != nil || accountErr != nil:
		return "", "", errors.New("otpauth URI has a malformed label")
	case !separated && parameter != "" && !strings.Contains(parameter, ":"):
		return parameter, strings.TrimPrefix(account, parameter+":"), nil
	case !separated:
		return parameter, account, nil
	case parameter != "" && parameter != prefix:
		return "", "", fmt.Errorf("otpauth URI contradicts itself: issuer is %q in the label and %q in the parameter", prefix, parameter)
	}
	return prefix, strings.TrimLeft(account, " "), nil
}

// cutLabel parts a label at its first colon, escaped or not. Without a colon all of it is the
// account.
func cutLabel(label string) (prefix, account string, ok bool) {
	before, after, plain := strings.Cut(label, ":")
	if prefix, _, escaped := strings.Cut(before, "%3A"); escaped {
		return prefix, label[len(prefix+"%3A"):], true
	}
	if !plain {
		return "", label, false
	}
	return before, after, true
}

func parseScheme(values map[string]string) (Scheme, error) {
	s := DefaultScheme()
	var errAlgorithm, errDigits, errPeriod error
	if v, ok := values["algorithm"]; ok {
		s.Algorithm, errAlgorithm = ParseAlgorithm(v)
	}
	if v, ok := values["digits"]; ok {
		s.Digits, errDigits = ParseDigits(v)
	}
	if v, ok := values["period"]; ok {
		s.Period, errPeriod = ParsePeriod(v)
	}
	return s, cmp.Or(errAlgorithm, errDigits, errPeriod)
}
