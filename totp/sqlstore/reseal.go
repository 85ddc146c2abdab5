package sqlstore

import (
	"context"
	"errors"
	"iter"

	"totpctl/totp/verifier"
)

// A sealedStore is what reseal needs of a store.
type sealedStore interface {
	editRow(ctx context.Context, id string, edit func(*row) (change bool, err error)) error
	page(ctx context.Context, from string, limit int) ([]row, error)
}

// rowsPage is how many rows allRows reads at once.
const rowsPage = 500

// allRows reads every row, page by page, in the order of their ids. After an error it ends.
func allRows(page func(from string, limit int) ([]row, error)) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for from := ""; ; {
			rows, err := page(from, rowsPage+1)
			if err != nil {
				yield(row{}, err)
				return
			}
			for _, r := range rows[:min(len(rows), rowsPage)] {
				if !yield(r, nil) {
					return
				}
			}
			if len(rows) <= rowsPage {
				return
			}
			from = rows[rowsPage].id
		}
	}
}

// reseal seals with the first key what other keys have sealed. It returns how many
// accounts it has changed, and the errors of accounts whose secrets do not open. The
// canaries of the other keys stay: a server that was forgotten in the rotation may
// still seal with such a key.
func reseal(ctx context.Context, store sealedStore, s *sealer) (changed int, err error) {
	if s.first == "" {
		return 0, verifier.ErrNoKey
	}
	var failed []error
	for r, err := range allRows(func(from string, limit int) ([]row, error) { return store.page(ctx, from, limit) }) {
		if err != nil {
			return changed, err
		}
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
