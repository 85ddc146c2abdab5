package sqlstore

import (
	"context"
	"fmt"
	"math"
	"strings"

	"totpctl/totp/verifier"
)

// An upgrade does in Go what a migration needs keys for. Only one does: that from schema
// version 2 to boundSeals.

// boundSeals is the first schema version in which seals are bound to their use and
// their enrolment, recovery hashes are sealed, answers have a MAC, and the default
// account's id is a keyed fingerprint.
const boundSeals = 3

// upgradePage is how many rows a statement upgrades.
const upgradePage = 200

// maxFailures2 is the number of failures that disabled an account in schema version 2,
// as if a person had done it.
const maxFailures2 = 100

// upgraded is what opening has done to the database of an older program.
type upgraded struct {
	from, to int      // the schema versions before and after; 0 if there was no upgrade
	unread   []string // accounts that could not be read and were left as they were
}

// maxTold bounds the damaged accounts that an upgrade names.
const maxTold = 100

// rewritten reports whether the old text of all rows is still in free pages.
func (u upgraded) rewritten() bool { return 0 < u.from && u.from < boundSeals }

func (u upgraded) texts() (texts []string) {
	if u.from > 0 {
		texts = append(texts, fmt.Sprintf("the database's tables were upgraded from version %d to %d: older programs refuse it from now on", u.from, u.to))
	}
	for i, name := range u.unread {
		if i == maxTold {
			return append(texts, fmt.Sprintf("%d more accounts are damaged in the database", len(u.unread)-maxTold))
		}
		texts = append(texts, fmt.Sprintf("account %q is damaged in the database: the upgrade of the tables has left it as it was", name))
	}
	return texts
}

// upgrade does what a migration from the version needs keys for. It returns the names
// of accounts that it could not read; their rows stay as they are.
func (k keyring) upgrade(ctx context.Context, version int) (unread []string, err error) {
	if version >= boundSeals {
		return nil, k.introduce(ctx)
	}
	rows, err := k.checkAll(ctx, canaryText2)
	if err != nil {
		return nil, err
	}
	if k.sealer.first != "" {
		if len(rows) == 0 {
			err = k.refuseSealed(ctx)
		} else if !knows(rows, k.sealer.first) {
			err = fmt.Errorf("%w: the tables are of version %d, which knew no key %s", ErrRotateLater, version, k.sealer.first)
		}
		k.sealer.database = newDatabaseKey()
	}
	if err == nil {
		unread, err = k.upgradeRows(ctx, len(rows) > 0 || k.sealer.first == "")
	}
	if err == nil && k.sealer.first != "" {
		err = k.writeKeys(ctx)
	}
	return unread, err
}

// upgradeRows upgrades all rows. Known is false if the database gets its first
// encryption key at the same time. Then no row can have anything sealed, whatever a
// trigger adds while the upgrade goes on, and answers have no MAC, so anybody may have
// written them.
func (k keyring) upgradeRows(ctx context.Context, known bool) (unread []string, err error) {
	if k.d.analyze != "" {
		if err := k.exec(ctx, k.d.analyze); err != nil {
			return nil, err
		}
	}
	for from := int64(math.MinInt64); ; {
		page, last, err := k.upgradable(ctx, from)
		if err != nil {
			return nil, err
		}
		var done []upgradedRow
		for _, r := range page {
			if !known {
				r.answer = ""
			}
			next, err := r.upgrade(k.sealer)
			if err != nil || !known && r.sealedKey+r.recovery+r.pending != "" {
				unread = append(unread, r.id)
				continue
			}
			done = append(done, upgradedRow{r, next})
		}
		if err := k.writeUpgraded(ctx, done); err != nil {
			return nil, err
		}
		if last == from {
			break
		}
		from = last
	}
	lost, err := k.ids(ctx, `SELECT id FROM account LEFT JOIN enrolment ON `+joinEnrolment+` WHERE number IS NULL`)
	return append(unread, lost...), err
}

// upgradable returns the rows of the next enrolments after a number, and the last
// of those numbers, which is the same again after the last page.
func (k keyring) upgradable(ctx context.Context, from int64) (page []row, last int64, err error) {
	const next = `(SELECT * FROM enrolment WHERE number > ?1 ORDER BY number LIMIT ?2) AS page`
	if err := k.conn.QueryRowContext(ctx, k.d.statement(`SELECT coalesce(max(number), ?1) FROM `+next), from, upgradePage).Scan(&last); err != nil {
		return nil, 0, err
	}
	page, err = queryRows(ctx, k.conn, k.d.statement(selectColumns+`account JOIN `+next+` ON `+joinEnrolment), from, upgradePage)
	return page, last, err
}

// An upgradedRow is a row before and after its upgrade.
type upgradedRow struct{ before, after row }

// upgrade returns a row of schema version 2 in the form of boundSeals.
func (r row) upgrade(s *sealer) (row, error) {
	a, err := r.parse2(s)
	if err != nil {
		return row{}, err
	}
	if rest, ok := strings.CutPrefix(r.id, verifier.DefaultPrefix); ok {
		a.ID = verifier.DefaultPrefix + s.fingerprint(rest)
	}
	next := row{id: a.ID, enrolment: r.enrolment}
	err = next.setAccount(verifier.Account{}, a, s)
	return next, err
}

// parse2 is parse for schema version 2, whose seals are bound to a name alone. It
// refuses what the program of that version cannot have written: somebody has planted
// it, and would have it sealed.
func (r row) parse2(s *sealer) (a verifier.Account, err error) {
	a.ID, a.Issuer, a.Recovery = r.id, r.issuer, r.recovery
	a.State = verifier.State{LastStep: r.lastStep, Throttle: r.throttle(),
		Disabled: r.blocked != 0 && r.failures < maxFailures2, RecoveryUsed: uint16(r.recoveryUsed)}
	if r.answer != "" {
		if a.State.Last, err = unmarshalAnswer([]byte(r.answer)); err != nil {
			return a, err
		}
		a.State.Last.Request = verifier.KeyedRequest(s.fingerprint, a.State.Last.Request)
	}
	if a.Key, err = s.openKey(r.sealedKey, r.id); err != nil {
		return a, err
	}
	if n := len(r.recovery); n > maxRecovery2 || n > 0 && a.Key.IsZero() || r.checkNumbers() != nil {
		return a, errSeal
	}
	a.Pending, err = r.parsePending2(s)
	if a.Pending.Key.Equal(a.Key) {
		a.Pending = verifier.Pending{}
	}
	return a, err
}

// maxRecovery2 is the length of the hashes of ten recovery codes.
const maxRecovery2 = 10 * 22

func (r row) parsePending2(s *sealer) (p verifier.Pending, err error) {
	if r.pending == "" {
		return p, nil
	}
	column, err := r.pendingColumn()
	if err != nil {
		return p, err
	}
	p = verifier.Pending{Until: fromMillis(column.Until), Throttle: column.throttle(),
		Token: r.pendingToken.String, Cookie: column.Cookie}
	p.Key, err = s.openKey(column.Key, r.id)
	return p, err
}

// writeUpgraded writes what an upgrade has changed.
func (k keyring) writeUpgraded(ctx context.Context, rows []upgradedRow) error {
	if len(rows) == 0 {
		return nil
	}
	var accounts, enrolments []any
	for _, r := range rows {
		accounts = append(accounts, r.before.id, r.after.id, r.after.blocked, r.after.answer)
		enrolments = append(enrolments, r.before.enrolment, r.after.id, r.after.sealedKey, r.after.recovery, r.after.pending, r.after.expires)
	}
	err := k.exec(ctx, `UPDATE account SET id = n.column2, blocked = n.column3, answer = n.column4
		FROM (`+valuesOf(len(rows), "TEXT", "TEXT", "INTEGER", "TEXT")+`) AS n
		WHERE id = n.column1`, accounts...)
	if err != nil {
		return fmt.Errorf("upgrading accounts: %w", err)
	}
	err = k.exec(ctx, `UPDATE enrolment SET account = n.column2, sealed_key = n.column3, recovery = n.column4, pending = n.column5, expires_at = n.column6
		FROM (`+valuesOf(len(rows), "BIGINT", "TEXT", "TEXT", "TEXT", "TEXT", "BIGINT")+`) AS n
		WHERE number = n.column1`, enrolments...)
	if err != nil {
		return fmt.Errorf("upgrading enrolments: %w", err)
	}
	return nil
}
