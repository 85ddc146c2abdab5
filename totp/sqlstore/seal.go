package sqlstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// errSeal says that a sealed text was not made by this key for this row.
var errSeal = errors.New("sealed text does not open")

// ErrNoKey says that there is no ENCRYPTION_KEY to seal a secret with.
var ErrNoKey = verifier.ErrNoKey

// A sealer seals secrets with AES-256-GCM under a key derived from the first of
// the encryption keys by HKDF (RFC 5869), and opens them with any. It is safe
// for concurrent use.
type sealer struct {
	first string // id of the key that seals, "" for none
	keys  map[string]cipher.AEAD
}

// newSealer takes keys of 32 bytes, the one that seals first; there may be none.
func newSealer(keys [][]byte) (*sealer, error) {
	s := &sealer{keys: map[string]cipher.AEAD{}}
	for i, key := range keys {
		id, aead, err := derive(key)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			s.first = id
		}
		s.keys[id] = aead
	}
	return s, nil
}

// derive also makes the key's id, which tells nothing of it.
func derive(key []byte) (id string, aead cipher.AEAD, err error) {
	name, err := hkdf.Key(sha256.New, key, nil, "totpctl key id", 8)
	if err != nil {
		return "", nil, err
	}
	sealing, err := hkdf.Key(sha256.New, key, nil, "totpctl secrets AES-256-GCM", 32)
	if err != nil {
		return "", nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return "", nil, err
	}
	aead, err = cipher.NewGCMWithRandomNonce(block)
	return hex.EncodeToString(name), aead, err
}

func (s *sealer) has(id string) bool {
	_, ok := s.keys[id]
	return ok
}

// seal returns the id of the key and the sealed text in base64, bound to what
// the associated parts say.
func (s *sealer) seal(plain []byte, associated ...string) (id, sealed string, err error) {
	aead, ok := s.keys[s.first]
	if !ok {
		return "", "", ErrNoKey
	}
	box := aead.Seal(make([]byte, 0, len(plain)+aead.Overhead()), nil, plain, bind(associated))
	return s.first, base64.StdEncoding.EncodeToString(box), nil
}

func (s *sealer) open(id, sealed string, associated ...string) ([]byte, error) {
	aead, ok := s.keys[id]
	if !ok {
		return nil, fmt.Errorf("%w: a secret is sealed with key %s, which is not given", ErrKey, id)
	}
	box, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errSeal
	}
	plain, err := aead.Open(nil, nil, box, bind(associated))
	if err != nil {
		return nil, errSeal
	}
	return plain, nil
}

// bind writes each part after its length, so that no two lists are alike.
func bind(parts []string) []byte {
	var b []byte
	for _, p := range parts {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(append(b, ':'), p...)
	}
	return b
}

// sealKey returns a key as its column has it; "" for the zero Key.
func (s *sealer) sealKey(account string, k totp.Key) (string, error) {
	if k.IsZero() {
		return "", nil
	}
	parameters := []string{k.Algorithm().String(), strconv.Itoa(k.Digits()), strconv.Itoa(int(k.Period() / time.Second))}
	id, sealed, err := s.seal(k.Secret().Bytes(), append([]string{account}, parameters...)...)
	if err != nil {
		return "", err
	}
	return strings.Join(append(parameters, id, sealed), " "), nil
}

// openKey reverses sealKey.
func (s *sealer) openKey(account, column string) (totp.Key, error) {
	if column == "" {
		return totp.Key{}, nil
	}
	f := strings.Split(column, " ")
	if len(f) != 5 {
		return totp.Key{}, errSeal
	}
	raw, err := s.open(f[3], f[4], account, f[0], f[1], f[2])
	if err != nil {
		return totp.Key{}, err
	}
	return parseKey(account, raw, f[0], f[1], f[2])
}

func parseKey(account string, raw []byte, algorithm, digits, period string) (totp.Key, error) {
	var errs [4]error
	p := totp.Parameters{Account: account}
	p.Secret, errs[0] = totp.NewSecret(raw)
	p.Algorithm, errs[1] = totp.ParseAlgorithm(algorithm)
	p.Digits, errs[2] = totp.ParseDigits(digits)
	p.Period, errs[3] = totp.ParsePeriod(period)
	if err := errors.Join(errs[:]...); err != nil {
		return totp.Key{}, err
	}
	return totp.ParseKey(p)
}

// sealedWith returns the id of the key in a column of sealKey's.
func sealedWith(column string) string {
	if f := strings.Split(column, " "); len(f) == 5 {
		return f[3]
	}
	return ""
}
