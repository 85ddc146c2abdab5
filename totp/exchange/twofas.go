package exchange

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
)

// A twofasFile is the backup of 2FAS Authenticator, of the schemas 1 to 4, as BackupContent
// of github.com/twofas/2fas-android has it.
type twofasFile struct {
	Schema    int     `json:"schemaVersion"`
	Encrypted *string `json:"servicesEncrypted"` // data:salt:nonce, each in base64
}

type twofasService struct {
	Name   string `json:"name"`
	Secret string `json:"secret"`
	OTP    struct {
		Label     string      `json:"label"`
		Account   string      `json:"account"`
		Issuer    string      `json:"issuer"`
		Digits    json.Number `json:"digits"`
		Period    json.Number `json:"period"`
		Algorithm string      `json:"algorithm"`
		Kind      string      `json:"tokenType"`
	} `json:"otp"`
}

const (
	twofasSchema = 4
	// twofasIterations of PBKDF2 are fixed in BackupKeyGeneratorPbkdf of 2fas-android.
	twofasIterations = 10_000
)

func isTwofas(data []byte) bool {
	return hasMembers(data, "services", "schemaVersion") || hasMembers(data, "servicesEncrypted", "schemaVersion")
}

func readTwofas(c *Contents, in input) error {
	var file twofasFile
	if err := decodeJSON(in.data, &file); err != nil {
		return err
	}
	if file.Schema > twofasSchema {
		return fmt.Errorf("schema %d of the backup is not known, only 1 to %d", file.Schema, twofasSchema)
	}
	if file.Encrypted != nil && *file.Encrypted != "" {
		plain, err := decryptTwofas(*file.Encrypted, in)
		if err != nil {
			return err
		}
		return addEach(c, plain, "*", twofasService.record)
	}
	return addEach(c, in.data, "services/*", twofasService.record)
}

// record takes the name that 2FAS shows, which its user may have changed, for the issuer.
func (s twofasService) record() record {
	r := record{
		kind: s.OTP.Kind, issuer: s.Name, account: s.OTP.Account,
		secret: s.Secret, algorithm: s.OTP.Algorithm, digits: string(s.OTP.Digits), period: string(s.OTP.Period),
	}
	if r.issuer == "" {
		r.issuer = s.OTP.Issuer
	}
	if r.account == "" {
		r.account = s.OTP.Label
	}
	return r
}

func decryptTwofas(encrypted string, in input) ([]byte, error) {
	parts := strings.SplitN(encrypted, ":", 4)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: its encrypted part has not 3 fields", ErrDamaged)
	}
	var decoded [3][]byte // data with the tag, salt, nonce
	for i, part := range parts {
		var err error
		if decoded[i], err = decodeBase64(part); err != nil {
			return nil, err
		}
	}
	passphrase, err := in.passphrase()
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2Key(sha256.New, passphrase, decoded[1], twofasIterations)
	if err != nil {
		return nil, err
	}
	return openGCM(key, decoded[2], decoded[0])
}
