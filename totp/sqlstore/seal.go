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

// errSeal says that a text was not sealed with this key for this place.
var errSeal = errors.New("sealed text does not open")

// A sealer seals secrets with AES-256-GCM under a key that HKDF (RFC 5869) derives from
// the first encryption key, and opens what any of the keys has sealed. Associated data
// binds sealed text to its place: whoever may write to the database cannot move the
// text to another place. A sealer is safe for concurrent use.
type sealer struct {
	first string // id of the key that seals, "" for none
	keys  map[string]sealingKey
	// database is the database's own key, which outlives the rotation of encryption
	// keys. It is set when the schema has been prepared; nil without an encryption
	// key.
	database []byte
}

// A sealingKey is derived from an encryption key.
type sealingKey struct {
	aead cipher.AEAD
	mac  []byte
}

// newSealer takes encryption keys of 32 bytes, of which the first seals. There may be
// none.
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

// derive returns what is derived from an encryption key, and its id, which tells
// nothing of the key.
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

// A sealed text is the id of its key and a box in base64. Most columns hold both,
// parted by a space; table sealing_key has a column for each.
type sealed struct{ keyID, box string }

func (s sealed) String() string { return s.keyID + " " + s.box }

func parseSealed(text string) sealed {
	id, box, _ := strings.Cut(text, " ")
	return sealed{id, box}
}

// seal returns sealed text, bound to the place that the parts name.
func (s *sealer) seal(plain []byte, place ...string) (string, error) {
	if s.first == "" {
		return "", verifier.ErrNoKey
	}
	return s.sealWith(s.first, plain, place...).String(), nil
}

// open reverses seal.
func (s *sealer) open(text string, place ...string) ([]byte, error) {
	return s.openSealed(parseSealed(text), place...)
}

func (s *sealer) sealWith(id string, plain []byte, place ...string) sealed {
	aead := s.keys[id].aead
	box := aead.Seal(make([]byte, 0, len(plain)+aead.Overhead()), nil, plain, bind(place))
	return sealed{id, base64.StdEncoding.EncodeToString(box)}
}

func (s *sealer) openSealed(t sealed, place ...string) ([]byte, error) {
	key, ok := s.keys[t.keyID]
	if !ok {
		return nil, fmt.Errorf("%w: a secret is sealed with key %s, which is not given", ErrKey, t.keyID)
	}
	box, err := base64.StdEncoding.DecodeString(t.box)
	if err != nil {
		return nil, errSeal
	}
	plain, err := key.aead.Open(nil, nil, box, bind(place))
	if err != nil {
		return nil, errSeal
	}
	return plain, nil
}

// bind writes each part after its length, so that no two lists give the same bytes.
func bind(parts []string) []byte {
	var b []byte
	for _, p := range parts {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(append(b, ':'), p...)
	}
	return b
}

// A sealedKey is a totp.Key as its column has it: the scheme, to which the seal is bound
// as well, and the sealed secret, parted by spaces.
type sealedKey struct{ algorithm, digits, period, secret string }

func (k sealedKey) String() string {
	return strings.Join([]string{k.algorithm, k.digits, k.period, k.secret}, " ")
}

func parseSealedKey(column string) (sealedKey, error) {
	f := strings.SplitN(column, " ", 4)
	if len(f) != 4 {
		return sealedKey{}, errSeal
	}
	return sealedKey{f[0], f[1], f[2], f[3]}, nil
}

func (k sealedKey) at(place []string) []string { return append(place, k.algorithm, k.digits, k.period) }

// steamAlgorithm stands in a sealedKey for the algorithm of totp.SteamScheme.
const steamAlgorithm = "STEAM"

func (k sealedKey) key(secret []byte) (totp.Key, error) {
	raw, errSecret := totp.NewSecret(secret)
	if k.secret = ""; k == keyColumn(totp.SteamScheme()) {
		return totp.NewKey(raw, totp.SteamScheme())
	}
	algorithm, errAlgorithm := totp.ParseAlgorithm(k.algorithm)
	digits, errDigits := totp.ParseDigits(k.digits)
	period, errPeriod := totp.ParsePeriod(k.period)
	if err := errors.Join(errSecret, errAlgorithm, errDigits, errPeriod); err != nil {
		return totp.Key{}, err
	}
	return totp.NewKey(raw, totp.Scheme{Algorithm: algorithm, Digits: digits, Period: period})
}

// keyColumn returns the column of a key that has no secret yet.
func keyColumn(s totp.Scheme) sealedKey {
	k := sealedKey{algorithm: s.Algorithm.String(), digits: strconv.Itoa(s.Digits), period: strconv.Itoa(int(s.Period / time.Second))}
	if s.Steam {
		k.algorithm = steamAlgorithm
	}
	return k
}

// sealKey returns a key's column; "" for the zero Key.
func (s *sealer) sealKey(k totp.Key, place ...string) (string, error) {
	if k.IsZero() {
		return "", nil
	}
	c := keyColumn(k.Scheme())
	var err error
	if c.secret, err = s.seal(k.Secret().Bytes(), c.at(place)...); err != nil {
		return "", err
	}
	return c.String(), nil
}

// openKey reverses sealKey.
func (s *sealer) openKey(column string, place ...string) (totp.Key, error) {
	if column == "" {
		return totp.Key{}, nil
	}
	c, err := parseSealedKey(column)
	if err != nil {
		return totp.Key{}, err
	}
	raw, err := s.open(c.secret, c.at(place)...)
	if err != nil {
		return totp.Key{}, err
	}
	return c.key(raw)
}

// sealedBy reports whether a column of sealed text, or of a sealedKey, is empty or
// sealed with the key.
func sealedBy(id, column string) bool {
	f := strings.Split(column, " ")
	return column == "" || len(f) > 1 && f[len(f)-2] == id
}

// macLength is the length of a MAC in bytes: 128 bits.
const macLength = 16

// sign returns a key's id, a MAC in base64 and the text, parted by spaces. The MAC is of
// the text and of the place that the parts name. Without an encryption key the id is
// "-", and the MAC proves nothing.
func (s *sealer) sign(text string, place ...string) string {
	id, key := "-", []byte(nil)
	if s.first != "" {
		id, key = s.first, s.keys[s.first].mac
	}
	return id + " " + base64.RawStdEncoding.EncodeToString(mac(key, append(place, text)...)) + " " + text
}

// verify reverses sign. It returns "" for the text of a retired key.
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

// mac returns an HMAC-SHA-256 (RFC 2104), cut to 128 bits.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(bind(parts))
	return h.Sum(nil)[:macLength]
}

// fingerprint is Store.Fingerprint.
func (s *sealer) fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return s.keyed(hex.EncodeToString(sum[:macLength]))
}

// keyed puts the database's own key into a fingerprint. Without an encryption key there
// is no such key, and a reader of the database can test guesses.
func (s *sealer) keyed(hash string) string {
	if s.database == nil {
		return hash
	}
	return hex.EncodeToString(mac(s.database, "fingerprint", hash))
}
