package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"totpctl/totp/verifier"
)

// ErrKey says that the encryption keys are not those that the stored secrets
// were sealed with.
var ErrKey = errors.New("encryption key is wrong or missing")

// ErrRotateLater says that the tables are of a version that did not know the first
// encryption key. A key that has only sealed later tables must never upgrade older ones:
// whoever may write to the database would have it seal what an old copy of the database
// holds.
var ErrRotateLater = errors.New("upgrade the database with its old key alone, then rotate")

// ErrTakenBack says that the tables have the form of an older version although the
// encryption key has seen newer ones. Opening such a database would run the upgrade
// again, which seals what it finds, and so would seal what was planted meanwhile.
var ErrTakenBack = errors.New("database was taken back to the tables of an older version")

// A canary is a known text that is sealed with each key, so that a wrong key is told
// at the start. Its text also tells which version of the tables the key has seen.
const (
	canaryText  = "totpctl canary 3"
	canaryText2 = "totpctl canary" // before boundSeals
)

// databaseKeyBytes is the length of the database's own key.
const databaseKeyBytes = 32

// A sealingRow is what the database knows of an encryption key.
type sealingRow struct{ id, canary, databaseKey string }

func (r *sealingRow) fields() []any { return []any{&r.id, &r.canary, &r.databaseKey} }

// A keyring compares the encryption keys that are given with the keys that the
// database knows.
type keyring struct {
	conn   *sql.Conn
	d      dialect
	sealer *sealer
}

// check returns ErrKey unless each given key that the database knows opens its canary,
// and the database knows at least one. It sets the database's own key. It returns
// ErrTakenBack if the text is an older canary's and a key has seen newer tables.
func (k keyring) check(ctx context.Context, text string) error {
	rows, err := k.load(ctx)
	if err != nil {
		return err
	}
	return k.checkRows(rows, text)
}

// checkRows is check for rows that were read before. What is decided on twice must not
// be read twice: a view of somebody else's may answer differently.
func (k keyring) checkRows(rows []sealingRow, text string) (err error) {
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

// checkAll is check and checkMissing. It returns the rows that it has read.
func (k keyring) checkAll(ctx context.Context, text string) ([]sealingRow, error) {
	rows, err := k.load(ctx)
	if err == nil {
		err = k.checkRows(rows, text)
	}
	if err == nil {
		err = k.checkMissing(ctx, rows)
	}
	return rows, err
}

func knows(rows []sealingRow, id string) bool {
	return slices.ContainsFunc(rows, func(r sealingRow) bool { return r.id == id })
}

// checkKnown refuses keys of which the database knows none, even if nothing is sealed
// yet: two servers with a key each would both seal, and neither could open what the
// other has sealed.
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

// databaseKey returns the database's own key; nil if no encryption key was ever set.
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

// introduced reports whether the database knows the key that seals, and has a canary
// of this version and its own key sealed for each given key that it knows.
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

// introduce makes the given keys known before anything is sealed with them. It
// returns ErrKey if a process with other keys has been faster. With the first
// encryption key of a database comes the database's own key, and with that the keyed
// ids of the default account's rows.
func (k keyring) introduce(ctx context.Context) error {
	if err := k.check(ctx, canaryText); err != nil || k.sealer.first == "" {
		return err
	}
	if k.sealer.database == nil {
		if err := k.refuseSealed(ctx); err != nil {
			return err
		}
		k.sealer.database = newDatabaseKey()
		if err := k.renameDefault(ctx); err != nil {
			return err
		}
	}
	return k.writeKeys(ctx)
}

// writeKeys makes the key that seals known, and writes, for each given key that is known, a
// canary and the database's own key.
func (k keyring) writeKeys(ctx context.Context) error {
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

// refuseSealed is for a database that knows no key. If something in it is sealed, its
// keys were deleted.
func (k keyring) refuseSealed(ctx context.Context) error {
	var sealed int
	err := k.conn.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM enrolment
		WHERE sealed_key <> '' OR pending <> '' OR recovery <> '' OR kept <> '' LIMIT 1) AS some_sealed`).Scan(&sealed)
	if err == nil && sealed > 0 {
		err = fmt.Errorf("%w: the database has sealed secrets, but does not say with which key", ErrKey)
	}
	return err
}

// renameDefault gives the default account's rows the ids that they have under the database's
// own key. A server that runs without an encryption key looks for the ids from before,
// and insertKeyless keeps it from adding them again.
func (k keyring) renameDefault(ctx context.Context) error {
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

// ids returns what a query for ids selects.
func (k keyring) ids(ctx context.Context, text string, values ...any) ([]string, error) {
	return query(ctx, k.conn, oneField[string], k.d.statement(text), values...)
}

func (k keyring) exec(ctx context.Context, text string, values ...any) error {
	_, err := k.conn.ExecContext(ctx, k.d.statement(text), values...)
	return err
}

// checkMissing returns ErrKey if a row is sealed with a known key that is not given. It
// reads all rows, so it runs outside of the transaction that excludes other processes,
// unless a migration excludes them anyway.
func (k keyring) checkMissing(ctx context.Context, rows []sealingRow) error {
	for _, r := range rows {
		if k.sealer.has(r.id) {
			continue
		}
		if err := k.checkNotNeeded(ctx, r.id); err != nil {
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

// checkNotNeeded returns ErrKey if a row is sealed with the key.
func (k keyring) checkNotNeeded(ctx context.Context, id string) error {
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
