package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"filippo.io/age"

	"totpctl/cmd/hint"
)

// sealedPrefix begins a value that a passphrase seals. The base64 (RFC 4648, section 4) of
// a binary age file follows, in one line.
const sealedPrefix = "age:"

// workFactor is log2 of scrypt's N. With age's r = 8 and p = 1 (age-encryption.org/v1, "The
// scrypt recipient type") scrypt takes 32 MiB and about a tenth of a second. No value with
// a higher one is opened, because whoever wrote the file could take all memory with it.
const workFactor = 15

var (
	errPassphrase = errors.New("wrong passphrase")
	errDamaged    = errors.New("the sealed value is cut or damaged")
)

// Seal seals each item of a value, which may be a list, by a passphrase.
func Seal(value, passphrase string) (string, error) {
	return eachItem(value, func(item string) (string, error) { return seal(item, passphrase) })
}

// isSealed reports whether an item of a value is sealed.
func isSealed(value string) bool { return slices.ContainsFunc(items(value), isSealedItem) }

// isAllSealed reports whether each item of a value is sealed.
func isAllSealed(value string) bool {
	return !slices.ContainsFunc(items(value), func(item string) bool { return !isSealedItem(item) })
}

func isSealedItem(item string) bool { return strings.HasPrefix(item, sealedPrefix) }

// items returns the items of a value, which may be a list.
func items(value string) []string {
	all := strings.Split(value, ",")
	for i, item := range all {
		all[i] = strings.TrimSpace(item)
	}
	return all
}

func eachItem(value string, change func(string) (string, error)) (string, error) {
	all := items(value)
	for i, item := range all {
		var err error
		if all[i], err = change(item); err != nil {
			return "", err
		}
	}
	return strings.Join(all, ","), nil
}

func seal(value, passphrase string) (string, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return "", err
	}
	recipient.SetWorkFactor(workFactor)
	var file bytes.Buffer
	w, err := age.Encrypt(&file, recipient)
	if err != nil {
		return "", err
	}
	defer debug.FreeOSMemory() // scrypt's, as a second run would double it
	if _, err := io.WriteString(w, value); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return sealedPrefix + base64.StdEncoding.EncodeToString(file.Bytes()), nil
}

// unwrap returns the age file of a sealed item. It finds most of what a slip can do to the
// item, before anybody is asked for the passphrase.
func unwrap(item string) ([]byte, error) {
	file, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(item, sealedPrefix))
	if err == nil {
		_, err = age.ExtractHeader(bytes.NewReader(file))
	}
	if err != nil {
		return nil, errDamaged
	}
	return file, nil
}

// open opens an item, which need not be sealed.
func open(item, passphrase string) (string, error) {
	if !isSealedItem(item) {
		return item, nil
	}
	file, err := unwrap(item)
	if err != nil {
		return "", err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return "", err
	}
	identity.SetMaxWorkFactor(workFactor)
	defer debug.FreeOSMemory() // scrypt's, as a second run would double it
	r, err := age.Decrypt(bytes.NewReader(file), identity)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return "", errPassphrase
	}
	if err != nil {
		return "", errDamaged
	}
	value, err := io.ReadAll(r)
	if err != nil {
		return "", errDamaged
	}
	return string(value), nil
}

// AskWith has ask called for the passphrase of sealed values when the first of them is
// taken, and never again.
func (s *Settings) AskWith(ask func(PassphraseSource) (string, error)) { s.ask = ask }

// plain returns a variable's text with its sealed items opened. Settings that were reread
// ask for no passphrase: they have the text of the start.
func (s *Settings) plain(v Info, text, source string) (string, error) {
	if !v.Sealable {
		return text, nil
	}
	if plain, known := s.opened[v.Name]; known && isSealed(text) {
		return plain, nil
	}
	if isSealed(text) {
		opened, err := s.openAll(text)
		if err != nil {
			return "", openError(source, err)
		}
		text = opened
	}
	if s.opened == nil {
		s.opened = map[string]string{}
	}
	s.opened[v.Name] = text
	return text, nil
}

func (s *Settings) openAll(text string) (string, error) {
	if s.ask == nil {
		return "", hint.With(errors.New("it is sealed since the start"), "restart to be asked for the passphrase")
	}
	for _, item := range items(text) {
		if !isSealedItem(item) {
			continue
		}
		if _, err := unwrap(item); err != nil {
			return "", err
		}
	}
	passphrase, err := s.askOnce()
	if err != nil {
		return "", err
	}
	return eachItem(text, func(item string) (string, error) { return open(item, passphrase) })
}

func (s *Settings) askOnce() (string, error) {
	if s.passphrase != "" {
		return s.passphrase, nil
	}
	source, err := s.passphraseSource()
	if err == nil {
		s.passphrase, err = s.ask(source)
	}
	return s.passphrase, err
}
