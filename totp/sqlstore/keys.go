package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"totpctl/totp/verifier"
)

// ErrKey says that the encryption keys are not those that the stored secrets
// were sealed with.
var ErrKey = errors.New("encryption key is wrong or missing")

// canaryText is sealed with every key, so that a wrong one is told at start.
const canaryText = "totpctl canary"

// prepareSchema migrates and checks the keys: a database whose keys are others is
// left as it was. The statement begin must exclude every other process.
func prepareSchema(ctx context.Context, conn *sql.Conn, d dialect, begin string, s *sealer) error {
	var migrated bool
	var canaries map[string]string
	err := inTransaction(ctx, runOn(conn), begin, func() (err error) {
		if migrated, err = migrate(ctx, conn, d); err != nil {
			return err
		}
		if canaries, err = checkCanaries(ctx, conn, s); err == nil && migrated {
			err = checkMissing(ctx, conn, d, canaries, s)
		}
		return err
	})
	if err == nil && !migrated {
		err = checkMissing(ctx, conn, d, canaries, s)
	}
	if err != nil {
		return err
	}
	if _, known := canaries[s.first]; known || s.first == "" {
		return nil
	}
	return inTransaction(ctx, runOn(conn), begin, func() error { return leaveCanary(ctx, conn, d, s) })
}

// checkCanaries returns the canaries of the keys that were ever used here. Those
// of the keys that are given must open.
func checkCanaries(ctx context.Context, tx *sql.Conn, s *sealer) (map[string]string, error) {
	canaries, err := loadCanaries(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("reading sealing keys: %w", err)
	}
	for id, canary := range canaries {
		if !s.has(id) {
			continue
		}
		if _, err := s.open(id, canary, "canary"); err != nil {
			return nil, fmt.Errorf("%w: the canary of key %s does not open", ErrKey, id)
		}
	}
	return canaries, checkKnown(canaries, s)
}

// leaveCanary leaves one of the key that seals, before anything is sealed, unless
// somebody with another key has been faster.
func leaveCanary(ctx context.Context, tx *sql.Conn, d dialect, s *sealer) error {
	if _, err := checkCanaries(ctx, tx, s); err != nil {
		return err
	}
	id, canary, err := s.seal([]byte(canaryText), "canary")
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, d.statement(`INSERT INTO sealing_key (id, canary) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING`), id, canary)
	return err
}

// checkKnown refuses keys of which the database knows none, even where no row
// needs the known ones yet: two servers with a key each would otherwise both
// seal, and neither could open the other's.
func checkKnown(canaries map[string]string, s *sealer) error {
	var missing string
	for id := range canaries {
		if s.has(id) {
			return nil
		}
		missing = id
	}
	if missing == "" {
		return nil
	}
	return fmt.Errorf("%w: the database was begun with key %s, which is not given", ErrKey, missing)
}

// checkMissing refuses to go without a key that a row needs. It reads all rows: not
// while others are excluded, unless a migration excludes them anyway.
func checkMissing(ctx context.Context, conn *sql.Conn, d dialect, canaries map[string]string, s *sealer) error {
	for id := range canaries {
		if s.has(id) {
			continue
		}
		if err := checkUnneeded(ctx, conn, d, id); err != nil {
			return err
		}
	}
	return nil
}

func loadCanaries(ctx context.Context, tx *sql.Conn) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, canary FROM sealing_key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	canaries := map[string]string{}
	for rows.Next() {
		var id, canary string
		if err := rows.Scan(&id, &canary); err != nil {
			return nil, err
		}
		canaries[id] = canary
	}
	return canaries, rows.Err()
}

func checkUnneeded(ctx context.Context, conn *sql.Conn, d dialect, id string) error {
	const query = `SELECT count(*) FROM (SELECT 1 FROM account JOIN enrolment ON ` + itsEnrolment + ` WHERE sealed_key LIKE ?1 OR pending LIKE ?1 LIMIT 1) AS needed`
	var needed int
	if err := conn.QueryRowContext(ctx, d.statement(query), "% "+id+" %").Scan(&needed); err != nil {
		return err
	}
	if needed > 0 {
		return fmt.Errorf("%w: stored secrets are sealed with key %s, which is not given", ErrKey, id)
	}
	return nil
}

// A sealedStore is what resealing needs of a store.
type sealedStore interface {
	Edit(ctx context.Context, id string, edit func(verifier.Account) (verifier.Account, error)) error
	page(ctx context.Context, from string, limit int) ([]row, error)
}

const resealPage = 500

// reseal seals every secret with the first key that is not yet. It returns how
// many accounts it changed, and the errors of those whose secrets do not open.
// The canaries of the other keys stay: a replica that was forgotten in the
// rotation may seal with one of them after this.
func reseal(ctx context.Context, store sealedStore, s *sealer) (changed int, err error) {
	if s.first == "" {
		return 0, ErrNoKey
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
	// An edit that changes nothing seals anew.
	err = store.Edit(ctx, r.id, func(a verifier.Account) (verifier.Account, error) { return a, nil })
	if errors.Is(err, verifier.ErrNoAccount) { // removed meanwhile
		return false, nil
	}
	return err == nil, err
}

// sealedBy tells whether all that the row has sealed was sealed with a key.
func (r *row) sealedBy(id string) bool {
	p, err := r.pendingColumn()
	return err == nil && (r.sealedKey == "" || sealedWith(r.sealedKey) == id) && (p.Key == "" || sealedWith(p.Key) == id)
}
