package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrKey says that the encryption keys are not those that the stored secrets
// were sealed with.
var ErrKey = errors.New("encryption key is wrong or missing")

// canaryText is sealed with every key, so that a wrong one is told at start.
const canaryText = "totpctl canary"

// databaseKeyBytes is the length of the database's own key.
const databaseKeyBytes = 32

// A sealingRow is what the database knows of an encryption key, or, under the id
// "", of being without one.
type sealingRow struct{ id, canary, databaseKey string }

// prepareSchema migrates and checks the keys: a database whose keys are others is
// left as it was. The statement begin must exclude every other process.
func prepareSchema(ctx context.Context, conn *sql.Conn, d dialect, begin string, s *sealer) (u upgraded, err error) {
	k := keyring{conn, d, s}
	var migrated bool
	err = inTransaction(ctx, runOn(conn), begin, func() (err error) {
		version, err := migrate(ctx, conn, d)
		if err != nil {
			return err
		}
		if migrated = version < schemaNewest; !migrated {
			return k.check(ctx)
		}
		u.rewritten = version > 0
		if u.unread, err = k.upgrade(ctx, version); err != nil {
			return err
		}
		return k.introduce(ctx)
	})
	if err != nil || migrated {
		return u, err
	}
	rows, err := k.load(ctx)
	if err == nil {
		err = k.checkMissing(ctx, rows)
	}
	if err == nil && !k.introduced(rows) {
		err = inTransaction(ctx, runOn(conn), begin, func() error { return k.introduce(ctx) })
	}
	return u, err
}

// upgraded is what a migration has done to the rows of an older program.
type upgraded struct {
	rewritten bool     // whatever they were, something has changed
	unread    []string // the accounts that it could not read, and has left as they were
}

func (u upgraded) texts() (texts []string) {
	for _, name := range u.unread {
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
// one at least is known to it.
func (k keyring) check(ctx context.Context) error {
	rows, err := k.load(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !k.sealer.has(r.id) {
			continue
		}
		if _, err := k.sealer.open(r.id+" "+r.canary, "canary"); err != nil {
			return fmt.Errorf("%w: the canary of key %s does not open", ErrKey, r.id)
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
		if r.id != "" {
			missing = r.id
		}
	}
	if missing == "" {
		return nil
	}
	return fmt.Errorf("%w: the database was begun with key %s, which is not given", ErrKey, missing)
}

// databaseKey returns the database's own key; nil where it has none yet.
func (k keyring) databaseKey(rows []sealingRow) ([]byte, error) {
	var sealed bool
	for _, r := range rows {
		switch {
		case r.databaseKey == "":
		case r.id == "":
			return base64.StdEncoding.DecodeString(r.databaseKey)
		case k.sealer.has(r.id):
			key, err := k.sealer.open(r.id+" "+r.databaseKey, "database key")
			if err != nil {
				return nil, fmt.Errorf("%w: the database's own key does not open with key %s", ErrKey, r.id)
			}
			return key, nil
		default:
			sealed = true
		}
	}
	if sealed {
		return nil, fmt.Errorf("%w: the database's own key is sealed with others than those given", ErrKey)
	}
	return nil, nil
}

// introduced reports whether the database knows all that it must of the keys that
// are given, and nothing in the clear beside them.
func (k keyring) introduced(rows []sealingRow) bool {
	known := map[string]bool{}
	for _, r := range rows {
		known[r.id] = r.databaseKey != ""
		if has := k.sealer.has(r.id); has && r.databaseKey == "" || r.id == "" && k.sealer.first != "" {
			return false
		}
	}
	return known[k.sealer.first]
}

// introduce leaves a canary of the key that seals, before anything is sealed,
// unless somebody with another key has been faster. It seals the database's own
// key, which it makes if there is none, for each key that is given and known.
func (k keyring) introduce(ctx context.Context) error {
	if err := k.check(ctx); err != nil {
		return err
	}
	s := k.sealer
	if s.database == nil {
		s.database = make([]byte, databaseKeyBytes)
		rand.Read(s.database)
	}
	if s.first == "" {
		return k.exec(ctx, `INSERT INTO sealing_key (id, canary, database_key) VALUES ('', '', ?1) ON CONFLICT (id) DO NOTHING`,
			base64.StdEncoding.EncodeToString(s.database))
	}
	err := k.exec(ctx, `INSERT INTO sealing_key (id, canary) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING`,
		s.first, k.sealed(s.first, []byte(canaryText), "canary"))
	for id := range s.keys {
		err = errors.Join(err, k.exec(ctx, `UPDATE sealing_key SET database_key = ?2 WHERE id = ?1 AND database_key = ''`,
			id, k.sealed(id, s.database, "database key")))
	}
	return errors.Join(err, k.exec(ctx, `DELETE FROM sealing_key WHERE id = ''`))
}

// sealed returns text sealed with a key, without the key's id, which has a column.
func (k keyring) sealed(id string, plain []byte, use string) string {
	return k.sealer.sealWith(id, plain, use)[len(id)+1:]
}

func (k keyring) exec(ctx context.Context, text string, values ...any) error {
	_, err := k.conn.ExecContext(ctx, k.d.statement(text), values...)
	return err
}

// checkMissing refuses to go without a key that a row needs. It reads all rows: not
// while others are excluded, unless a migration excludes them anyway.
func (k keyring) checkMissing(ctx context.Context, rows []sealingRow) error {
	for _, r := range rows {
		if r.id == "" || k.sealer.has(r.id) {
			continue
		}
		if err := k.checkUnneeded(ctx, r.id); err != nil {
			return err
		}
	}
	return nil
}

func (k keyring) load(ctx context.Context) (all []sealingRow, err error) {
	rows, err := k.conn.QueryContext(ctx, `SELECT id, canary, database_key FROM sealing_key ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("reading sealing keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r sealingRow
		if err := rows.Scan(&r.id, &r.canary, &r.databaseKey); err != nil {
			return nil, fmt.Errorf("reading sealing keys: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func (k keyring) checkUnneeded(ctx context.Context, id string) error {
	const query = `SELECT count(*) FROM (SELECT 1 FROM account JOIN enrolment ON ` + itsEnrolment + `
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
