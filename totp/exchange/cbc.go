package exchange

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
)

// openCBC opens AES-256-CBC (NIST SP 800-38A) with the padding of PKCS #7 (RFC 5652 section
// 6.3). With a wrong key it returns ErrPassphrase or, once in 256 times, nonsense.
func openCBC(key, iv, sealed []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != aes.BlockSize || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: the encrypted part is incomplete", ErrDamaged)
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, sealed)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, ErrPassphrase
	}
	return plain[:len(plain)-padding], nil
}
