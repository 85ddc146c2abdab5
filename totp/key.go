package totp

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Key makes codes. It is the secret that authenticator and verifier share, and its
// Scheme. Only NewKey, GenerateKey and ParseURI make Keys, so a Key is valid unless it is
// the zero Key. A Key never changes, is safe for concurrent use, and does not show its
// secret, however it is formatted, logged or marshalled.
type Key struct {
	secret Secret
	scheme Scheme
}

// NewKey checks its arguments and returns their Key.
func NewKey(secret Secret, s Scheme) (Key, error) {
	if secret.Bits() == 0 {
		return Key{}, errors.New("secret is empty")
	}
	if err := s.check(); err != nil {
		return Key{}, err
	}
	return Key{secret, s}, nil
}

// GenerateKey returns a Key with a fresh secret of SecretBits bits.
func GenerateKey(s Scheme) (Key, error) { return NewKey(GenerateSecret(), s) }

// Secret returns the shared secret.
func (k Key) Secret() Secret { return k.secret }

// Scheme returns how the secret makes codes.
func (k Key) Scheme() Scheme { return k.scheme }

// Algorithm returns the hash of the HMAC.
func (k Key) Algorithm() Algorithm { return k.scheme.Algorithm }

// Digits returns the length of a code.
func (k Key) Digits() int { return k.scheme.Digits }

// Period returns how long a code lasts (RFC 6238 section 4.1, X).
func (k Key) Period() time.Duration { return k.scheme.Period }

// IsZero reports whether k is the zero Key, which is not a valid one.
func (k Key) IsZero() bool { return k.scheme == Scheme{} }

// Equal reports whether the two keys make the same codes.
func (k Key) Equal(other Key) bool {
	return k.scheme == other.scheme && subtle.ConstantTimeCompare(k.secret.Bytes(), other.secret.Bytes()) == 1
}

// String describes the key without its secret.
func (k Key) String() string {
	if k.scheme.Steam {
		return "code of Steam, secret " + redacted
	}
	return fmt.Sprintf("%v, %d digits, %v, secret %s", k.scheme.Algorithm, k.scheme.Digits, k.scheme.Period, redacted)
}

// Format writes String for every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// MarshalText returns String, which is what encoding/json and log/slog show.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
