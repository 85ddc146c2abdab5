package exchange

import (
	"crypto/aes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// A bitwardenItem is an item in an export of Bitwarden, Vaultwarden or Bitwarden
// Authenticator (https://bitwarden.com/help/export-your-data/).
type bitwardenItem struct {
	Name  scalar `json:"name"`
	Login *struct {
		User scalar `json:"username"`
		TOTP scalar `json:"totp"`
	} `json:"login"`
	Deleted scalar `json:"deletedDate"`
}

// A bitwardenFile is an export, encrypted or not
// (https://bitwarden.com/help/encrypted-export/). The parameters are those that
// libs/tools/export/vault-export of github.com/bitwarden/clients writes.
type bitwardenFile struct {
	Encrypted   bool   `json:"encrypted"`
	Passworded  bool   `json:"passwordProtected"`
	Salt        string `json:"salt"`
	KDF         int    `json:"kdfType"`
	Iterations  uint64 `json:"kdfIterations"`
	Memory      uint64 `json:"kdfMemory"` // MiB
	Parallelism uint64 `json:"kdfParallelism"`
	Validation  string `json:"encKeyValidation_DO_NOT_EDIT"`
	Data        string `json:"data"`
}

const (
	bitwardenPBKDF2 = 0
	bitwardenArgon2 = 1
)

func isBitwarden(data []byte) bool {
	return hasMembers(data, "encrypted", "items") || hasMembers(data, "encrypted", "passwordProtected", "data")
}

func readBitwarden(c *Contents, in input) error {
	var file bitwardenFile
	if err := decodeJSON(in.data, &file); err != nil {
		return err
	}
	list := in.data
	switch {
	case file.Encrypted && file.Passworded:
		var err error
		if list, err = file.decrypt(in); err != nil {
			return err
		}
	case file.Encrypted:
		return errors.New("the export is restricted to its Bitwarden account, which alone can open it: export again, as JSON, or as encrypted JSON that is password protected")
	}
	return eachIn(c, list, "items/*", "item", func(place string, i bitwardenItem) {
		switch {
		case i.Login == nil || i.Login.TOTP == "":
		case i.Deleted != "":
			c.leaveOut(place, joinNames(i.Name.String(), i.Login.User.String()), errBin)
		default:
			c.addOTP(place, i.Login.TOTP.String(), i.Name.String(), i.Login.User.String())
		}
	})
}

// decrypt checks the passphrase with what the file has for that, then opens the rest.
func (f bitwardenFile) decrypt(in input) ([]byte, error) {
	master, err := f.masterKey(in)
	if err != nil {
		return nil, err
	}
	if _, err := openBitwarden(master, f.Validation); err != nil {
		return nil, err
	}
	return openBitwarden(master, f.Data)
}

// masterKey takes the salt as text, though it is base64, as Bitwarden does.
func (f bitwardenFile) masterKey(in input) ([]byte, error) {
	switch f.KDF {
	case bitwardenPBKDF2:
		return in.pbkdf2Key(sha256.New, []byte(f.Salt), f.Iterations)
	case bitwardenArgon2:
		salt := sha256.Sum256([]byte(f.Salt))
		if f.Memory > maxArgon2Memory/1024 {
			return nil, fmt.Errorf("%w: Argon2 over %d MiB", ErrCost, f.Memory)
		}
		return in.argon2Key(argon2Parameters{passes: f.Iterations, memory: f.Memory * 1024, lanes: f.Parallelism}, salt[:])
	}
	return nil, fmt.Errorf("its key derivation, number %d, is not known", f.KDF)
}

// openBitwarden opens an "EncString" of type 2: AES-256-CBC, then HMAC-SHA256, with keys
// that HKDF-Expand (RFC 5869 section 2.3) makes of the master key.
func openBitwarden(master []byte, text string) ([]byte, error) {
	text, ok := strings.CutPrefix(text, "2.")
	if !ok {
		return nil, fmt.Errorf("%w: the encrypted part is of an unknown type", ErrDamaged)
	}
	parts, err := decodeThree(text, "|")
	if err != nil {
		return nil, err
	}
	iv, sealed, mac := parts[0], parts[1], parts[2]
	macKey, err := hkdf.Expand(sha256.New, master, "mac", sha256.Size)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, macKey)
	h.Write(iv)
	h.Write(sealed)
	if len(iv) != aes.BlockSize || !hmac.Equal(mac, h.Sum(nil)) {
		return nil, ErrPassphrase
	}
	key, err := hkdf.Expand(sha256.New, master, "enc", keySize)
	if err != nil {
		return nil, err
	}
	return openCBC(key, iv, sealed)
}

const bitwardenTOTP = "login_totp" // the column of Bitwarden's CSV

func isBitwardenCSV(data []byte) bool {
	t := newTable(data)
	return t.has("name") && t.has(bitwardenTOTP)
}

// readBitwardenCSV reads the rows that have a TOTP. Bitwarden Authenticator writes more
// columns than its header names.
func readBitwardenCSV(c *Contents, in input) error {
	t := newTable(in.data)
	if !t.has(bitwardenTOTP) {
		return fmt.Errorf("%w: its header names no %s", ErrDamaged, bitwardenTOTP)
	}
	return t.eachRow(c, func(place string, row tableRow) {
		title, user, otp := row.get("name"), row.get("login_username"), row.get(bitwardenTOTP)
		switch err := row.complete(); {
		case err != nil:
			c.leaveOut(place, joinNames(title, user), err)
		case otp != "" && row.mayBeCut(bitwardenTOTP):
			c.addOTP(place, otp, title, user, cutNote)
		case otp != "":
			c.addOTP(place, otp, title, user)
		}
	})
}
