package sqlstore

import (
	"context"
	"encoding/json"
	"errors"

	"totpctl/totp/verifier"
)

// AddAll implements verifier.Store. Verdicts wait for all of it, as for any transaction.
func (s *SQLite) AddAll(ctx context.Context, accounts []verifier.Account, edit func(map[int]verifier.Loaded) (map[int]verifier.Account, error)) error {
	b, err := newBulk(accounts, s.sealer, edit)
	if err != nil {
		return err
	}
	list, err := json.Marshal(b.ids())
	if err != nil {
		return err
	}
	return s.submit(ctx, "", func(ctx context.Context, w *writer) error {
		found, err := queryRows(ctx, w, selectAhead, string(list))
		if err != nil {
			return doing("reading accounts", err)
		}
		changed, added, err := b.decide(found)
		if err != nil {
			return answer(err)
		}
		return w.changeAll(ctx, changed, added)
	})
}

// changeAll writes rows of AddAll. If a statement changes nothing, the whole batch must
// fail: what was written before could not be taken back alone.
func (w *writer) changeAll(ctx context.Context, changed, added []row) error {
	for _, r := range changed {
		delete(w.ahead, r.id)
		if err := w.change(ctx, errConflict, r.updates()...); err != nil {
			return unanswered(err)
		}
	}
	for _, r := range added {
		if err := w.change(ctx, verifier.ErrExists, r.inserts(insertAccount)...); err != nil {
			return unanswered(err)
		}
	}
	return nil
}

func unanswered(err error) error {
	if a, ok := errors.AsType[answered](err); ok {
		return a.error
	}
	return err
}

// Rename implements verifier.Store.
func (s *SQLite) Rename(ctx context.Context, id, to string, edit func(verifier.Account) (verifier.Account, error)) error {
	return s.submit(ctx, id, func(ctx context.Context, w *writer) error {
		r, err := w.load(ctx, id)
		if err != nil {
			return err
		}
		taken, err := queryRows(ctx, w, selectRow, to)
		if err != nil {
			return doing("reading account", err)
		}
		if len(taken) > 0 {
			return answer(verifier.ErrExists)
		}
		next, err := r.renamed(to, s.sealer, edit)
		if err != nil {
			return answer(err)
		}
		values := next.accountValues()
		values[0] = id
		return w.change(ctx, errConflict, statement{renameAccount, append(values, to)},
			statement{renameEnrolment, append(next.enrolmentValues(), to, id)})
	})
}
