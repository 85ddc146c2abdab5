package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrPostgres says that what was asked for is SQLite's alone.
var ErrPostgres = errors.New("it is a PostgreSQL database")

// ErrForeign says that a file is no database of totpctl, or not all of one.
var ErrForeign = errors.New("it is not a whole database of totpctl")

// sqlitePath returns the absolute path of a SQLite database, or ErrPostgres.
func sqlitePath(databaseURL string) (string, error) {
	if err := CheckURL(databaseURL); err != nil {
		return "", err
	}
	if isPostgres(databaseURL) {
		return "", ErrPostgres
	}
	return filepath.Abs(strings.TrimPrefix(databaseURL, "sqlite:"))
}

// Backup writes a copy of SQLite's database into a file that is missing or empty, and
// returns when the copy has been fsynced. The copy is of one moment, and servers go on
// meanwhile. It is whole in one file, secrets in it are sealed as they are in the database,
// and what the database has deleted is not in it. Backup needs no encryption key. It
// returns ErrPostgres, ErrMissing, ErrForeign, ErrMoved or ErrArriving.
func Backup(ctx context.Context, databaseURL, file string) error {
	path, err := sqlitePath(databaseURL)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return missing(path)
	}
	conn, closeAll, err := openExisting(ctx, path)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := checkOurs(ctx, conn); err != nil {
		return err
	}
	if _, err := currentVersion(ctx, conn, sqliteDialect); err != nil {
		return err
	}
	if file, err = filepath.Abs(file); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?1", file); err != nil {
		return err
	}
	return syncFile(file)
}

// openExisting opens a SQLite file, and neither makes nor upgrades it.
func openExisting(ctx context.Context, path string) (*sql.Conn, func(), error) {
	db, err := sql.Open("sqlite", fileURL(path, "rw", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "trusted_schema(OFF)"))
	if err != nil {
		return nil, nil, err
	}
	conn, err := connect(ctx, db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return conn, func() { conn.Close(); db.Close() }, nil
}

// checkOurs returns ErrForeign unless the database has a schema version.
func checkOurs(ctx context.Context, conn *sql.Conn) error {
	made, err := hasTable(ctx, conn, sqliteDialect, "schema_version")
	if isCorrupt(err) || err == nil && !made {
		return foreign(err)
	}
	return err
}

// foreign returns ErrForeign with SQLite's error, if there is one.
func foreign(err error) error {
	if err == nil {
		return ErrForeign
	}
	return fmt.Errorf("%w: %w", ErrForeign, err)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
