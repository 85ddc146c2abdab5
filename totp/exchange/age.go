package exchange

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Files are sealed for a passphrase in the format of age (age-encryption.org/v1).
const (
	ageHeader = "age-encryption.org/v1\n"

	// ageWorkFactor is the binary logarithm of scrypt's N, with r of 8 and p of 1: 256 MiB. It
	// is what `age -p` takes, and all that a file may ask for.
	ageWorkFactor = 18
)

// Seal encrypts a file for a passphrase, in age's armored format, which `age -d` opens and
// Read reads (age-encryption.org/v1, scrypt recipient). It takes 256 MiB and about a second.
// The passphrase must not be empty.
func Seal(file []byte, passphrase string) ([]byte, error) {
	return seal(file, passphrase, ageWorkFactor)
}

func seal(file []byte, passphrase string, workFactor int) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	var b bytes.Buffer
	text := armor.NewWriter(&b)
	w, err := age.Encrypt(text, recipient)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(file)
	err = errors.Join(err, w.Close(), text.Close())
	return b.Bytes(), err
}

func isAge(data []byte) bool {
	return bytes.HasPrefix(data, []byte(ageHeader)) || isArmored(data)
}

func isArmored(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(trimBOM(data), " \t\r\n"), []byte(armor.Header))
}

// readAge reads the file in a sealed file. That may be encrypted with the same passphrase,
// but it may not be sealed again.
func readAge(c *Contents, in input) error {
	in.passphrase = sync.OnceValues(in.passphrase)
	inside, err := openAge(in)
	if err != nil {
		return err
	}
	if isAge(inside) {
		return errors.New("what is sealed is sealed again")
	}
	f, err := find(inside, "")
	if err != nil {
		return fmt.Errorf("what is sealed: %w", err)
	}
	in.data = inside
	if err := f.read(c, in); err != nil {
		return fmt.Errorf("what is sealed, %s: %w", f.title, err)
	}
	return nil
}

func openAge(in input) ([]byte, error) {
	src := io.Reader(bytes.NewReader(in.data))
	if isArmored(in.data) {
		src = armor.NewReader(bytes.NewReader(trimBOM(in.data)))
	}
	asker := &ageIdentity{passphrase: in.passphrase}
	plain, err := age.Decrypt(src, asker)
	if err != nil {
		return nil, cmp.Or(asker.err, ErrDamaged)
	}
	inside, err := io.ReadAll(plain)
	if err != nil {
		return nil, ErrDamaged
	}
	return inside, nil
}

// An ageIdentity asks for the passphrase when it has seen that one opens the file, at a cost
// that is allowed. age's own would first need the passphrase. It keeps its error, since
// Decrypt does not wrap all errors.
type ageIdentity struct {
	passphrase func() (string, error)
	err        error
}

// Unwrap implements age.Identity.
func (i *ageIdentity) Unwrap(stanzas []*age.Stanza) (key []byte, err error) {
	key, i.err = i.unwrap(stanzas)
	return key, i.err
}

func (i *ageIdentity) unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" {
		return nil, errors.New("it is sealed for a key, not with a passphrase: decrypt it with age")
	}
	args := stanzas[0].Args
	if len(args) != 2 {
		return nil, ErrDamaged
	}
	if n, err := strconv.Atoi(args[1]); err != nil || n > ageWorkFactor {
		return nil, fmt.Errorf("%w: a work factor over %d", ErrCost, ageWorkFactor)
	}
	passphrase, err := i.passphrase()
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	identity.SetMaxWorkFactor(ageWorkFactor)
	key, err := identity.Unwrap(stanzas)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return nil, ErrPassphrase
	case err != nil:
		return nil, ErrDamaged
	}
	return key, nil
}
