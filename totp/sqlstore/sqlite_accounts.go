package sqlstore

import (
	"context"
	"time"

	"totpctl/totp/verifier"
)

// The methods of verifier.Store on SQLite, but for AddAll and Rename (sqlite_bulk.go) and Fence (fence.go).

// Load implements verifier.Store.
func (s *SQLite) Load(ctx context.Context, id string) (verifier.Account, error) {
	var found row
	err := s.submit(ctx, id, func(ctx context.Context, w *writer) (err error) {
		found, err = w.load(ctx, id)
		return err
	})
	if err != nil {
		return verifier.Account{}, err
	}
	return found.account(s.sealer)
}

// Decide implements verifier.Store.
func (s *SQLite) Decide(ctx context.Context, id string, decide func(verifier.Account) (verifier.State, bool)) error {
	return s.submit(ctx, id, func(ctx context.Context, w *writer) error {
		r, err := w.load(ctx, id)
		if err != nil {
			return err
		}
		if change, err := r.decide(s.sealer, decide); err != nil || !change {
			return answer(err)
		}
		return w.change(ctx, errConflict, statement{updateState, r.accountValues()})
	})
}

// Edit implements verifier.Store.
func (s *SQLite) Edit(ctx context.Context, id string, edit func(verifier.Account) (verifier.Account, error)) error {
	return s.editRow(ctx, id, func(r *row) (bool, error) { return r.edit(s.sealer, edit) })
}

func (s *SQLite) editRow(ctx context.Context, id string, edit func(*row) (change bool, err error)) error {
	return s.submit(ctx, id, func(ctx context.Context, w *writer) error {
		r, err := w.load(ctx, id)
		if err != nil {
			return err
		}
		if change, err := edit(&r); err != nil || !change {
			return answer(err)
		}
		return w.change(ctx, errConflict, r.updates()...)
	})
}

// Add implements verifier.Store.
func (s *SQLite) Add(ctx context.Context, a verifier.Account) error {
	r, err := newRow(a, s.sealer)
	if err != nil {
		return err
	}
	insert := insertAccount
	if s.sealer.first == "" {
		insert = insertKeyless
	}
	return s.submit(ctx, "", func(ctx context.Context, w *writer) error {
		return w.change(ctx, verifier.ErrExists, r.inserts(insert)...)
	})
}

// Remove implements verifier.Store.
func (s *SQLite) Remove(ctx context.Context, id string) error {
	return s.submit(ctx, id, func(ctx context.Context, w *writer) error {
		r, err := w.load(ctx, id)
		if err != nil {
			return err
		}
		return w.change(ctx, errConflict, statement{deleteAccount, []any{r.id}}, statement{deleteEnrolment, []any{r.enrolment, r.id}})
	})
}

// List implements verifier.Store.
func (s *SQLite) List(ctx context.Context, r verifier.Range, limit int) ([]verifier.Summary, error) {
	rows, err := s.rows(ctx, pageOf(r, limit))
	return summaries(rows, s.sealer), err
}

// LoadPage implements verifier.Store.
func (s *SQLite) LoadPage(ctx context.Context, from string, limit int) ([]verifier.Loaded, error) {
	rows, err := s.page(ctx, from, limit)
	return loadAll(rows, s.sealer), err
}

func (s *SQLite) page(ctx context.Context, from string, limit int) ([]row, error) {
	return s.rows(ctx, pageOf(verifier.Range{From: from}, limit))
}

func (s *SQLite) rows(ctx context.Context, page statement) ([]row, error) {
	l := &listing{statement: page}
	if err := s.listings.ask(ctx, l); err != nil {
		return nil, err
	}
	return l.page, nil
}

// Sweep implements verifier.Store.
func (s *SQLite) Sweep(ctx context.Context, now time.Time) error {
	return s.submit(ctx, "", func(ctx context.Context, w *writer) error {
		result, err := w.ExecContext(ctx, sweep, millis(now))
		if err == nil {
			var n int64
			n, err = result.RowsAffected()
			w.dropped = w.dropped || n > 0
		}
		return doing("sweeping", err)
	})
}

// Reseal implements Store.
func (s *SQLite) Reseal(ctx context.Context) (int, error) { return reseal(ctx, s, s.sealer) }
