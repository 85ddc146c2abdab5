package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// The schema's versions, in the order of their names.
//
//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer says that a newer totpctl has written the database.
var ErrNewer = errors.New("database is newer than this program")

// ErrRights says that the tables must be made or changed, and that the role may not. A role
// that may only read and write rows is enough once the tables are current.
var ErrRights = errors.New("this role may not change the database's tables")

// prepareSchema migrates and checks the keys. A database with other keys is left as
// it was. The transaction that begins with begin must exclude every other process. Where
// the tables are current, prepareSchema reads, and changes nothing but table sealing_key.
func prepareSchema(ctx context.Context, conn *sql.Conn, d dialect, begin string, s *sealer) (u upgraded, err error) {
	k := keyring{conn, d, s}
	version, err := currentVersion(ctx, conn, d)
	if err != nil {
		return u, err
	}
	newest, err := newestVersion()
	if err != nil {
		return u, err
	}
	if err := checkKnownVersion(version, newest); err != nil {
		return u, err
	}
	if version < newest {
		err := inTransaction(ctx, conn, begin, func() error { return k.bringUpToDate(ctx, &u) })
		if err = rightsError(err); errors.Is(err, ErrRights) {
			err = fmt.Errorf("bringing the tables from version %d to %d: %w", version, newest, err)
		}
		if u.to > 0 || err != nil {
			return u, err
		}
	}
	rows, err := k.checkAll(ctx, canaryText)
	if err == nil && !k.introduced(rows) {
		err = inTransaction(ctx, conn, begin, func() error { return k.introduce(ctx) })
	}
	return u, err
}

// bringUpToDate migrates, unless another process has been faster: u.to is 0 then.
func (k keyring) bringUpToDate(ctx context.Context, u *upgraded) error {
	before, after, err := migrate(ctx, k.conn, k.d)
	if err != nil || before == after {
		return err
	}
	u.from, u.to = before, after
	u.unread, err = k.upgrade(ctx, before)
	return err
}

// rightsError adds ErrRights to PostgreSQL's insufficient_privilege.
func rightsError(err error) error {
	if isState(err, "42501") {
		return fmt.Errorf("%w: %w", ErrRights, err)
	}
	return err
}

// checkKnownVersion returns ErrNewer for a schema version that this program does not know.
func checkKnownVersion(version, newest int) error {
	if 0 <= version && version <= newest {
		return nil
	}
	return fmt.Errorf("%w: it has schema version %d, this program knows %d", ErrNewer, version, newest)
}

// currentVersion returns the schema's version, 0 for a database without tables. It returns
// ErrMoved or ErrArriving for a database of a move. It changes nothing.
func currentVersion(ctx context.Context, conn *sql.Conn, d dialect) (version int, err error) {
	version, err = readVersion(ctx, conn, d)
	if err == nil && version >= movedVersion {
		err = movedError(ctx, conn, d)
	}
	return version, err
}

func readVersion(ctx context.Context, conn *sql.Conn, d dialect) (version int, err error) {
	if exists, err := hasTable(ctx, conn, d, "schema_version"); err != nil || !exists {
		return 0, doing("looking for tables", err)
	}
	err = conn.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, doing("reading schema version", err)
}

func hasTable(ctx context.Context, conn *sql.Conn, d dialect, name string) (exists bool, err error) {
	err = conn.QueryRowContext(ctx, d.statement(d.hasTable), name).Scan(&exists)
	return exists, err
}

// migrate brings the schema to the newest version and returns the versions before and
// after. The versions are the embedded files in the order of their names, counted from
// 1. It runs in the caller's transaction, which must exclude every other migrator.
func migrate(ctx context.Context, tx *sql.Conn, d dialect) (before, after int, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	before, err = schemaVersion(ctx, tx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading schema version: %w", err)
	}
	if before >= movedVersion {
		return 0, 0, movedError(ctx, tx, d)
	}
	if err := checkKnownVersion(before, len(files)); err != nil {
		return 0, 0, err
	}
	for i, name := range files[before:] {
		if err := runMigration(ctx, tx, d, name, before+i+1); err != nil {
			return 0, 0, fmt.Errorf("running %s: %w", name, err)
		}
	}
	return before, len(files), nil
}

func runMigration(ctx context.Context, tx *sql.Conn, d dialect, name string, version int) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, d.migration(string(text))); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, d.statement("UPDATE schema_version SET version = ?1"), version)
	return err
}

func schemaVersion(ctx context.Context, tx *sql.Conn) (version int, err error) {
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`,
		`INSERT INTO schema_version SELECT 0 WHERE NOT EXISTS (SELECT * FROM schema_version)`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	err = tx.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&version)
	return version, err
}
