package exchange

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
)

// sealBinary seals as age does without --armor.
func sealBinary(t testing.TB, file []byte, recipient age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipient)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(file)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func cheapRecipient(t testing.TB, workFactor int) age.Recipient {
	t.Helper()
	r, err := age.NewScryptRecipient(testPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(workFactor)
	return r
}

func ageFixtures(t testing.TB) []fixture {
	binary, armored := uriFixtures()[0], aegisFixtures(t)[1]
	binary.file, binary.format, binary.passphrase, binary.cutUnseen = "uris.txt.age", "age", testPassphrase, false
	binary.data = sealBinary(t, binary.data, cheapRecipient(t, 10))
	var err error
	if armored.data, err = seal(armored.data, testPassphrase, 10); err != nil {
		t.Fatal(err)
	}
	armored.file, armored.format = "aegis.json.age", "age"
	return []fixture{binary, armored}
}

func TestWhatIsSealedIsOpenedAndRead(t *testing.T) {
	f := aegisFixtures(t)[0]
	sealed, err := Seal(f.data, testPassphrase)
	if err != nil || bytes.Contains(sealed, []byte(testSecret)) {
		t.Fatalf("%q, %v", sealed, err)
	}
	asked := 0
	c, err := Read(sealed, Options{Passphrase: func() (string, error) { asked++; return testPassphrase, nil }})
	if err != nil || !slices.Equal(uris(c), f.accounts) || asked != 1 {
		t.Errorf("%q after %d questions, %v", uris(c), asked, err)
	}
	if _, err := Seal(f.data, ""); err == nil {
		t.Error("sealed without a passphrase")
	}
}

func TestASealedFileThatNoPassphraseOpensIsRefusedBeforeOneIsAskedFor(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := uriFixtures()[0].data
	costly := bytes.Replace(sealBinary(t, file, cheapRecipient(t, 10)), []byte(" 10\n"), []byte(" 19\n"), 1)
	asked := func() (string, error) { t.Error("asked for a passphrase"); return "", errors.New("no") }
	if _, err := Read(costly, Options{Passphrase: asked}); !errors.Is(err, ErrCost) {
		t.Errorf("a work factor of 19: %v", err)
	}
	if _, err := Read(sealBinary(t, file, key.Recipient()), Options{Passphrase: asked}); err == nil || !strings.Contains(err.Error(), "for a key") {
		t.Errorf("sealed for a key: %v", err)
	}
	if _, err := Read([]byte(ageHeader), Options{Passphrase: asked}); !errors.Is(err, ErrDamaged) {
		t.Errorf("the header alone: %v", err)
	}
}

func TestOneSealIsOpened(t *testing.T) {
	twice, err := seal(sealBinary(t, uriFixtures()[0].data, cheapRecipient(t, 10)), testPassphrase, 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(twice, Options{Passphrase: with(testPassphrase)}); err == nil || !strings.Contains(err.Error(), "sealed again") {
		t.Errorf("sealed twice: %v", err)
	}
	other, err := seal([]byte("hello"), testPassphrase, 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(other, Options{Passphrase: with(testPassphrase)}); !errors.Is(err, ErrUnknown) {
		t.Errorf("something else that is sealed: %v", err)
	}
}

func FuzzAge(f *testing.F) { fuzzRead(f, "age") }
