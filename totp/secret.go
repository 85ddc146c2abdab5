package totp

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
)

// SecretBits is the length of a generated secret: 160 bits, the recommendation
// of RFC 4226 section 4, requirement R6.
const SecretBits = 160

// MinSecretBits is the least length that RFC 4226 section 4 (R6) allows a secret. A shorter
// secret still parses, because some are in use; ask Bits.
const MinSecretBits = 128

const maxSecretBytes = 256

const redacted = "[redacted]"

// A Secret is the shared key of RFC 6238 section 3 (K): 1 to 256 bytes. The zero
// Secret is empty and belongs to no Key. However it is formatted, logged or
// marshalled it shows "[redacted]"; only Base32 and Bytes reveal it.
type Secret struct {
	// A function, because fmt prints what a struct has in unexported fields
	// without asking Format, and some verbs follow pointers.
	reveal func() secretBytes
}

type secretBytes struct {
	bytes      []byte
	base32     string // padded, upper case: the only form gotp decodes without writing to it
	withinByte bool
}

const base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// ParseSecret reads a base32 secret (RFC 4648 section 6) as people paste it:
// lower case, spaces, dashes and padding are fine, and so are bits of the last
// character beyond the last byte, which every decoder drops. A number of
// characters that base32 never has is an error. The errors never quote the input.
func ParseSecret(s string) (Secret, error) {
	s = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "", "\n", "", "\r", "").Replace(s))
	if scheme, _, ok := strings.Cut(s, ":"); ok && strings.HasPrefix(scheme, "OTPAUTH") {
		return Secret{}, errors.New("secret is a whole otpauth URI: want what stands in it between secret= and the next &")
	}
	s = strings.TrimRight(s, "=")
	if s == "" {
		return Secret{}, errors.New("secret is empty")
	}
	raw, err := decodeBase32(s)
	if err != nil {
		return Secret{}, err
	}
	secret, err := NewSecret(raw)
	if err == nil && secret.Base32() != s {
		b := secret.reveal()
		b.withinByte = true
		secret.reveal = func() secretBytes { return b }
	}
	return secret, err
}

// decodeBase32 refuses lengths whose last characters Go's decoder would drop.
func decodeBase32(s string) ([]byte, error) {
	unknown := strings.Trim(s, base32Alphabet)
	switch {
	case unknown != "" && strings.Trim(unknown, base32Alphabet+"0189") == "":
		return nil, errors.New("secret is not base32, which has no 0, 1, 8 and 9: O, I or L, B?")
	case unknown != "":
		return nil, errors.New("secret is not base32 (letters A-Z and digits 2-7)")
	}
	switch len(s) % 8 {
	case 1, 3, 6:
		return nil, fmt.Errorf("secret has %d letters and digits, which base32 never has: characters seem to be missing", len(s))
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s)
}

// NewSecret returns the secret whose bytes are raw, which it copies: 1 to 256 of
// them.
func NewSecret(raw []byte) (Secret, error) {
	if len(raw) == 0 {
		return Secret{}, errors.New("secret is too short: it holds no whole byte")
	}
	if len(raw) > maxSecretBytes {
		return Secret{}, fmt.Errorf("secret is longer than %d bytes", maxSecretBytes)
	}
	return hide(bytes.Clone(raw)), nil
}

// GenerateSecret returns a random secret of SecretBits bits.
func GenerateSecret() Secret {
	raw := make([]byte, SecretBits/8)
	rand.Read(raw) // never fails: it ends the program rather than return weak bytes
	return hide(raw)
}

func hide(raw []byte) Secret {
	s := secretBytes{bytes: raw, base32: base32.StdEncoding.EncodeToString(raw)}
	return Secret{func() secretBytes { return s }}
}

// Bits returns the length of the secret; 0 for the zero Secret.
func (s Secret) Bits() int { return 8 * len(s.Bytes()) }

// EndsWithinByte reports whether ParseSecret has dropped bits of the last character
// that were not zero. Encoders write zeros there (RFC 4648 section 6), so that
// characters are probably missing at the secret's end.
func (s Secret) EndsWithinByte() bool { return s.reveal != nil && s.reveal().withinByte }

// Warnings returns what is wrong with a secret that is taken all the same, because such
// secrets are in use: fewer than MinSecretBits, and an end within a byte. The name is the
// subject of each sentence, such as "the secret".
func (s Secret) Warnings(name string) (warnings []string) {
	if bits := s.Bits(); bits < MinSecretBits {
		warnings = append(warnings, fmt.Sprintf("%s has %d bits: RFC 4226 asks for %d at least", name, bits, MinSecretBits))
	}
	if s.EndsWithinByte() {
		warnings = append(warnings, name+" ends within a byte: characters may be missing at its end")
	}
	return warnings
}

// Bytes reveals the secret: a copy of its bytes.
func (s Secret) Bytes() []byte {
	if s.reveal == nil {
		return nil
	}
	return bytes.Clone(s.reveal().bytes)
}

// Base32 reveals the secret as unpadded upper-case base32.
func (s Secret) Base32() string { return strings.TrimRight(s.padded(), "=") }

func (s Secret) padded() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal().base32
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// Format writes "[redacted]" for every verb, %x and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns "[redacted]", which is what encoding/json and log/slog
// show.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
