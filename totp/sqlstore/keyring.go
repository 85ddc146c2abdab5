package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"totpctl/totp/verifier"
)

// ErrKey says that the encryption keys are not those that the stored secrets
// were sealed with.
var ErrKey = errors.New("encryption key is wrong or missing")

// ErrTakenBack says that somebody has given the tables the form of an older
// version after an upgrade. An upgrade seals what it finds, and must not be made to
// seal what was planted since.
var ErrTakenBack = errors.New("database was taken back to the tables of an older version")

// The canaries are known texts that are sealed with every key, so that a wrong one
// is told at start. They also tell which version of the tables the key has seen.
const (
	canaryText  = "totpctl canary 3"
	canaryText2 = "totpctl canary" // before boundSeals
)

// databaseKeyBytes is the length of the database's own key.
const databaseKeyBytes = 32

// A sealingRow is what the database knows of an encryption key.
type sealingRow struct{ id, canary, databaseKey string }

func (r *sealingRow) fields() []any { return []any{&r.id, &r.canary, &r.databaseKey} }

// prepareSchema migrates and checks the keys: a database whose keys are others is
// left as it was. The statement begin must exclude every other process.
func prepareSchema(ctx context.Context, conn *sql.Conn, d dialect, begin string, s *sealer) (u upgraded, err error) {
	k := keyring{conn, d, s}
	var migrated bool
	err = inTransaction(ctx, conn, begin, func() (err error) {
		before, after, err := migrate(ctx, conn, d)
		if err != nil {
			return err
		}
		if migrated = before < after; !migrated {
			return k.check(ctx, canaryText)
		}
		u.from, u.to = before, after
		u.unread, err = k.upgrade(ctx, before)
		return err
	})
	if err != nil || migrated {
		return u, err
	}
	rows, err := k.load(ctx)
	if err == nil {
		err = k.checkMissing(ctx, rows)
	}
	if err == nil && !k.introduced(rows) {
		err = inTransaction(ctx, conn, begin, func() error { return k.introduce(ctx) })
	}
	return u, err
}

// upgraded is what a migration has done to the rows of an older program.
type upgraded struct {
	from, to int      // the schema versions before and after; 0 if there was no upgrade
	unread   []string // the accounts that it could not read, and has left as they were
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

// A keyring compares the encryption keys that are given with those that the
// database knows.
type keyring struct {
	conn   *sql.Conn
	d      dialect
	sealer *sealer
}

// check returns ErrKey unless the keys open what the database has of them, and
// one at least is known to it. The canaries must have the text.
func (k keyring) check(ctx context.Context, text string) error {
	rows, err := k.load(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !k.sealer.has(r.id) {
			continue
		}
		got, err := k.sealer.openSealed(sealed{r.id, r.canary}, "canary")
		if err != nil {
			return fmt.Errorf("%w: the canary of key %s does not open", ErrKey, r.id)
		}
		if string(got) == canaryText && text != canaryText {
			return ErrTakenBack
		}
	}
	if err := k.checkKnown(rows); err != nil {
		return err
	}
	k.sealer.database, err = k.databaseKey(rows)
	return err
}

// checkKnown refuses keys of which the database knows none, even where no row
// needs the known ones yet: two servers with a key each would otherwise both
// seal, and neither could open the other's.
func (k keyring) checkKnown(rows []sealingRow) error {
	var missing string
	for _, r := range rows {
		if k.sealer.has(r.id) {
			return nil
		}
		missing = r.id
	}
	if missing == "" {
		return nil
	}
	return fmt.Errorf("%w: the database was begun with key %s, which is not given", ErrKey, missing)
}

// databaseKey returns the database's own key; nil where it has none yet, because
// no encryption key was ever set.
func (k keyring) databaseKey(rows []sealingRow) ([]byte, error) {
	var unopened bool
	for _, r := range rows {
		if r.databaseKey == "" || !k.sealer.has(r.id) {
			unopened = unopened || r.databaseKey != ""
			continue
		}
		key, err := k.sealer.openSealed(sealed{r.id, r.databaseKey}, "database key")
		if err != nil || len(key) != databaseKeyBytes {
			return nil, fmt.Errorf("%w: the database's own key does not open with key %s", ErrKey, r.id)
		}
		return key, nil
	}
	if unopened {
		return nil, fmt.Errorf("%w: the database's own key is sealed with others than those given", ErrKey)
	}
	return nil, nil
}

// introduced reports whether the database knows all that it must of the keys that
// are given.
func (k keyring) introduced(rows []sealingRow) bool {
	first := k.sealer.first == ""
	for _, r := range rows {
		if !k.sealer.has(r.id) {
			continue
		}
		canary, err := k.sealer.openSealed(sealed{r.id, r.canary}, "canary")
		if err != nil || string(canary) != canaryText || r.databaseKey == "" {
			return false
		}
		first = first || r.id == k.sealer.first
	}
	return first
}

// introduce makes the keys known that are given, before anything is sealed with
// them, unless somebody with other keys has been faster. The first encryption key
// of a database begins its own key, and gives the default account's rows keyed ids.
func (k keyring) introduce(ctx context.Context) error {
	if err := k.check(ctx, canaryText); err != nil || k.sealer.first == "" {
		return err
	}
	if k.sealer.database == nil {
		if err := k.refuseSealed(ctx); err != nil {
			return err
		}
		k.sealer.database = newDatabaseKey()
		if err := k.rename(ctx); err != nil {
			return err
		}
	}
	return k.leave(ctx)
}

// leave writes a canary of each key that is given and known, and of the key that
// seals, and seals the database's own key with each.
func (k keyring) leave(ctx context.Context) error {
	s := k.sealer
	err := k.exec(ctx, `INSERT INTO sealing_key (id, canary) VALUES (?1, '') ON CONFLICT (id) DO NOTHING`, s.first)
	for id := range s.keys {
		err = errors.Join(err, k.exec(ctx, `UPDATE sealing_key SET canary = ?2, database_key = ?3 WHERE id = ?1`,
			id, s.sealWith(id, []byte(canaryText), "canary").box, s.sealWith(id, s.database, "database key").box))
	}
	return err
}

func newDatabaseKey() []byte {
	key := make([]byte, databaseKeyBytes)
	rand.Read(key)
	return key
}

// refuseSealed is for keys of a database that knows none: nothing can be sealed in
// it, unless what it knew was deleted.
func (k keyring) refuseSealed(ctx context.Context) error {
	var sealed int
	err := k.conn.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM enrolment
		WHERE sealed_key <> '' OR pending <> '' OR recovery <> '' OR kept <> '' LIMIT 1) AS some_sealed`).Scan(&sealed)
	if err == nil && sealed > 0 {
		err = fmt.Errorf("%w: the database has sealed secrets, but does not say with which key", ErrKey)
	}
	return err
}

// rename gives the default accounts' rows the ids that they have under the
// database's own key. A server that was started without an encryption key looks for
// the old ones, and is not let add them again.
func (k keyring) rename(ctx context.Context) error {
	if k.d.lock != "" {
		if err := k.exec(ctx, k.d.lock); err != nil {
			return err
		}
	}
	ids, err := k.ids(ctx, `SELECT id FROM account WHERE id >= ?1 AND id < ?2`, verifier.DefaultPrefix, verifier.DefaultPrefix+"g")
	if err != nil {
		return err
	}
	for _, id := range ids {
		keyed := verifier.DefaultPrefix + k.sealer.keyed(strings.TrimPrefix(id, verifier.DefaultPrefix))
		// What was remembered for a repeated request was signed under the old id.
		err = errors.Join(err, k.exec(ctx, `UPDATE account SET id = ?2, answer = '', revision = revision + 1 WHERE id = ?1`, id, keyed),
			k.exec(ctx, `UPDATE enrolment SET account = ?2 WHERE account = ?1`, id, keyed))
	}
	return err
}

// ids runs a query of ids.
func (k keyring) ids(ctx context.Context, text string, values ...any) ([]string, error) {
	return query(ctx, k.conn, oneField[string], k.d.statement(text), values...)
}

func (k keyring) exec(ctx context.Context, text string, values ...any) error {
	_, err := k.conn.ExecContext(ctx, k.d.statement(text), values...)
	return err
}

// checkMissing refuses to go without a key that a row needs. It reads all rows: not
// while others are excluded, unless a migration excludes them anyway.
func (k keyring) checkMissing(ctx context.Context, rows []sealingRow) error {
	for _, r := range rows {
		if k.sealer.has(r.id) {
			continue
		}
		if err := k.checkUnneeded(ctx, r.id); err != nil {
			return err
		}
	}
	return nil
}

func (k keyring) load(ctx context.Context) ([]sealingRow, error) {
	rows, err := query(ctx, k.conn, (*sealingRow).fields, `SELECT id, canary, database_key FROM sealing_key ORDER BY id`)
	for _, r := range rows {
		if _, err := hex.DecodeString(r.id); err != nil || len(r.id) != 2*keyIDBytes {
			return nil, fmt.Errorf("%w: table sealing_key has the id %q, which is none of totpctl's", ErrKey, r.id)
		}
	}
	return rows, doing("reading sealing keys", err)
}

func (k keyring) checkUnneeded(ctx context.Context, id string) error {
	const query = `SELECT count(*) FROM (SELECT 1 FROM account JOIN enrolment ON ` + joinEnrolment + `
		WHERE sealed_key LIKE ?1 OR pending LIKE ?1 OR recovery LIKE ?2 OR kept LIKE ?2 LIMIT 1) AS needed`
	var needed int
	if err := k.conn.QueryRowContext(ctx, k.d.statement(query), "% "+id+" %", id+" %").Scan(&needed); err != nil {
		return err
	}
	if needed > 0 {
		return fmt.Errorf("%w: stored secrets are sealed with key %s, which is not given", ErrKey, id)
	}
	return nil
}
