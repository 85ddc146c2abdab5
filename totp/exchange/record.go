package exchange

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"totpctl/totp"
)

// An entry is what Read makes of a record, and what Write takes.
type entry = totp.Entry

// A record is an account as a file has it, before it is checked. Only the secret is
// required.
type record struct {
	place           string
	kind            string // "totp" or "steam", in any case; "" is TOTP
	issuer, account string
	secret          string // base32; "" if raw is set
	raw             []byte
	algorithm       string // such as SHA1, HmacSHA256, sha-512; "" is SHA1
	digits, period  string // decimal, the period in seconds; "" is 6 and 30
	recovery        []string
	notes           []string
	renamed         bool // as in Account
}

// ErrKind says that an account makes codes of another kind than TOTP's and Steam's, such as
// HOTP (RFC 4226), which counts codes instead of time.
var ErrKind = errors.New("not TOTP")

// errBin is for what people have thrown away, but not for good.
var errBin = errors.New("it is in the recycle bin")

// add checks a record and makes it one of the contents' accounts, or names it as left out.
func (c *Contents) add(r record) {
	e, err := r.entry()
	if err != nil {
		c.leaveOut(r.place, r.name(), err)
		return
	}
	c.keep(Account{e, r.recovery, r.place, r.notes, r.renamed})
}

func (c *Contents) keep(a Account) {
	if !c.full() {
		c.Accounts = append(c.Accounts, a)
	}
}

func (c *Contents) leaveOut(place, name string, err error) {
	name, _ = tidyName(name) // JSON would print it as it is
	if !c.full() {
		c.LeftOut = append(c.LeftOut, LeftOut{place, name, err})
	}
}

func (r *record) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// name is what a message calls the record.
func (r record) name() string {
	issuer, account := r.parted()
	issuer, _ = tidyName(issuer)
	account, _ = tidyName(account)
	return entryName(entry{Issuer: issuer, Account: account})
}

// entryName is what a message calls an entry.
func entryName(e entry) string {
	if e.Issuer != "" {
		return e.Issuer + ":" + e.Account
	}
	return e.Account
}

// entry checks the record leniently and notes what it changes.
func (r *record) entry() (entry, error) {
	scheme, errScheme := r.scheme()
	secret, errSecret := r.parseSecret()
	if err := cmp.Or(errScheme, errSecret); err != nil {
		return entry{}, err
	}
	key, err := totp.NewKey(secret, scheme)
	if err != nil {
		return entry{}, err
	}
	r.names()
	return totp.NewEntry(r.issuer, r.account, key)
}

func (r *record) parseSecret() (totp.Secret, error) {
	if r.raw != nil {
		return totp.NewSecret(r.raw)
	}
	secret, err := totp.ParseSecret(r.secret)
	if err == nil && secret.EndsWithinByte() {
		r.note("its secret ends within a byte: characters may be missing at its end")
	}
	return secret, err
}

// scheme reads how codes are made. Steam's scheme is one of a kind, whatever else a file
// says of it.
func (r *record) scheme() (totp.Scheme, error) {
	switch strings.ToLower(strings.TrimSpace(r.kind)) {
	case "steam":
		return totp.SteamScheme(), nil
	case "", "totp":
	default:
		return totp.Scheme{}, fmt.Errorf("%w: its codes are of the kind %s", ErrKind, totp.QuoteName(r.kind))
	}
	s := totp.DefaultScheme()
	var errAlgorithm, errDigits, errPeriod error
	if r.algorithm != "" {
		s.Algorithm, errAlgorithm = r.parseAlgorithm()
	}
	if digits := strings.TrimSpace(r.digits); digits != "" {
		s.Digits, errDigits = totp.ParseDigits(digits)
	}
	if period := strings.TrimSpace(r.period); period != "" {
		s.Period, errPeriod = totp.ParsePeriod(period)
	}
	return s, errors.Join(errAlgorithm, errDigits, errPeriod)
}

// parseAlgorithm reads the names that Java and others give the algorithms: HmacSHA1,
// SHA-1, HMAC_SHA256, and the Algorithm.sha1 of early exports of Ente.
func (r *record) parseAlgorithm() (totp.Algorithm, error) {
	name := strings.ToUpper(strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -_/", c) {
			return -1
		}
		return c
	}, r.algorithm))
	a, err := totp.ParseAlgorithm(strings.TrimPrefix(strings.TrimPrefix(name, "ALGORITHM."), "HMAC"))
	if err != nil {
		return 0, fmt.Errorf("its algorithm is %s: want SHA1, SHA256 or SHA512", totp.QuoteName(r.algorithm))
	}
	if !strings.EqualFold(r.algorithm, a.String()) {
		r.note("its algorithm, %s, is %v", totp.QuoteName(r.algorithm), a)
	}
	return a, nil
}

// names makes issuer and account valid.
func (r *record) names() {
	issuer, account := r.parted()
	issuer, account = r.tidy("issuer", issuer), r.tidy("account", account)
	if account == "" {
		account = issuer
		if issuer == "" {
			account = "unnamed"
		}
		r.renamed = true
		r.note("it has no account's name and is called %s", totp.QuoteName(account))
	}
	r.issuer, r.account = issuer, account
}

// parted returns issuer and account. An account's name may begin with the issuer's and a
// colon, as in the label of an otpauth URI.
func (r *record) parted() (issuer, account string) {
	issuer, account = strings.TrimSpace(r.issuer), r.account
	if prefix, rest, ok := strings.Cut(account, ":"); ok && strings.TrimSpace(rest) != "" {
		switch prefix = strings.TrimSpace(prefix); {
		case issuer == "":
			return prefix, strings.TrimSpace(rest)
		case strings.EqualFold(prefix, issuer):
			return issuer, strings.TrimSpace(rest)
		}
	}
	return issuer, account
}

// keepsName says why a file cannot name an entry. Where a format has a field each for issuer
// and account, programs still part an account with a colon, as names does. It is no matter
// then if what they make of it has the same name as a whole.
func keepsName(e entry) error {
	r := record{issuer: e.Issuer, account: e.Account}
	if r.names(); r.name() != entryName(e) {
		return fmt.Errorf("its account, %s, has a colon, where readers part it", totp.QuoteName(e.Account))
	}
	return nil
}

func (r *record) tidy(what, name string) string {
	tidied, changed := tidyName(name)
	r.renamed = r.renamed || tidied != name
	if changed {
		r.note("its %s, %s, becomes %s", what, totp.QuoteName(name), totp.QuoteName(tidied))
	}
	return tidied
}

// tidyName drops what totp.ParseName refuses: characters that are not printable, spaces at
// the ends, and what is beyond MaxName characters. changed reports whether it drops more
// than spaces.
func tidyName(name string) (tidied string, changed bool) {
	if _, err := totp.ParseName(name); err == nil {
		return name, false
	}
	words := strings.Fields(strings.ToValidUTF8(name, " "))
	spaced := strings.Join(words, " ")
	tidied = strings.Map(func(c rune) rune {
		if _, err := totp.ParseName("a" + string(c) + "a"); err != nil {
			return -1
		}
		return c
	}, spaced)
	if utf8.RuneCountInString(tidied) > totp.MaxName {
		tidied = string([]rune(tidied)[:totp.MaxName])
	}
	tidied = strings.TrimSpace(tidied)
	return tidied, tidied != strings.TrimSpace(name)
}

// kindOf writes the kind of an entry for a record.
func kindOf(e entry) string {
	if e.Key.Scheme().Steam {
		return "steam"
	}
	return "totp"
}

// seconds writes a period for a record.
func seconds(d time.Duration) string { return fmt.Sprint(int64(d / time.Second)) }
