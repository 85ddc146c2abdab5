package exchange

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/sha1"
	"errors"
	"fmt"
)

// A stratumEntry is an account in a backup of Stratum, which was Authenticator Pro, as
// doc/BACKUP_FORMAT.md of github.com/stratumauth/app describes it.
type stratumEntry struct {
	Type      scalar
	Issuer    scalar
	Username  scalar
	Secret    scalar
	Algorithm scalar
	Digits    scalar
	Period    scalar
}

// The encrypted backups begin with one of two headers of 16 bytes, the newer one all in
// capitals. Salt, initialization vector and ciphertext follow.
const (
	stratumHeader       = "AUTHENTICATORPRO" // Argon2id, AES-256-GCM
	stratumLegacyHeader = "AuthenticatorPro" // PBKDF2 with SHA1, AES-256-CBC

	stratumSaltBytes        = 16
	stratumNonceBytes       = 12
	stratumTagBytes         = 16
	stratumLegacySaltBytes  = 20
	stratumLegacyIterations = 64_000
)

func stratumCost() argon2Parameters {
	return argon2Parameters{passes: 3, memory: 64 * 1024, lanes: 4}
}

func isStratum(data []byte) bool {
	return bytes.HasPrefix(data, []byte(stratumHeader)) || bytes.HasPrefix(data, []byte(stratumLegacyHeader)) ||
		hasMembers(data, "Authenticators")
}

func readStratum(c *Contents, in input) error {
	if sealed, ok := bytes.CutPrefix(in.data, []byte(stratumLegacyHeader)); ok {
		return c.readLegacyStratum(sealed, in)
	}
	sealed, ok := bytes.CutPrefix(in.data, []byte(stratumHeader))
	if !ok {
		return c.addStratum(in.data)
	}
	list, err := openStratum(sealed, in)
	if err != nil {
		return err
	}
	return c.addStratum(list)
}

func (c *Contents) addStratum(list []byte) error {
	return eachIn(c, list, "Authenticators/*", "entry", func(place string, e stratumEntry) {
		r := record{
			place: place, kind: stratumKind(e.Type.String()), issuer: e.Issuer.String(), account: e.Username.String(),
			secret: e.Secret.String(), algorithm: stratumAlgorithm(e.Algorithm.String()),
			digits: e.Digits.String(), period: e.Period.String(),
		}
		if r.account == "" { // which Stratum allows, where an issuer must be
			r.issuer, r.account = "", r.issuer
		}
		c.add(r)
	})
}

func stratumKind(number string) string {
	kinds := map[string]string{"1": "HOTP", "2": "totp", "3": "Mobile-OTP", "4": "steam", "5": "Yandex"}
	return cmp.Or(kinds[number], "number "+number)
}

func stratumAlgorithm(number string) string {
	algorithms := map[string]string{"0": "SHA1", "1": "SHA256", "2": "SHA512"}
	return cmp.Or(algorithms[number], number)
}

func openStratum(sealed []byte, in input) ([]byte, error) {
	if len(sealed) < stratumSaltBytes+stratumNonceBytes+stratumTagBytes {
		return nil, fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	salt, sealed := sealed[:stratumSaltBytes], sealed[stratumSaltBytes:]
	key, err := in.argon2Key(stratumCost(), salt)
	if err != nil {
		return nil, err
	}
	return openGCM(key, sealed[:stratumNonceBytes], sealed[stratumNonceBytes:], nil)
}

// readLegacyStratum says that the passphrase is wrong where the content makes no sense,
// because nothing else tells it.
func (c *Contents) readLegacyStratum(sealed []byte, in input) error {
	if len(sealed) < stratumLegacySaltBytes+aes.BlockSize {
		return fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	salt, sealed := sealed[:stratumLegacySaltBytes], sealed[stratumLegacySaltBytes:]
	key, err := in.pbkdf2Key(sha1.New, salt, stratumLegacyIterations)
	if err != nil {
		return err
	}
	list, err := openCBC(key, sealed[:aes.BlockSize], sealed[aes.BlockSize:])
	if err != nil {
		return err
	}
	if err = c.addStratum(list); errors.Is(err, ErrDamaged) {
		return ErrPassphrase
	}
	return err
}
