package totp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// What authenticators assume where an otpauth URI is silent, and what RFC 6238
// section 5.2 recommends for the period.
const (
	DefaultAlgorithm = SHA1
	DefaultDigits    = 6
	DefaultPeriod    = 30 * time.Second
)

// The ranges of a Scheme.
const (
	MinDigits = 6 // RFC 4226 section 4, requirement R4
	MaxDigits = 8
	MinPeriod = time.Second
	MaxPeriod = 24 * time.Hour
)

// A Scheme is how a secret makes codes. Of the schemes with Steam, only SteamScheme is
// valid.
type Scheme struct {
	Algorithm Algorithm     // SHA1, SHA256 or SHA512
	Digits    int           // MinDigits to MaxDigits
	Period    time.Duration // whole seconds, MinPeriod to MaxPeriod
	Steam     bool          // codes are in Steam's alphabet, which no verifier takes
}

// DefaultScheme is the Scheme that every authenticator knows.
func DefaultScheme() Scheme {
	return Scheme{Algorithm: DefaultAlgorithm, Digits: DefaultDigits, Period: DefaultPeriod}
}

// SteamScheme is the Scheme of Steam Guard, Valve's authenticator: TOTP whose codes are five
// letters and digits. Nothing has published it but the authenticators that can show it,
// such as KeePassXC ("encoder=steam" of an otpauth URI) and Aegis.
func SteamScheme() Scheme {
	return Scheme{Algorithm: SHA1, Digits: steamLetters, Period: 30 * time.Second, Steam: true}
}

func (s Scheme) check() error {
	if s.Steam && s != SteamScheme() {
		return errors.New("codes of Steam have five letters, SHA1 and 30 s")
	}
	if s.Steam {
		return nil
	}
	if s.Algorithm < SHA1 || s.Algorithm > SHA512 {
		return fmt.Errorf("unknown algorithm %v", s.Algorithm)
	}
	if s.Digits < MinDigits || s.Digits > MaxDigits {
		return fmt.Errorf("digits is %d: want %d to %d", s.Digits, MinDigits, MaxDigits)
	}
	if s.Period < MinPeriod || s.Period > MaxPeriod || s.Period%time.Second != 0 {
		return fmt.Errorf("period is %v: want 1 to %d whole seconds", s.Period, MaxPeriod/time.Second)
	}
	return nil
}

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
