package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"totpctl/totp/verifier"
)

// boundSeals is the schema version from which on seals are bound to their use and
// their enrolment, recovery hashes are sealed, answers are signed, and the default
// account's id is a keyed fingerprint.
const boundSeals = 3

// upgradePage is how many rows one statement upgrades.
const upgradePage = 200

// maxFailures2 is the failures at which schema version 2 took an account for
// disabled that nobody had disabled.
const maxFailures2 = 100

// upgrade does what a migration from the version needs of the keys. It returns the
// names of accounts that do not open; their rows stay as they are.
func (k keyring) upgrade(ctx context.Context, version int) (unread []string, err error) {
	rows, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	if err := k.check(ctx); err != nil {
		return nil, err
	}
	if err := k.checkMissing(ctx, rows); err != nil {
		return nil, err
	}
	if version >= boundSeals {
		return nil, nil
	}
	if err := k.introduce(ctx); err != nil {
		return nil, err
	}
	if k.d.analyze != "" {
		if err := k.exec(ctx, k.d.analyze); err != nil {
			return nil, err
		}
	}
	for from := int64(-1); ; {
		page, err := k.upgradable(ctx, from)
		if err != nil || len(page) == 0 {
			return unread, err
		}
		from = page[len(page)-1].enrolment
		var done []upgradedRow
		for _, r := range page {
			next, err := r.upgrade(k.sealer)
			if err != nil {
				unread = append(unread, r.id)
				continue
			}
			done = append(done, upgradedRow{r, next})
		}
		if err := k.write(ctx, done); err != nil {
			return nil, err
		}
	}
}

// upgradable returns the next rows after an enrolment's number.
func (k keyring) upgradable(ctx context.Context, from int64) ([]row, error) {
	const query = selectWhole + `account JOIN (SELECT * FROM enrolment WHERE number > ?1 ORDER BY number LIMIT ?2) AS page ON ` + itsEnrolment + ` ORDER BY number`
	rows, err := k.conn.QueryContext(ctx, k.d.statement(query), from, upgradePage)
	if err != nil {
		return nil, err
	}
	return scanRows(rows)
}

// An upgradedRow is a row before and after.
type upgradedRow struct{ before, after row }

// upgrade returns a row of schema version 2 as this version has it.
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

// parse2 is parse for schema version 2.
func (r row) parse2(s *sealer) (a verifier.Account, err error) {
	a.ID, a.Recovery = r.id, r.recovery
	a.State = verifier.State{LastStep: r.lastStep, Failures: r.failures, WaitUntil: fromMillis(r.waitUntil),
		Disabled: r.blocked != 0 && r.failures < maxFailures2, RecoveryUsed: uint16(r.recoveryUsed)}
	if r.answer != "" {
		if err := json.Unmarshal([]byte(r.answer), &a.State.Last); err != nil {
			return a, err
		}
	}
	if a.Key, err = s.openKey(r.id, r.sealedKey, r.id); err != nil || r.pending == "" {
		return a, err
	}
	p, err := r.pendingColumn()
	if err != nil {
		return a, err
	}
	a.Pending = verifier.Pending{Until: fromMillis(p.Until), Failures: p.Failures, WaitUntil: fromMillis(p.WaitUntil),
		Token: r.pendingToken.String, Cookie: p.Cookie}
	a.Pending.Key, err = s.openKey(r.id, p.Key, r.id)
	return a, err
}

// write replaces what an upgrade changes. The first row of VALUES gives its columns
// their types.
func (k keyring) write(ctx context.Context, rows []upgradedRow) error {
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

// valuesOf returns a VALUES list of so many rows of parameters.
func valuesOf(rows int, types ...string) string {
	var b strings.Builder
	n := 0
	for i := range rows {
		b.WriteString([]string{"VALUES (", ", ("}[min(i, 1)])
		for j, t := range types {
			n++
			fmt.Fprintf(&b, "%sCAST(?%d AS %s)", []string{"", ", "}[min(j, 1)], n, t)
		}
		b.WriteString(")")
	}
	return b.String()
}
