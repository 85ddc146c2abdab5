package exchange

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// An andotpEntry is an element of the array that is the backup of andOTP, as Entry of
// github.com/andOTP/andOTP writes it.
type andotpEntry struct {
	Kind      string      `json:"type"`
	Issuer    *string     `json:"issuer"` // absent before andOTP 0.7.0, whose labels have it before " - "
	Label     string      `json:"label"`
	Secret    string      `json:"secret"`
	Algorithm string      `json:"algorithm"`
	Digits    json.Number `json:"digits"`
	Period    json.Number `json:"period"`
}

// Lengths of the encrypted backup in bytes: iterations, big-endian, then salt, nonce,
// ciphertext and tag. Before andOTP 0.6.3 there were nonce, ciphertext and tag alone.
const (
	andotpIterations = 4
	andotpSalt       = 12
	andotpNonce      = 12
	andotpTag        = 16
)

func isAndotp(data []byte) bool {
	return firstHasMembers(data, "secret", "label") || isEncryptedAndotp(data)
}

// isEncryptedAndotp goes by the iterations, since the file has no other mark. andOTP takes
// 140,000 to 160,000. The encrypted file of before 0.6.3 looks like random bytes, so that
// Options must name its format.
func isEncryptedAndotp(data []byte) bool {
	if len(data) < andotpIterations+andotpSalt+andotpNonce+andotpTag {
		return false
	}
	n := binary.BigEndian.Uint32(data)
	return n >= 140_000 && n <= 160_000
}

func readAndotp(c *Contents, in input) error {
	data := in.data
	if !looksLikeArray(data) {
		var err error
		if data, err = decryptAndotp(in); err != nil {
			return err
		}
	}
	return addEach(c, data, "*", andotpEntry.record)
}

func looksLikeArray(data []byte) bool {
	return utf8.Valid(data) && bytes.HasPrefix(bytes.TrimLeft(trimBOM(data), jsonSpace), []byte("["))
}

func (e andotpEntry) record() record {
	r := record{
		kind: e.Kind, account: e.Label,
		secret: e.Secret, algorithm: e.Algorithm, digits: string(e.Digits), period: string(e.Period),
	}
	if e.Issuer != nil {
		r.issuer = *e.Issuer
	} else if issuer, account, ok := strings.Cut(e.Label, " - "); ok {
		r.issuer, r.account = issuer, account
	}
	return r
}

func decryptAndotp(in input) ([]byte, error) {
	if !isEncryptedAndotp(in.data) {
		return decryptOldAndotp(in)
	}
	iterations, data := binary.BigEndian.Uint32(in.data), in.data[andotpIterations:]
	salt, data := data[:andotpSalt], data[andotpSalt:]
	key, err := in.pbkdf2Key(sha1.New, salt, uint64(iterations))
	if err != nil {
		return nil, err
	}
	return openGCM(key, data[:andotpNonce], data[andotpNonce:], nil)
}

// decryptOldAndotp opens a backup of andOTP before 0.6.3.
func decryptOldAndotp(in input) ([]byte, error) {
	if len(in.data) < andotpNonce+andotpTag {
		return nil, ErrDamaged
	}
	passphrase, err := in.passphrase()
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(passphrase))
	return openGCM(key[:], in.data[:andotpNonce], in.data[andotpNonce:], nil)
}
