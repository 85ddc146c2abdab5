package sqlstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
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

// errSeal says that a sealed text was not made by this key for this place.
var errSeal = errors.New("sealed text does not open")

// ErrNoKey says that there is no ENCRYPTION_KEY to seal a secret with.
var ErrNoKey = verifier.ErrNoKey

// A sealer seals secrets with AES-256-GCM under a key derived from the first of
// the encryption keys by HKDF (RFC 5869), and opens them with any. Sealed text is
// bound to its place by associated data, so that whoever may write to the database
// cannot move it to another. It is safe for concurrent use.
type sealer struct {
	first string // id of the key that seals, "" for none
	keys  map[string]sealingKey
	// database is the database's own key, which outlives changes of encryption
	// keys. It is set when the schema has been prepared, and nil where there is no
	// encryption key.
	database []byte
}

// A sealingKey is what is derived from an encryption key.
type sealingKey struct {
	aead cipher.AEAD
	mac  []byte
}

// newSealer takes keys of 32 bytes, the one that seals first; there may be none.
func newSealer(keys [][]byte) (*sealer, error) {
	s := &sealer{keys: map[string]sealingKey{}}
	for i, key := range keys {
		id, derived, err := derive(key)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			s.first = id
		}
		s.keys[id] = derived
	}
	return s, nil
}

// keyIDBytes is the length of a key's id, which is written in hexadecimal.
const keyIDBytes = 8

// derive also makes the key's id, which tells nothing of it.
func derive(key []byte) (id string, derived sealingKey, err error) {
	name, err := hkdf.Key(sha256.New, key, nil, "totpctl key id", keyIDBytes)
	if err != nil {
		return "", sealingKey{}, err
	}
	sealing, err := hkdf.Key(sha256.New, key, nil, "totpctl secrets AES-256-GCM", 32)
	if err != nil {
		return "", sealingKey{}, err
	}
	if derived.mac, err = hkdf.Key(sha256.New, key, nil, "totpctl answers HMAC-SHA-256", 32); err != nil {
		return "", sealingKey{}, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return "", sealingKey{}, err
	}
	derived.aead, err = cipher.NewGCMWithRandomNonce(block)
	return hex.EncodeToString(name), derived, err
}

func (s *sealer) has(id string) bool {
	_, ok := s.keys[id]
	return ok
}

// seal returns the id of the key and the sealed text in base64, parted by a space
// and bound to the place that the parts name.
func (s *sealer) seal(plain []byte, place ...string) (string, error) {
	if s.first == "" {
		return "", ErrNoKey
	}
	return s.sealWith(s.first, plain, place...), nil
}

func (s *sealer) sealWith(id string, plain []byte, place ...string) string {
	aead := s.keys[id].aead
	box := aead.Seal(make([]byte, 0, len(plain)+aead.Overhead()), nil, plain, bind(place))
	return id + " " + base64.StdEncoding.EncodeToString(box)
}

// open reverses seal.
func (s *sealer) open(sealed string, place ...string) ([]byte, error) {
	id, text, _ := strings.Cut(sealed, " ")
	key, ok := s.keys[id]
	if !ok {
		return nil, fmt.Errorf("%w: a secret is sealed with key %s, which is not given", ErrKey, id)
	}
	box, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errSeal
	}
	plain, err := key.aead.Open(nil, nil, box, bind(place))
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

// sealKey returns a key as its column has it: its parameters, then what seal
// returns; "" for the zero Key.
func (s *sealer) sealKey(k totp.Key, place ...string) (string, error) {
	if k.IsZero() {
		return "", nil
	}
	parameters := []string{k.Algorithm().String(), strconv.Itoa(k.Digits()), strconv.Itoa(int(k.Period() / time.Second))}
	sealed, err := s.seal(k.Secret().Bytes(), append(place, parameters...)...)
	if err != nil {
		return "", err
	}
	return strings.Join(append(parameters, sealed), " "), nil
}

// openKey reverses sealKey.
func (s *sealer) openKey(column string, place ...string) (totp.Key, error) {
	if column == "" {
		return totp.Key{}, nil
	}
	f := strings.SplitN(column, " ", 4)
	if len(f) != 4 {
		return totp.Key{}, errSeal
	}
	raw, err := s.open(f[3], append(place, f[:3]...)...)
	if err != nil {
		return totp.Key{}, err
	}
	return parseKey(raw, f[0], f[1], f[2])
}

func parseKey(raw []byte, algorithm, digits, period string) (totp.Key, error) {
	var errs [3]error
	var scheme totp.Scheme
	secret, err := totp.NewSecret(raw)
	scheme.Algorithm, errs[0] = totp.ParseAlgorithm(algorithm)
	scheme.Digits, errs[1] = totp.ParseDigits(digits)
	scheme.Period, errs[2] = totp.ParsePeriod(period)
	if err := errors.Join(append(errs[:], err)...); err != nil {
		return totp.Key{}, err
	}
	return totp.NewKey(secret, scheme)
}

// macLength is in bytes of a MAC: 128 bits.
const macLength = 16

// sign returns the text after the id of the key and a MAC of it in base64, bound to
// the place that the parts name. Without an encryption key the id is "-" and the
// MAC proves nothing.
func (s *sealer) sign(text string, place ...string) string {
	id, key := "-", []byte(nil)
	if s.first != "" {
		id, key = s.first, s.keys[s.first].mac
	}
	return id + " " + base64.RawStdEncoding.EncodeToString(mac(key, append(place, text)...)) + " " + text
}

// verify reverses sign. A text that a retired key has signed is "".
func (s *sealer) verify(signed string, place ...string) (string, error) {
	f := strings.SplitN(signed, " ", 3)
	if len(f) != 3 {
		return "", errSeal
	}
	key, ok := s.keys[f[0]]
	if f[0] == "-" && s.first == "" {
		key, ok = sealingKey{}, true
	}
	if !ok {
		return "", nil
	}
	want := base64.RawStdEncoding.EncodeToString(mac(key.mac, append(place, f[2])...))
	if !hmac.Equal([]byte(want), []byte(f[1])) {
		return "", errSeal
	}
	return f[2], nil
}

// mac is HMAC-SHA-256 (RFC 2104), cut to 128 bits.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(bind(parts))
	return h.Sum(nil)[:macLength]
}

// fingerprint is verifier.Store's Fingerprint.
func (s *sealer) fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return s.keyed(hex.EncodeToString(sum[:macLength]))
}

// keyed puts the database's own key into a fingerprint. Without an encryption key
// there is none: nothing could keep a reader of the database from testing guesses.
func (s *sealer) keyed(hash string) string {
	if s.database == nil {
		return hash
	}
	return hex.EncodeToString(mac(s.database, "fingerprint", hash))
}
