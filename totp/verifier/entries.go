package verifier

import (
	"context"

	"totpctl/totp"
)

// A StoredEntry is a stored account with its live key, as an export writes it. It reveals
// the secret.
type StoredEntry struct {
	Name string // of the account
	// Entry is the live key with the names that authenticators show. It is the zero Entry
	// where there is no live key, and where the account is damaged.
	Entry   totp.Entry
	Damaged bool // something else has changed the account, so that it does not load
}

// MaxEntries is the most accounts that a page of Entries has. One read brings the whole
// page, and verdicts wait for that read.
const MaxEntries = 1000

// Entries is List with the live keys, whose secrets it reveals. A page has at most limit
// accounts, and never more than MaxEntries. The default account is not among them.
func (v *Verifier) Entries(ctx context.Context, from string, limit int) (page []StoredEntry, next string, err error) {
	limit = min(max(limit, 1), MaxEntries)
	found, err := ask(ctx, v.store, func(ctx context.Context, s Store) ([]Loaded, error) {
		return s.LoadPage(ctx, max(from, firstName), limit+1)
	})
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found, next = found[:limit], found[limit].Account.ID
	}
	for _, l := range found {
		page = append(page, v.storedEntry(l))
	}
	return page, next, nil
}

// EachEntry calls visit with every stored account, in the order of Entries, until one of its
// pages is an error.
func EachEntry(ctx context.Context, s interface {
	Entries(ctx context.Context, from string, limit int) (page []StoredEntry, next string, err error)
}, visit func(StoredEntry)) error {
	for from := ""; ; {
		page, next, err := s.Entries(ctx, from, MaxEntries)
		if err != nil {
			return err
		}
		for _, e := range page {
			visit(e)
		}
		if from = next; next == "" {
			return nil
		}
	}
}

// storedEntry takes an account whose names no authenticator could show for a damaged one,
// because this package does not store such names.
func (v *Verifier) storedEntry(l Loaded) StoredEntry {
	entry, err := v.entry(l.Account, l.Account.Key)
	if l.Err != nil || err != nil {
		return StoredEntry{Name: l.Account.ID, Damaged: true}
	}
	return StoredEntry{Name: l.Account.ID, Entry: entry}
}
