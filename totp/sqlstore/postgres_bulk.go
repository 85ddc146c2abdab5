package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"totpctl/totp/verifier"
)

// AddAll implements verifier.Store.
func (p *Postgres) AddAll(ctx context.Context, accounts []verifier.Account, edit func(map[int]verifier.Loaded) (map[int]verifier.Account, error)) error {
	b, err := newBulk(accounts, p.sealer, edit)
	if err != nil {
		return err
	}
	limit := bulkTimeout(len(accounts))
	for {
		var found []row
		err := p.do(ctx, "reading accounts", &job{limit: limit, run: func(ctx context.Context, conn *sql.Conn) (err error) {
			found, err = queryRows(ctx, conn, selectRows, b.ids())
			return err
		}})
		if err != nil {
			return err
		}
		changed, added, err := b.decide(found)
		if err != nil || len(changed)+len(added) == 0 {
			return err
		}
		values, err := changeAllValues(changed, added)
		if err != nil {
			return err
		}
		err = p.changeOne(ctx, limit, changeAll, errConflict, values...)
		if !errors.Is(err, errConflict) {
			return err
		}
	}
}

// bulkTimeout is how long a statement of so many accounts may take.
func bulkTimeout(accounts int) time.Duration {
	return batchTimeout * time.Duration(1+accounts/verifier.MaxEntries)
}

// A changedRow is a row as changeAll reads it.
type changedRow struct {
	ID               string  `json:"id"`
	Revision         int64   `json:"revision"`
	LastStep         int64   `json:"last_step"`
	Failures         int     `json:"failures"`
	WaitUntil        int64   `json:"wait_until"`
	Blocked          int     `json:"blocked"`
	RecoveryUsed     int     `json:"recovery_used"`
	Answer           string  `json:"answer"`
	Recent           int     `json:"recent_failures"`
	RecentSince      int64   `json:"recent_since"`
	RecoveryFailures int     `json:"recovery_failures"`
	RecoverySince    int64   `json:"recovery_since"`
	Number           int64   `json:"number"`
	SealedKey        string  `json:"sealed_key"`
	Recovery         string  `json:"recovery"`
	Pending          string  `json:"pending"`
	PendingToken     *string `json:"pending_token"`
	Kept             string  `json:"kept"`
	Expires          int64   `json:"expires_at"`
	Issuer           string  `json:"issuer"`
	Rekeyed          int64   `json:"rekeyed_at"`
	Created          int64   `json:"created_at"`
	Stored           bool    `json:"stored"`
}

func changedRowOf(r row, stored bool) changedRow {
	c := changedRow{r.id, r.revision, r.lastStep, r.failures, r.waitUntil, r.blocked, r.recoveryUsed, r.answer, r.recent, r.recentSince, r.recoveryFailures, r.recoverySince,
		r.enrolment, r.sealedKey, r.recovery, r.pending, nil, r.kept, r.expires, r.issuer, r.rekeyed, r.created, stored}
	if r.pendingToken.Valid {
		c.PendingToken = &r.pendingToken.String
	}
	return c
}

// changeAllValues returns the parameters of changeAll.
func changeAllValues(changed, added []row) ([]any, error) {
	rows, ids := []changedRow{}, []string{}
	for _, r := range changed {
		rows, ids = append(rows, changedRowOf(r, true)), append(ids, r.id)
	}
	for _, r := range added {
		rows = append(rows, changedRowOf(r, false))
	}
	list, err := json.Marshal(rows)
	return []any{string(list), ids}, err
}

// changeOne is change for a statement that returns how many changes it has made, and that
// fails with unique_violation if another account has an id that it would write.
func (p *Postgres) changeOne(ctx context.Context, limit time.Duration, text string, unchanged error, values ...any) error {
	var changed []int
	err := p.do(ctx, "writing accounts", &job{changes: true, limit: limit, run: func(ctx context.Context, conn *sql.Conn) (err error) {
		before := p.warnings.Load()
		changed, err = query(ctx, conn, oneField[int], postgresDialect.statement(text), values...)
		if isState(err, "23505") { // unique_violation: the statement is undone, and the connection is good
			changed, err = nil, nil
		}
		if err == nil && p.warnings.Load() != before {
			return errWarning
		}
		return err
	}})
	if err == nil && (len(changed) != 1 || changed[0] != 1) {
		return unchanged
	}
	return err
}

// Rename implements verifier.Store.
func (p *Postgres) Rename(ctx context.Context, id, to string, edit func(verifier.Account) (verifier.Account, error)) error {
	for {
		r, err := p.readRow(ctx, id)
		if err != nil {
			return err
		}
		switch _, err := p.readRow(ctx, to); {
		case err == nil:
			return verifier.ErrExists
		case !errors.Is(err, verifier.ErrNoAccount):
			return err
		}
		next, err := r.renamed(to, p.sealer, edit)
		if err != nil {
			return err
		}
		values := append(append(next.accountValues(), next.enrolmentValues()...), to)
		values[0] = id
		err = p.changeOne(ctx, batchTimeout, renameBoth, errConflict, values...)
		if !errors.Is(err, errConflict) {
			return err
		}
	}
}
