package exchange

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// A streamMessage is what libsodium 1.0.18 makes of a message:
// crypto_secretstream_xchacha20poly1305_init_push with the key 00 01 … 1f, then _push
// without additional data.
type streamMessage struct {
	plain  string
	tag    byte
	sealed string
}

const streamHeader = "bcad2638ec379076cbc257affb714b873abb98a400822bec"

func streamMessages() []streamMessage {
	return []streamMessage{
		{"", 0, "851e6c5d0fee4b4b084283f271b8ea5fd8"},
		{strings.Repeat("a", 15), 0, "8777e4864878ae1935f23e054848f42ba23d4478a4a4370eefacf7bb85eec418"},
		{"sixteen bytes...", 1, "aaaf853b5408e3ebbc0924d9019d6d599f76665f623f8a7e359cdd5dcc085c4584"},
		{"seventeen bytes..", streamTagRekey, "767e1b709abcabee9a9309b458255241588e6d41cd44107f2302673ecae0b6501f07"},
		{strings.Repeat("b", 100), 0, "b799ae300e02970241f563543711cd148380a98708b784550e9ec072e529d203cde9274657d622267f39fe549537865d765d2f81d5a1647812fa98d375af0b96e834100023f38acb54c5ecc1bda31056fb2e2770bd803cd5eafe34eb8c2220abe7483ec0af1c5a7416683b06608c3164ab4604b742"},
		{strings.Repeat("c", 64), streamTagFinal, "863735da572a4b1a80e7bd81ba582ceaafb59b4501bac796899f6e68cf4a7e7771a9809723b1ebeee4ad909e82c3ce91394ae671d364a5f9baefef90410472efa22846e60f30138fe509e9310651fbae2b"},
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newTestStream(t testing.TB) *secretStream {
	t.Helper()
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	s, err := newSecretStream(key, unhex(t, streamHeader))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAStreamOfLibsodiumIsOpened(t *testing.T) {
	s := newTestStream(t)
	for _, m := range streamMessages() {
		plain, tag, err := s.pull(unhex(t, m.sealed))
		if err != nil || string(plain) != m.plain || tag != m.tag {
			t.Fatalf("%q with tag %d: %q with tag %d, %v", m.plain, m.tag, plain, tag, err)
		}
	}
}

func TestNoByteOfAStreamCanChange(t *testing.T) {
	sealed := unhex(t, streamMessages()[0].sealed)
	for i := range sealed {
		changed := append([]byte(nil), sealed...)
		changed[i] ^= 0x80
		if _, _, err := newTestStream(t).pull(changed); !errors.Is(err, ErrPassphrase) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for n := range sealed {
		if _, _, err := newTestStream(t).pull(sealed[:n]); err == nil {
			t.Errorf("%d bytes are taken", n)
		}
	}
	s := newTestStream(t)
	if _, _, err := s.pull(unhex(t, streamMessages()[1].sealed)); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a message out of order: %v", err)
	}
}

func TestArgon2AgreesWithLibsodium(t *testing.T) {
	salt := make([]byte, 16)
	for i := range salt {
		salt[i] = byte(i)
	}
	// crypto_pwhash with OPSLIMIT 3, MEMLIMIT 8 MiB and ALG_ARGON2ID13.
	key, err := argon2Parameters{passes: 3, memory: 8 << 10, lanes: 1}.key("correct horse", salt)
	if got := hex.EncodeToString(key); err != nil || got != "77af1c306ae70c8ad00394b671ee364ffb2e7e12f88e5045953b12dd0ccaa9db" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestACostlyArgon2IsNotStarted(t *testing.T) {
	for _, p := range []argon2Parameters{
		{1, 1<<20 + 1, 1}, {11, 1 << 20, 1}, {1 << 63, 8, 1}, {1, 1 << 63, 1}, {1, 8, 256}, {1 << 40, 8, 255}, {1, 1 << 20, 1 << 40},
	} {
		if err := p.check(); !errors.Is(err, ErrCost) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []argon2Parameters{{0, 8, 1}, {1, 8, 0}} {
		if err := p.check(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []argon2Parameters{{4, 1 << 20, 1}, {16, 256 << 10, 1}, {10, 1 << 20, 16}, {1, 0, 1}} {
		if err := p.check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
