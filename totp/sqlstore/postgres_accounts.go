package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"totpctl/totp/verifier"
)

// The methods of verifier.Store on PostgreSQL, but for AddAll and Rename (postgres_bulk.go) and Fence (fence.go).

// Load implements verifier.Store.
func (p *Postgres) Load(ctx context.Context, id string) (verifier.Account, error) {
	r, err := p.readRow(ctx, id)
	if err != nil {
		return verifier.Account{}, err
	}
	return r.account(p.sealer)
}

// Decide implements verifier.Store.
func (p *Postgres) Decide(ctx context.Context, id string, decide func(verifier.Account) (verifier.State, bool)) error {
	var refused *int64 // the revision at which updateStates changed nothing
	for {
		r, err := p.readRow(ctx, id)
		if err != nil {
			return err
		}
		if refused != nil && *refused == r.revision {
			return errConflict // the row is as it was read, so the statement would refuse it for ever
		}
		if change, err := r.decide(p.sealer, decide); err != nil || !change {
			return err
		}
		changed, tried, err := p.writeRow(ctx, r)
		if changed || err != nil {
			return err
		}
		if tried {
			refused = &r.revision
		}
	}
}

// Edit implements verifier.Store.
func (p *Postgres) Edit(ctx context.Context, id string, edit func(verifier.Account) (verifier.Account, error)) error {
	return p.editRow(ctx, id, func(r *row) (bool, error) { return r.edit(p.sealer, edit) })
}

func (p *Postgres) editRow(ctx context.Context, id string, edit func(*row) (change bool, err error)) error {
	for {
		r, err := p.readRow(ctx, id)
		if err != nil {
			return err
		}
		if change, err := edit(&r); err != nil || !change {
			return err
		}
		err = p.change(ctx, updateBoth, errConflict, append(r.accountValues(), r.enrolmentValues()...)...)
		if !errors.Is(err, errConflict) {
			return err
		}
	}
}

// Add implements verifier.Store.
func (p *Postgres) Add(ctx context.Context, a verifier.Account) error {
	r, err := newRow(a, p.sealer)
	if err != nil {
		return err
	}
	insert := insertBoth
	if p.sealer.first == "" {
		insert = insertBothKeyless
	}
	return p.change(ctx, insert, verifier.ErrExists, append(append(r.accountValues(), r.enrolmentValues()...), r.created)...)
}

// Remove implements verifier.Store.
func (p *Postgres) Remove(ctx context.Context, id string) error {
	return p.change(ctx, deleteBoth, verifier.ErrNoAccount, id)
}

// change runs a statement that must change exactly one account or session. If it changes
// none, change returns the error unchanged.
func (p *Postgres) change(ctx context.Context, text string, unchanged error, values ...any) error {
	var changed int64
	err := p.do(ctx, "writing row", &job{changes: true, run: func(ctx context.Context, conn *sql.Conn) error {
		before := p.warnings.Load()
		result, err := conn.ExecContext(ctx, postgresDialect.statement(text), values...)
		if err != nil {
			return err
		}
		if changed, err = result.RowsAffected(); err == nil && changed > 0 && p.warnings.Load() != before {
			return errWarning
		}
		return err
	}})
	if err == nil && changed != 1 {
		return unchanged
	}
	return err
}

func (p *Postgres) do(ctx context.Context, what string, j *job) error {
	return doing(what, p.jobs.ask(ctx, j))
}

// List implements verifier.Store.
func (p *Postgres) List(ctx context.Context, r verifier.Range, limit int) ([]verifier.Summary, error) {
	rows, err := p.rows(ctx, pageOf(r, limit))
	return summaries(rows, p.sealer), err
}

// LoadPage implements verifier.Store.
func (p *Postgres) LoadPage(ctx context.Context, from string, limit int) ([]verifier.Loaded, error) {
	rows, err := p.page(ctx, from, limit)
	return loadAll(rows, p.sealer), err
}

func (p *Postgres) page(ctx context.Context, from string, limit int) ([]row, error) {
	return p.rows(ctx, pageOf(verifier.Range{From: from}, limit))
}

func (p *Postgres) rows(ctx context.Context, s statement) ([]row, error) {
	var page []row
	err := p.do(ctx, "listing accounts", &job{run: func(ctx context.Context, conn *sql.Conn) (err error) {
		page, err = queryRows(ctx, conn, postgresDialect.statement(s.text), s.values...)
		return err
	}})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// Sweep implements verifier.Store.
func (p *Postgres) Sweep(ctx context.Context, now time.Time) error {
	return p.do(ctx, "sweeping", &job{run: func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, postgresDialect.statement(sweep), millis(now))
		return rightsError(err)
	}})
}

// Reseal implements Store.
func (p *Postgres) Reseal(ctx context.Context) (int, error) { return reseal(ctx, p, p.sealer) }
