package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"totpctl/totp/verifier"
)

// A fence is verifier.Fence as three statements, which both engines run in one transaction.

// fenceTimeout is how long PostgreSQL may take for the statements of a fence: a million
// accounts take about half a minute.
const fenceTimeout = 10 * time.Minute

// runFence runs the statements of a fence in the caller's transaction.
func runFence(ctx context.Context, q querier, d dialect, f verifier.Fence) (verifier.Fenced, error) {
	keep := int64(0)
	if f.KeepRecovery {
		keep = 1
	}
	step := []any{f.At.Unix(), int64(f.Skew), verifier.DefaultPrefix, int64(f.DefaultPeriod / time.Second)}
	text := func(t string) string { return d.statement(d.migration(t)) }
	ahead, err := query(ctx, q, oneField[int], text(countAhead), step...)
	if err != nil {
		return verifier.Fenced{}, doing("looking at last steps", err)
	}
	result, err := q.ExecContext(ctx, text(fence), append(step, keep)...)
	if err != nil {
		return verifier.Fenced{}, doing("fencing accounts", err)
	}
	n, err := result.RowsAffected()
	if err == nil {
		_, err = q.ExecContext(ctx, fenceEnrolments)
	}
	if err == nil {
		_, err = q.ExecContext(ctx, deleteSessions)
	}
	return verifier.Fenced{Accounts: int(n), Ahead: ahead[0]}, doing("ending links and sessions", err)
}

// Fence implements verifier.Store. Verdicts wait for it.
func (s *SQLite) Fence(ctx context.Context, f verifier.Fence) (done verifier.Fenced, err error) {
	err = s.submit(ctx, "", func(ctx context.Context, w *writer) error {
		clear(w.ahead)
		result, err := runFence(ctx, w, sqliteDialect, f)
		w.written += result.Accounts
		w.dropped, done = true, result
		return err
	})
	return done, err
}

// Fence implements verifier.Store. It keeps others from writing accounts until it is done:
// a server that locks rows in another order, or renames an account, would otherwise end one
// of the two, or have an account left out.
func (p *Postgres) Fence(ctx context.Context, f verifier.Fence) (done verifier.Fenced, err error) {
	err = p.do(ctx, "fencing", &job{changes: true, limit: fenceTimeout, run: func(ctx context.Context, conn *sql.Conn) error {
		before := p.warnings.Load()
		err := inTransaction(ctx, conn, "BEGIN ISOLATION LEVEL READ COMMITTED; "+postgresDialect.lock, func() (err error) {
			done, err = runFence(ctx, conn, postgresDialect, f)
			return err
		})
		if err == nil && p.warnings.Load() != before {
			return errWarning
		}
		return err
	}})
	return done, err
}
