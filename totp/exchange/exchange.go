// Package exchange reads and writes the account files of authenticators, password managers
// and other servers: bytes to entries and back.
//
// It is pure. It opens no file, asks nobody and reads no clock; a passphrase comes from a
// function of the caller. Each format has a file of its own, which names the format's
// source, and a line in the table of formats.go. Read recognises the format by the
// content.
//
// Reading is lenient, because other programs write names and parameters in their own ways:
// each change that reading makes is a note for people. What is not TOTP, and what does
// not parse, is left out by name, and the rest of the file is read.
//
// A file may come from an attacker. So memory and time of a key derivation are bounded,
// whatever the file asks for, and no error quotes a secret.
package exchange

import (
	"errors"
	"fmt"
	"strconv"

	"totpctl/totp"
)

// The errors of Read, wrapped.
var (
	ErrUnknown    = errors.New("the format is not recognised")
	ErrEmpty      = errors.New("the file is empty")
	ErrKDBX       = errors.New("the file is a database of KeePass (KDBX), which only its own programs read")
	ErrEncrypted  = errors.New("the file is encrypted and needs a passphrase")
	ErrPassphrase = errors.New("the passphrase is wrong, or the file is damaged")
	ErrDamaged    = errors.New("the file is damaged or cut off")
	ErrCost       = errors.New("the file asks for a more costly key derivation than is allowed")
)

// An Account is one account of a file.
type Account struct {
	Entry    totp.Entry
	Recovery []string // codes, in the clear, that the file keeps beside the secret
	Place    string   // where in the file, as "line 3" or "entry 2"
	Notes    []string // what reading has changed
	Renamed  bool     // the file calls it otherwise, and another account may have its name by right
}

// A LeftOut is an account of a file that cannot be read, or a part that is no account.
type LeftOut struct {
	Place string
	Name  string // as far as it is known
	Err   error
}

// Contents are what a file holds.
type Contents struct {
	Format   string // its name in the table
	Accounts []Account
	LeftOut  []LeftOut

	parts []part // of Google Authenticator's batches that have been read

	tooMany bool // entries have been dropped, and so nothing of it counts
}

// maxEntries is far beyond what anybody has, and bounds the memory that a hostile file takes.
const maxEntries = 1_000_000

var errTooMany = errors.New("it has more than " + strconv.Itoa(maxEntries) + " entries")

// full reports whether no further entry is to be kept.
func (c *Contents) full() bool {
	c.tooMany = c.tooMany || len(c.Accounts)+len(c.LeftOut) >= maxEntries
	return c.tooMany
}

// Options are how Read reads.
type Options struct {
	Format string // one of Formats; "" to recognise it
	// Passphrase is called once at most, and only for an encrypted file. If it is nil,
	// Read returns ErrEncrypted for such a file.
	Passphrase func() (string, error)
	// Name is what the account of a file without names is called, which holds but one:
	// google-authenticator's. If it is empty, the account is called "unnamed".
	Name string
}

// Read returns the accounts of a file, in the file's order. It returns an error if the
// file as a whole cannot be read.
func Read(data []byte, o Options) (Contents, error) {
	f, err := find(data, o.Format)
	if err != nil {
		return Contents{}, err
	}
	c := Contents{Format: f.name}
	if err := f.read(&c, input{data, o.passphrase, o.Name}); err != nil {
		return Contents{}, fmt.Errorf("reading %s: %w", f.title, err)
	}
	if c.tooMany {
		return Contents{}, fmt.Errorf("reading %s: %w", f.title, errTooMany)
	}
	c.leaveOutMissing()
	return c, nil
}

func (o Options) passphrase() (string, error) {
	if o.Passphrase == nil {
		return "", ErrEncrypted
	}
	return o.Passphrase()
}

// Write returns a file of the named format, whose Format must say Written. It leaves out by
// name the entries that the format cannot hold; their Place is "entry 3" for the third of
// entries.
func Write(format string, entries []totp.Entry) (file []byte, leftOut []LeftOut, err error) {
	for _, f := range formats() {
		if f.name == format && f.write != nil {
			fit, leftOut := holdable(entries, f.holds)
			file, err := f.write(fit)
			return file, leftOut, err
		}
	}
	return nil, nil, fmt.Errorf("no accounts can be written as %q", format)
}

// holdable parts entries into what a format can hold and what not.
func holdable(entries []entry, holds func(entry) error) (fit []entry, leftOut []LeftOut) {
	if holds == nil {
		return entries, nil
	}
	for i, e := range entries {
		if err := holds(e); err != nil {
			leftOut = append(leftOut, LeftOut{fmt.Sprintf("entry %d", i+1), entryName(e), err})
			continue
		}
		fit = append(fit, e)
	}
	return fit, leftOut
}
