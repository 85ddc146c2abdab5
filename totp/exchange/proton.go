package exchange

import (
	"cmp"
	"encoding/base64"
	"fmt"
)

// A protonEntry is an account in an export of Proton Authenticator, as
// proton-authenticator/src/entry/exporter.rs of github.com/protonpass/proton-pass-common
// writes it.
type protonEntry struct {
	Content struct {
		URI  string `json:"uri"`        // of Steam: steam:// and the secret in base32 or base64
		Kind string `json:"entry_type"` // Totp or Steam
		Name string `json:"name"`
	} `json:"content"`
}

// A protonFile is an export with a passphrase, as password_exporter.rs beside it writes it.
type protonFile struct {
	Version int    `json:"version"`
	Salt    string `json:"salt"`
	Content string `json:"content"`
}

// The constants of Proton's encryption: Argon2id, then AES-256-GCM with the nonce before
// the ciphertext.
const (
	protonAdditional = "proton.authenticator.export.v1"
	protonSaltBytes  = 16
	protonNonceBytes = 12
)

func protonCost() argon2Parameters { return argon2Parameters{passes: 2, memory: 19 * 1024, lanes: 1} }

func isProton(data []byte) bool {
	return hasMembers(data, "version", "entries") || hasMembers(data, "version", "salt", "content")
}

func readProton(c *Contents, in input) error {
	var file protonFile
	if err := decodeJSON(in.data, &file); err != nil {
		return err
	}
	if file.Version != 1 {
		return fmt.Errorf("version %d of the export is not known, only 1", file.Version)
	}
	list := in.data
	if file.Salt != "" {
		var err error
		if list, err = file.decrypt(in); err != nil {
			return err
		}
	}
	return eachIn(c, list, "entries/*", "entry", c.addProton)
}

func (c *Contents) addProton(place string, e protonEntry) {
	r, err := otpRecord(e.Content.URI)
	if err != nil {
		c.leaveOut(place, e.Content.Name, err)
		return
	}
	if r.kind == "steam" {
		r.steamSecret()
	}
	r.place = place
	r.nameAfter("", e.Content.Name)
	c.add(r)
}

// steamSecret takes a secret that is no base32 for base64, in which Steam itself writes it.
func (r *record) steamSecret() {
	if _, err := r.parseSecret(); err == nil {
		return
	}
	if raw, err := base64.RawStdEncoding.DecodeString(r.secret); err == nil {
		r.raw = raw
	}
}

func (f protonFile) decrypt(in input) ([]byte, error) {
	salt, errSalt := decodeBase64(f.Salt)
	sealed, errContent := decodeBase64(f.Content)
	if err := cmp.Or(errSalt, errContent); err != nil {
		return nil, err
	}
	if len(salt) != protonSaltBytes || len(sealed) < protonNonceBytes {
		return nil, incomplete()
	}
	key, err := in.argon2Key(protonCost(), salt)
	if err != nil {
		return nil, err
	}
	return openGCM(key, sealed[:protonNonceBytes], sealed[protonNonceBytes:], []byte(protonAdditional))
}
