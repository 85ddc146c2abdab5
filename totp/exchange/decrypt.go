package exchange

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"
)

// What a file may ask of the key derivation. The files that authenticators write stay below
// a quarter of it.
const (
	maxDerivationMemory = 256 << 20 // bytes, of scrypt (RFC 7914): 128·N·r
	maxScryptWork       = 1 << 23   // N·r·p, of all derivations for a file: seconds
	maxIterations       = 2_000_000 // of PBKDF2 (RFC 8018): seconds
)

// scryptParameters are the cost of scrypt (RFC 7914 section 2).
type scryptParameters struct {
	N, R, P int
}

// work returns N·r·p, or ErrCost.
func (s scryptParameters) work() (int, error) {
	if s.N < 2 || s.N&(s.N-1) != 0 || s.R < 1 || s.P < 1 {
		return 0, fmt.Errorf("%w: scrypt has no N of %d with r of %d and p of %d", ErrDamaged, s.N, s.R, s.P)
	}
	const limit = maxScryptWork // each factor, so that the product fits an int64
	if s.N > limit || s.R > 1<<10 || s.P > 1<<10 || 128*int64(s.N)*int64(s.R) > maxDerivationMemory ||
		int64(s.N)*int64(s.R)*int64(s.P) > limit {
		return 0, fmt.Errorf("%w: scrypt with N of %d, r of %d and p of %d", ErrCost, s.N, s.R, s.P)
	}
	return s.N * s.R * s.P, nil
}

func (s scryptParameters) key(passphrase string, salt []byte) ([]byte, error) {
	if _, err := s.work(); err != nil {
		return nil, err
	}
	return scrypt.Key([]byte(passphrase), salt, s.N, s.R, s.P, keySize)
}

// keySize is the bytes of a key for AES-256.
const keySize = 32

func pbkdf2Key(h func() hash.Hash, passphrase string, salt []byte, iterations int) ([]byte, error) {
	switch {
	case iterations < 1:
		return nil, fmt.Errorf("%w: PBKDF2 has no %d iterations", ErrDamaged, iterations)
	case iterations > maxIterations:
		return nil, fmt.Errorf("%w: PBKDF2 with %d iterations", ErrCost, iterations)
	}
	return pbkdf2.Key(h, passphrase, salt, iterations, keySize)
}

// openGCM decrypts AES-256-GCM (NIST SP 800-38D), with the tag at the end of sealed. It
// returns ErrPassphrase if the tag is wrong.
func openGCM(key, nonce, sealed []byte) ([]byte, error) {
	return openGCMWith(key, nonce, sealed, nil)
}

// openGCMWith also authenticates additional data, which is not encrypted.
func openGCMWith(key, nonce, sealed, additional []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: its key has %d bytes", ErrDamaged, len(key))
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(nonce) != gcm.NonceSize() || len(sealed) < gcm.Overhead() {
		return nil, fmt.Errorf("%w: the encrypted part is incomplete", ErrDamaged)
	}
	plain, err := gcm.Open(nil, nonce, sealed, additional)
	if err != nil {
		return nil, ErrPassphrase
	}
	return plain, nil
}

// A jsonHex is bytes as a JSON string of hexadecimal digits.
type jsonHex []byte

func (h *jsonHex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func decodeBase64(text string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: it has broken base64", ErrDamaged)
	}
	return data, nil
}
