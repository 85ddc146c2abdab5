package totp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What authenticators assume where an otpauth URI is silent, and what RFC 6238
// section 5.2 recommends for the period.
const (
	DefaultAlgorithm = SHA1
	DefaultDigits    = 6
	DefaultPeriod    = 30 * time.Second
)

// The ranges of a Key's parameters.
const (
	MinDigits = 6 // RFC 4226 section 4, requirement R4
	MaxDigits = 8
	MinPeriod = time.Second
	MaxPeriod = 24 * time.Hour
	MaxName   = 128 // characters of an issuer or an account
)

// An Algorithm is the hash of the HMAC (RFC 6238 section 1.2). The zero
// Algorithm is none.
type Algorithm int

// The algorithms of RFC 6238.
const (
	SHA1 Algorithm = iota + 1
	SHA256
	SHA512
)

// ParseAlgorithm reads SHA1, SHA256 or SHA512, in any case.
func ParseAlgorithm(s string) (Algorithm, error) {
	for a := SHA1; a <= SHA512; a++ {
		if strings.EqualFold(s, a.String()) {
			return a, nil
		}
	}
	return 0, fmt.Errorf("unknown algorithm %q: want SHA1, SHA256 or SHA512", s)
}

// String returns the name that otpauth URIs use.
func (a Algorithm) String() string {
	switch a {
	case SHA1:
		return "SHA1"
	case SHA256:
		return "SHA256"
	case SHA512:
		return "SHA512"
	}
	return fmt.Sprintf("Algorithm(%d)", int(a))
}

func (a Algorithm) hash() func() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New
	case SHA512:
		return sha512.New
	}
	return sha1.New
}

// Parameters are what a Key is made of, not yet checked.
type Parameters struct {
	Issuer    string        // who asks for the code: at most MaxName characters, may be empty
	Account   string        // whose code it is: 1 to MaxName characters
	Secret    Secret        // required
	Algorithm Algorithm     // SHA1, SHA256 or SHA512
	Digits    int           // MinDigits to MaxDigits
	Period    time.Duration // whole seconds, MinPeriod to MaxPeriod
}

// A Key is everything that authenticator and verifier share. Only ParseKey,
// GenerateKey and ParseURI make one, so a Key is valid; the zero Key is not one.
// It never changes and is safe for concurrent use. However it is formatted,
// logged or marshalled, it does not show its secret.
type Key struct{ p Parameters }

// ParseKey checks p and returns its Key. Names are valid UTF-8 of printable
// characters without a space at either end; see ParseName.
func ParseKey(p Parameters) (Key, error) {
	if _, err := ParseName(p.Issuer); p.Issuer != "" && err != nil {
		return Key{}, fmt.Errorf("issuer %w", err)
	}
	if _, err := ParseName(p.Account); err != nil {
		return Key{}, fmt.Errorf("account %w", err)
	}
	if p.Secret.Bits() == 0 {
		return Key{}, errors.New("secret is empty")
	}
	if p.Algorithm < SHA1 || p.Algorithm > SHA512 {
		return Key{}, fmt.Errorf("unknown algorithm %v", p.Algorithm)
	}
	if p.Digits < MinDigits || p.Digits > MaxDigits {
		return Key{}, fmt.Errorf("digits is %d: want %d to %d", p.Digits, MinDigits, MaxDigits)
	}
	if p.Period < MinPeriod || p.Period > MaxPeriod || p.Period%time.Second != 0 {
		return Key{}, fmt.Errorf("period is %v: want 1 to %d whole seconds", p.Period, MaxPeriod/time.Second)
	}
	return Key{p}, nil
}

// GenerateKey is ParseKey with a fresh secret of SecretBits bits in place of
// p.Secret.
func GenerateKey(p Parameters) (Key, error) {
	p.Secret = GenerateSecret()
	return ParseKey(p)
}

// ParseName checks the name of an issuer or an account: 1 to MaxName printable
// characters of valid UTF-8, no space at either end. Joiners and the marks of
// right-to-left scripts count as printable; the controls that reorder
// surrounding text do not.
func ParseName(s string) (string, error) {
	if s == "" {
		return "", errors.New("is empty")
	}
	if !utf8.ValidString(s) {
		return "", errors.New("is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(s); n > MaxName {
		return "", fmt.Errorf("has %d characters: want at most %d", n, MaxName)
	}
	if strings.TrimSpace(s) != s {
		return "", errors.New("begins or ends with a space")
	}
	for _, r := range s {
		if !printable(r) {
			return "", fmt.Errorf("contains %U, which is not printable", r)
		}
	}
	return s, nil
}

func printable(r rune) bool {
	switch r {
	case utf8.RuneError: // what decoders make of anything that is not a character
		return false
	case '\u200c', '\u200d', '\u200e', '\u200f', '\u061c': // ZWNJ, ZWJ, LRM, RLM, ALM
		return true
	}
	return unicode.IsPrint(r)
}

// Issuer tells who asks for the code; it may be empty.
func (k Key) Issuer() string { return k.p.Issuer }

// Account tells whose code it is.
func (k Key) Account() string { return k.p.Account }

// Secret returns the shared secret.
func (k Key) Secret() Secret { return k.p.Secret }

// Algorithm returns the hash of the HMAC.
func (k Key) Algorithm() Algorithm { return k.p.Algorithm }

// Digits returns the length of a code.
func (k Key) Digits() int { return k.p.Digits }

// Period returns how long a code lasts (RFC 6238 section 4.1, X).
func (k Key) Period() time.Duration { return k.p.Period }

// String describes the key without its secret.
func (k Key) String() string {
	return fmt.Sprintf("%q %q %v, %d digits, %v, secret %s", k.p.Issuer, k.p.Account, k.p.Algorithm, k.p.Digits, k.p.Period, redacted)
}

// Format writes String for every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// MarshalText returns String, which is what encoding/json and log/slog show.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// IsZero tells whether k is the zero Key, which is not a valid one.
func (k Key) IsZero() bool { return k.p.Digits == 0 }
