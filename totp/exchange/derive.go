package exchange

import (
	"fmt"
	"hash"

	"golang.org/x/crypto/argon2"
)

// What a file may ask of Argon2. Ente's settings for old exports need 1 GiB, and Bitwarden's
// most costly ones ten passes over it.
const (
	maxArgon2Memory = 1 << 20  // KiB
	maxArgon2Work   = 10 << 20 // KiB, times the passes over them
	maxArgon2Lanes  = 255      // more than x/crypto takes
)

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

// pbkdf2Key asks for the passphrase once the cost is known to be allowed.
func (in input) pbkdf2Key(h func() hash.Hash, salt []byte, iterations uint64) ([]byte, error) {
	if iterations > maxIterations {
		return nil, fmt.Errorf("%w: PBKDF2 with %d iterations", ErrCost, iterations)
	}
	passphrase, err := in.passphrase()
	if err != nil {
		return nil, err
	}
	return pbkdf2Key(h, passphrase, salt, int(iterations))
}
