package totp

import "fmt"

// An Entry is a key with its names, as an authenticator lists it. The names of an Entry
// from NewEntry or ParseURI are valid.
type Entry struct {
	Issuer  string // who asks for the code: at most MaxName characters, may be empty
	Account string // whose code it is: 1 to MaxName characters
	Key     Key
}

// NewEntry checks the names, as ParseName does, and returns the key's Entry.
func NewEntry(issuer, account string, k Key) (Entry, error) {
	if _, err := ParseName(issuer); issuer != "" && err != nil {
		return Entry{}, fmt.Errorf("issuer %w", err)
	}
	if _, err := ParseName(account); err != nil {
		return Entry{}, fmt.Errorf("account %w", err)
	}
	return Entry{issuer, account, k}, nil
}
