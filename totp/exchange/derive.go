package exchange

import (
	"crypto/pbkdf2"
	"fmt"
	"hash"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// What a file may ask of the key derivation, so that a hostile file takes neither the memory
// nor the time. Authenticators' own files stay below a quarter of the first three bounds.
// Argon2 has more room: Ente's settings for old exports need 1 GiB, and Bitwarden's most
// costly ones ten passes over it.
const (
	maxScryptMemory = 256 << 20 // bytes, of scrypt (RFC 7914): 128·N·r
	maxScryptWork   = 1 << 23   // N·r·p, of all derivations for a file: seconds
	maxIterations   = 2_000_000 // of PBKDF2 (RFC 8018): seconds
	maxArgon2Memory = 1 << 20   // KiB
	maxArgon2Work   = 10 << 20  // KiB, times the passes over them
	maxArgon2Lanes  = 255       // more than x/crypto takes
)

// keySize is the bytes of a key for AES-256.
const keySize = 32

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
	if s.N > limit || s.R > 1<<10 || s.P > 1<<10 || 128*int64(s.N)*int64(s.R) > maxScryptMemory ||
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

// pbkdf2Key asks for the passphrase once the cost is known to be allowed.
func (in input) pbkdf2Key(h func() hash.Hash, salt []byte, iterations uint64) ([]byte, error) {
	switch {
	case iterations < 1:
		return nil, fmt.Errorf("%w: PBKDF2 has no %d iterations", ErrDamaged, iterations)
	case iterations > maxIterations:
		return nil, fmt.Errorf("%w: PBKDF2 with %d iterations", ErrCost, iterations)
	}
	passphrase, err := in.passphrase()
	if err != nil {
		return nil, err
	}
	return pbkdf2.Key(h, passphrase, salt, int(iterations), keySize)
}

// argon2Parameters are the cost of Argon2id (RFC 9106 section 3.1).
type argon2Parameters struct {
	passes uint64
	memory uint64 // KiB
	lanes  uint64
}

// check returns ErrCost if the derivation may not take place.
func (p argon2Parameters) check() error {
	if p.passes < 1 || p.lanes < 1 {
		return fmt.Errorf("%w: Argon2 has no %d passes with %d lanes", ErrDamaged, p.passes, p.lanes)
	}
	if p.lanes > maxArgon2Lanes || p.memory > maxArgon2Memory || p.passes > maxArgon2Work/max(p.memory, 8*p.lanes) {
		return fmt.Errorf("%w: Argon2 with %d passes over %d KiB in %d lanes", ErrCost, p.passes, p.memory, p.lanes)
	}
	return nil
}

func (p argon2Parameters) key(passphrase string, salt []byte) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return argon2.IDKey([]byte(passphrase), salt, uint32(p.passes), uint32(p.memory), uint8(p.lanes), keySize), nil
}

// argon2Key asks for the passphrase once the cost is known to be allowed.
func (in input) argon2Key(p argon2Parameters, salt []byte) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	passphrase, err := in.passphrase()
	if err != nil {
		return nil, err
	}
	return p.key(passphrase, salt)
}
