package exchange

import (
	"cmp"
	"fmt"
)

// An enteFile is the encrypted export of Ente Auth, as docs/docs/auth/migration/export.md
// of github.com/ente-io/ente describes it. What it holds, encrypted, is Ente's plain
// export: otpauth URIs.
type enteFile struct {
	Version int `json:"version"`
	KDF     struct {
		Memory uint64 `json:"memLimit"` // bytes
		Passes uint64 `json:"opsLimit"`
		Salt   string `json:"salt"`
	} `json:"kdfParams"`
	Data  string `json:"encryptedData"`
	Nonce string `json:"encryptionNonce"` // a header of libsodium's secretstream
}

func isEnte(data []byte) bool { return hasMembers(data, "kdfParams", "encryptedData") }

func readEnte(c *Contents, in input) error {
	var file enteFile
	if err := decodeJSON(in.data, &file); err != nil {
		return err
	}
	if file.Version != 1 {
		return fmt.Errorf("version %d of the export is not known, only 1", file.Version)
	}
	list, err := file.decrypt(in)
	if err != nil {
		return err
	}
	return readURIs(c, input{data: list})
}

func (f enteFile) decrypt(in input) ([]byte, error) {
	salt, errSalt := decodeBase64(f.KDF.Salt)
	sealed, errData := decodeBase64(f.Data)
	header, errNonce := decodeBase64(f.Nonce)
	if err := cmp.Or(errSalt, errData, errNonce); err != nil {
		return nil, err
	}
	key, err := in.argon2Key(argon2Parameters{passes: f.KDF.Passes, memory: f.KDF.Memory / 1024, lanes: 1}, salt)
	if err != nil {
		return nil, err
	}
	stream, err := newSecretStream(key, header)
	if err != nil {
		return nil, err
	}
	list, _, err := stream.pull(sealed) // the tag says nothing: some versions of Ente mark the end, some do not
	return list, err
}
