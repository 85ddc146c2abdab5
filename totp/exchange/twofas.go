package exchange

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
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
	return record{
		kind: s.OTP.Kind, issuer: cmp.Or(s.Name, s.OTP.Issuer), account: cmp.Or(s.OTP.Account, s.OTP.Label),
		secret: s.Secret, algorithm: s.OTP.Algorithm, digits: string(s.OTP.Digits), period: string(s.OTP.Period),
	}
}

func decryptTwofas(encrypted string, in input) ([]byte, error) {
	parts, err := decodeThree(encrypted, ":")
	if err != nil {
		return nil, err
	}
	sealed, salt, nonce := parts[0], parts[1], parts[2]
	key, err := in.pbkdf2Key(sha256.New, salt, twofasIterations)
	if err != nil {
		return nil, err
	}
	return openGCM(key, nonce, sealed, nil)
}
