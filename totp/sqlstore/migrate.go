package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewer says that a newer totpctl has written the database.
var ErrNewer = errors.New("database is newer than this program")

// prepareSchema migrates and checks the keys. A database with other keys is left as
// it was. The transaction that begins with begin must exclude every other process.
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
	if before < 0 || before > len(files) {
		return 0, 0, fmt.Errorf("%w: it has schema version %d, this program knows %d", ErrNewer, before, len(files))
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
