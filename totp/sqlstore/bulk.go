package sqlstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"totpctl/totp/verifier"
)

// A bulk is what AddAll writes in one transaction.
type bulk struct {
	sealer *sealer
	edit   func(map[int]verifier.Loaded) (map[int]verifier.Account, error)
	rows   []row          // of the accounts as they are added
	index  map[string]int // of rows, by id
}

// newBulk seals the accounts, so that nobody waits for that. The numbers of their
// enrolments follow each other from a random one on, so that they share pages.
func newBulk(accounts []verifier.Account, s *sealer, edit func(map[int]verifier.Loaded) (map[int]verifier.Account, error)) (*bulk, error) {
	b := &bulk{s, edit, make([]row, len(accounts)), make(map[string]int, len(accounts))}
	if s.first == "" {
		return nil, verifier.ErrNoKey
	}
	number := randomNumber()
	for i, a := range accounts {
		if _, twice := b.index[a.ID]; twice {
			return nil, fmt.Errorf("account %q is given twice", a.ID)
		}
		b.index[a.ID] = i
		var err error
		if b.rows[i], err = newRowAt(a, number+int64(i), s); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *bulk) ids() []string { return each(b.rows, func(r row) string { return r.id }) }

// decide returns the rows to change, of those that were found, and the rows to add, both
// in the order of their ids.
func (b *bulk) decide(found []row) (changed, added []row, err error) {
	stored, err := b.load(found)
	if err != nil {
		return nil, nil, err
	}
	next, err := b.edit(stored)
	if err != nil {
		return nil, nil, err
	}
	if changed, err = b.changes(found, stored, next); err != nil {
		return nil, nil, err
	}
	for i, r := range b.rows {
		if _, exists := stored[i]; !exists {
			added = append(added, r)
		}
	}
	byID := func(a, b row) int { return strings.Compare(a.id, b.id) }
	slices.SortFunc(changed, byID)
	slices.SortFunc(added, byID)
	return changed, added, nil
}

// load opens the rows that were found. It returns their accounts by their index.
func (b *bulk) load(found []row) (map[int]verifier.Loaded, error) {
	stored := make(map[int]verifier.Loaded, len(found))
	for _, r := range found {
		i, ok := b.index[r.id]
		if !ok { // by a collation, or a view, of somebody else's
			return nil, fmt.Errorf("account %q: %w", r.id, damaged("id", errors.New("is another account's")))
		}
		stored[i] = r.loaded(b.sealer)
	}
	return stored, nil
}

// changes returns the rows that differ once the next accounts have replaced the stored ones.
func (b *bulk) changes(found []row, stored map[int]verifier.Loaded, next map[int]verifier.Account) (changed []row, err error) {
	for _, r := range found {
		i, before := b.index[r.id], r
		a, ok := next[i]
		if !ok || stored[i].Err != nil {
			continue
		}
		if err := r.setAccount(stored[i].Account, a, b.sealer); err != nil {
			return nil, err
		}
		if r != before {
			changed = append(changed, r)
		}
	}
	return changed, nil
}
