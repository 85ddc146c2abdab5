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

// migrate brings the schema up to the newest of the embedded migrations, one
// file a version, counted from 1 in the order of their names, and returns the
// versions before and after. It runs in the caller's transaction, which must
// exclude every other migrator.
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
