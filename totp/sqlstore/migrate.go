package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to the newest of the embedded migrations, one
// statement file a version, counted from 1 in the order of their names. It runs
// in the caller's transaction, which must exclude every other migrator.
func migrate(ctx context.Context, tx *sql.Conn) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("database has schema version %d and this totpctl knows %d: %w", version, len(files), ErrNewer)
	}
	for _, name := range files[version:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("running %s: %w", name, err)
		}
	}
	_, err = tx.ExecContext(ctx, "UPDATE schema_version SET version = $1", len(files))
	return err
}

func schemaVersion(ctx context.Context, tx *sql.Conn) (version int, err error) {
	const prepare = `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
		INSERT INTO schema_version SELECT 0 WHERE NOT EXISTS (SELECT * FROM schema_version)`
	if _, err := tx.ExecContext(ctx, prepare); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT version FROM schema_version").Scan(&version)
	return version, err
}
