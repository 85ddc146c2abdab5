package exchange

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// openGCM decrypts AES-256-GCM (NIST SP 800-38D), with the tag at the end of sealed. The
// additional data, which may be nil, are authenticated as well. It returns ErrPassphrase if
// the tag is wrong.
func openGCM(key, nonce, sealed, additional []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: its key has %d bytes", ErrDamaged, len(key))
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(nonce) != gcm.NonceSize() || len(sealed) < gcm.Overhead() {
		return nil, incomplete()
	}
	plain, err := gcm.Open(nil, nonce, sealed, additional)
	if err != nil {
		return nil, ErrPassphrase
	}
	return plain, nil
}

func incomplete() error { return fmt.Errorf("%w: the encrypted part is incomplete", ErrDamaged) }

// openCBC opens AES-256-CBC (NIST SP 800-38A) with the padding of PKCS #7 (RFC 5652 section
// 6.3). With a wrong key it returns ErrPassphrase or, once in 256 times, nonsense.
func openCBC(key, iv, sealed []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != aes.BlockSize || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, incomplete()
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, sealed)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, ErrPassphrase
	}
	return plain[:len(plain)-padding], nil
}

// A jsonHex is bytes as a JSON string of hexadecimal digits.
type jsonHex []byte

func (h *jsonHex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func decodeBase64(text string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: it has broken base64", ErrDamaged)
	}
	return data, nil
}

// decodeThree decodes three parts in base64.
func decodeThree(text, separator string) (parts [3][]byte, err error) {
	all := strings.SplitN(text, separator, 4)
	if len(all) != 3 {
		return parts, fmt.Errorf("%w: its encrypted part has not 3 fields", ErrDamaged)
	}
	for i, part := range all {
		if parts[i], err = decodeBase64(part); err != nil {
			return parts, err
		}
	}
	return parts, nil
}
