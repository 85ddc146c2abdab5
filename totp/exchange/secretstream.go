package exchange

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/poly1305" //lint:ignore SA1019 secretstream authenticates in its own way, which no package offers
)

// The sizes and tags of libsodium's crypto_secretstream_xchacha20poly1305
// (https://doc.libsodium.org/secret-key_cryptography/secretstream).
const (
	streamHeaderBytes = 24
	streamExtraBytes  = 1 + poly1305.TagSize // what a message is longer by, encrypted
	streamTagRekey    = 2
	streamTagFinal    = 3
)

// A secretStream opens the messages of a stream in their order.
type secretStream struct {
	key     [chacha20.KeySize]byte
	counter uint32
	nonce   [8]byte
}

func newSecretStream(key, header []byte) (*secretStream, error) {
	if len(header) != streamHeaderBytes {
		return nil, fmt.Errorf("%w: its nonce has %d bytes", ErrDamaged, len(header))
	}
	subkey, err := chacha20.HChaCha20(key, header[:16])
	if err != nil {
		return nil, err
	}
	s := &secretStream{counter: 1}
	copy(s.key[:], subkey)
	copy(s.nonce[:], header[16:])
	return s, nil
}

// pull opens the next message and returns it with its tag.
func (s *secretStream) pull(sealed []byte) (message []byte, tag byte, err error) {
	n := len(sealed) - streamExtraBytes
	if n < 0 {
		return nil, 0, fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	first, body, mac := sealed[0], sealed[1:1+n], sealed[1+n:]
	stream, macKey := s.cipher()
	var block [64]byte // the tag has a block of the key stream for itself
	block[0] = first
	stream.XORKeyStream(block[:], block[:])
	tag, block[0] = block[0], first
	if subtle.ConstantTimeCompare(mac, streamMAC(macKey, block[:], body)) != 1 {
		return nil, 0, ErrPassphrase
	}
	message = make([]byte, n)
	stream.XORKeyStream(message, body)
	s.advance(mac, tag)
	return message, tag, nil
}

// cipher returns the key stream of the next message and the key of its MAC, with which the
// stream begins.
func (s *secretStream) cipher() (*chacha20.Cipher, *[32]byte) {
	stream := s.keyStream()
	var begin [64]byte
	stream.XORKeyStream(begin[:], begin[:])
	return stream, (*[32]byte)(begin[:32])
}

func (s *secretStream) keyStream() *chacha20.Cipher {
	var nonce [chacha20.NonceSize]byte
	binary.LittleEndian.PutUint32(nonce[:], s.counter)
	copy(nonce[4:], s.nonce[:])
	stream, err := chacha20.NewUnauthenticatedCipher(s.key[:], nonce[:])
	if err != nil {
		panic(err) // the lengths are right
	}
	return stream
}

// streamMAC authenticates the tag's block, the message and their length. libsodium pads the
// message by its length modulo 16 bytes, where one would expect the rest to a multiple of
// 16.
func streamMAC(key *[32]byte, block, body []byte) []byte {
	h := poly1305.New(key)
	h.Write(block)
	h.Write(body)
	h.Write(make([]byte, len(body)%16))
	var lengths [16]byte // of the additional data, which is empty, and of the rest
	binary.LittleEndian.PutUint64(lengths[8:], uint64(len(block)+len(body)))
	h.Write(lengths[:])
	return h.Sum(nil)
}

// advance makes the nonce of the next message and, if the tag asks for it or the counter is
// used up, the next key.
func (s *secretStream) advance(mac []byte, tag byte) {
	for i := range s.nonce {
		s.nonce[i] ^= mac[i]
	}
	s.counter++
	if tag&streamTagRekey == 0 && s.counter != 0 {
		return
	}
	stream := s.keyStream()
	stream.XORKeyStream(s.key[:], s.key[:])
	stream.XORKeyStream(s.nonce[:], s.nonce[:])
	s.counter = 1
}
