package sqlstore

import (
	"context"
	"errors"

	"totpctl/totp/verifier"
)

// A sealedStore is what reseal needs of a store.
type sealedStore interface {
	editRow(ctx context.Context, id string, edit func(*row) (change bool, err error)) error
	page(ctx context.Context, from string, limit int) ([]row, error)
}

const resealPage = 500

// reseal seals with the first key what other keys have sealed. It returns how many
// accounts it has changed, and the errors of accounts whose secrets do not open. The
// canaries of the other keys stay: a server that was forgotten in the rotation may
// still seal with such a key.
func reseal(ctx context.Context, store sealedStore, s *sealer) (changed int, err error) {
	if s.first == "" {
		return 0, verifier.ErrNoKey
	}
	var failed []error
	for from := ""; ; {
		rows, err := store.page(ctx, from, resealPage+1)
		if err != nil {
			return changed, err
		}
		for _, r := range rows[:min(len(rows), resealPage)] {
			done, err := resealRow(ctx, store, s, r)
			switch {
			case errors.Is(err, ErrDamaged):
				failed = append(failed, err)
			case err != nil:
				return changed, err
			case done:
				changed++
			}
		}
		if len(rows) <= resealPage {
			break
		}
		from = rows[resealPage].id
	}
	return changed, errors.Join(failed...)
}

func resealRow(ctx context.Context, store sealedStore, s *sealer, r row) (done bool, err error) {
	if r.sealedBy(s.first) {
		_, err := r.account(s)
		return false, err
	}
	err = store.editRow(ctx, r.id, func(r *row) (bool, error) { return r.reseal(s) })
	if errors.Is(err, verifier.ErrNoAccount) { // removed meanwhile
		return false, nil
	}
	return err == nil, err
}
