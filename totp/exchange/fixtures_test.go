package exchange

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"totpctl/totp"
)

const testPassphrase = "correct horse"

// A fixture is a file as another program writes it.
type fixture struct {
	file, format string
	data         []byte
	passphrase   string   // "" if the file is not encrypted
	accounts     []string // as otpauth URIs
	leftOut      []string // names
	cutUnseen    bool     // the format has no sign of its end, so that the last account may be cut
}

// madeFixtures keeps what each test would derive keys for again.
var madeFixtures struct {
	sync.Once
	all []fixture
}

// fixtures have a line for each file, several for a format. Nobody may change them.
func fixtures(t testing.TB) []fixture {
	madeFixtures.Do(func() { madeFixtures.all = makeFixtures(t) })
	return madeFixtures.all
}

func makeFixtures(t testing.TB) []fixture {
	return slices.Concat(
		uriFixtures(),
		googleFixtures(),
		aegisFixtures(t),
		twofasFixtures(t),
		andotpFixtures(t),
		csvFixtures(),
		ageFixtures(t),
		enteFixtures(t),
		protonFixtures(t),
		stratumFixtures(t),
		freeOTPFixtures(t),
		bitwardenFixtures(t),
		pictureFixtures(t),
		onePasswordFixtures(t),
		authyFixtures(t),
		keePassFixtures(),
		libpamFixtures(),
		oathFixtures(),
	)
}

func uriFixtures() []fixture {
	list := "otpauth://totp/GitHub:alice?secret=" + testSecret + "\notpauth://hotp/Old:bob?secret=" + testSecret + "\notpauth://steam/gabe?secret=" + testSecret + "\n"
	return []fixture{{
		file: "uris.txt", format: "otpauth", data: []byte(list), cutUnseen: true,
		accounts: []string{"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub", "otpauth://totp/gabe?secret=" + testSecret + "&digits=5&encoder=steam"},
		leftOut:  []string{"Old:bob"},
	}}
}

func uris(c Contents) (all []string) {
	for _, a := range c.Accounts {
		all = append(all, a.Entry.URI())
	}
	return all
}

func leftOutNames(c Contents) (all []string) {
	for _, l := range c.LeftOut {
		all = append(all, l.Name)
	}
	return all
}

func with(passphrase string) func() (string, error) {
	return func() (string, error) { return passphrase, nil }
}

func TestEachFileIsRecognisedByOneFormatAndReadWhole(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.file, func(t *testing.T) {
			for _, format := range formats() {
				if format.recognise(f.data) != (format.name == f.format) {
					t.Errorf("%s recognises it: %v", format.name, format.recognise(f.data))
				}
			}
			c, err := Read(f.data, Options{Passphrase: with(f.passphrase)})
			if err != nil || c.Format != f.format {
				t.Fatalf("read as %q: %v", c.Format, err)
			}
			if !slices.Equal(uris(c), f.accounts) {
				t.Errorf("accounts are %q, want %q; left out is %+v", uris(c), f.accounts, c.LeftOut)
			}
			if !slices.Equal(leftOutNames(c), f.leftOut) {
				t.Errorf("left out is %+v, want %q", c.LeftOut, f.leftOut)
			}
			for _, l := range c.LeftOut {
				if l.Place == "" || l.Err == nil {
					t.Errorf("left out without place and reason: %+v", l)
				}
			}
		})
	}
}

func TestAnEncryptedFileNeedsItsPassphrase(t *testing.T) {
	for _, f := range fixtures(t) {
		if f.passphrase == "" {
			continue
		}
		t.Run(f.file, func(t *testing.T) {
			if _, err := Read(f.data, Options{}); !errors.Is(err, ErrEncrypted) {
				t.Errorf("without a passphrase: %v", err)
			}
			if c, err := Read(f.data, Options{Passphrase: with("wrong " + f.passphrase)}); !errors.Is(err, ErrPassphrase) || len(c.Accounts) > 0 {
				t.Errorf("with a wrong passphrase: %v", err)
			}
			asked := errors.New("no terminal")
			if _, err := Read(f.data, Options{Passphrase: func() (string, error) { return "", asked }}); !errors.Is(err, asked) {
				t.Errorf("without anybody who knows it: %v", err)
			}
		})
	}
}

func TestAFileThatIsCutOffGivesNoWrongAccount(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.file, func(t *testing.T) {
			step, names := 1+len(f.data)/24, []string{"", f.format}
			if f.passphrase != "" { // deriving its key takes time
				step, names = 1+len(f.data)/8, names[1:]
			}
			for n := 0; n < len(f.data); n += step {
				for _, name := range names {
					c, err := Read(f.data[:n], Options{Format: name, Passphrase: with(f.passphrase)})
					for i, u := range uris(c) {
						if !slices.Contains(f.accounts, u) && !(f.cutUnseen && i == len(c.Accounts)-1) {
							t.Errorf("%d of %d bytes as %q: %q, %v", n, len(f.data), name, u, err)
						}
					}
				}
			}
		})
	}
}

// fuzzRead fuzzes one format with its fixtures.
func fuzzRead(f *testing.F, format string) {
	for _, x := range fixtures(f) {
		if x.format == format {
			f.Add(x.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Read(data, Options{Format: format})
		if err != nil && len(c.Accounts) > 0 {
			t.Errorf("%d accounts with %v", len(c.Accounts), err)
		}
		for _, a := range c.Accounts {
			if _, err := totp.NewEntry(a.Entry.Issuer, a.Entry.Account, a.Entry.Key); err != nil || a.Entry.Key.IsZero() {
				t.Errorf("%v: %v", a.Entry, err)
			}
		}
	})
}

// sealGCM returns the ciphertext with the tag at its end.
func sealGCM(t testing.TB, key, nonce, plain []byte) []byte {
	t.Helper()
	return sealGCMWith(t, key, nonce, plain, nil)
}

func sealGCMWith(t testing.TB, key, nonce, plain, additional []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm.Seal(nil, nonce, plain, additional)
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
