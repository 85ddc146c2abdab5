package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
)

// Names returns at most limit names of stored accounts that begin with prefix, in the order
// of their bytes. It is for completion in a shell: it makes no database, upgrades none,
// changes none and needs no encryption key.
func Names(ctx context.Context, databaseURL, prefix string, limit int) ([]string, error) {
	db, d, err := openToRead(databaseURL)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	const beginning = `SELECT id FROM account WHERE id >= ?1 ORDER BY id LIMIT ?2`
	names, err := query(ctx, conn, oneField[string], d.statement(beginning), max(prefix, firstName), limit)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if !strings.HasPrefix(name, prefix) {
			return names[:i], nil
		}
	}
	return names, nil
}

// firstName sorts before every name and after the ids of the default account.
const firstName = " "

// openToRead opens a database to read from it, without a store.
func openToRead(databaseURL string) (*sql.DB, dialect, error) {
	path, err := sqlitePath(databaseURL)
	if errors.Is(err, ErrPostgres) {
		config, _, err := postgresConfig(databaseURL)
		if err != nil {
			return nil, dialect{}, err
		}
		return stdlib.OpenDB(*config), postgresDialect, nil
	}
	if err != nil {
		return nil, dialect{}, err
	}
	// Not read-only: SQLite would leave the write-ahead log that it makes for a reader.
	db, err := sql.Open("sqlite", fileURL(path, "rw", "query_only(ON)", "trusted_schema(OFF)"))
	return db, sqliteDialect, err
}
