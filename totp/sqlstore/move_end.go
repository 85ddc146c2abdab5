package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// An end is one of the two databases of a move, opened without a store.
type end struct {
	db       *sql.DB
	conn     *sql.Conn
	d        dialect
	begin    string        // of a transaction that excludes whoever opens a store
	warnings *atomic.Int64 // PostgreSQL's; nil for SQLite
	place    string        // the database for people, without user and password
}

// openEnd opens a database. Creates has it make a missing SQLite file with mode 0600.
func openEnd(ctx context.Context, url string, creates bool) (*end, error) {
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	e, err := openEndOf(url, creates)
	if err != nil {
		return nil, err
	}
	if e.conn, err = connect(ctx, e.db); err != nil {
		return nil, errors.Join(err, e.db.Close())
	}
	check := checkDurable
	if isPostgres(url) {
		check = checkEncoding
	}
	if err := check(ctx, e.conn); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func openEndOf(url string, creates bool) (*end, error) {
	if isPostgres(url) {
		config, warnings, err := postgresConfig(url)
		if err != nil {
			return nil, err
		}
		place := fmt.Sprintf("postgres://%s:%d/%s", config.Host, config.Port, config.Database)
		return &end{db: stdlib.OpenDB(*config), d: postgresDialect, begin: beginPostgres(), warnings: warnings, place: place}, nil
	}
	path, err := filepath.Abs(strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		return nil, err
	}
	f, err := openFile(path, !creates)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dataSource(path))
	return &end{db: db, d: sqliteDialect, begin: begin, place: "sqlite:" + path}, err
}

func (e *end) close() error { return errors.Join(e.conn.Close(), e.db.Close()) }

// lockPatience is how long a move waits for a SQLite file that a server writes all the time:
// SQLite's lock has no queue.
const lockPatience = time.Minute

// transaction runs f in a transaction. PostgreSQL's warning about a commit is an error: see
// errWarning.
func (e *end) transaction(ctx context.Context, f func() error) error {
	var before int64
	if e.warnings != nil {
		before = e.warnings.Load()
	}
	patience, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	err := inTransaction(ctx, e.conn, e.begin, f)
	for isBusy(err) && patience.Err() == nil {
		err = inTransaction(ctx, e.conn, e.begin, f)
	}
	if err == nil && e.warnings != nil && e.warnings.Load() != before {
		return errWarning
	}
	return err
}

// execOne runs a statement that must change exactly one row, or returns unchanged.
func (e *end) execOne(ctx context.Context, unchanged error, text string, values ...any) error {
	result, err := e.conn.ExecContext(ctx, e.d.statement(text), values...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, unchanged)
	}
	return nil
}

func (e *end) execAll(ctx context.Context, texts ...string) error {
	for _, text := range texts {
		if _, err := e.conn.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// count returns how many rows a table has.
func (e *end) count(ctx context.Context, table string) (n int, err error) {
	err = e.conn.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n)
	return n, doing("counting "+table, err)
}
