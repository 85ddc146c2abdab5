package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A querier runs statements. It is a connection or a preparer.
type querier interface {
	ExecContext(ctx context.Context, text string, values ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, values ...any) (*sql.Rows, error)
}

// A preparer runs statements on a connection, and prepares each text at its first use.
type preparer struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt // by text
}

func newPreparer(conn *sql.Conn) *preparer {
	return &preparer{conn, map[string]*sql.Stmt{}}
}

// ExecContext is sql.Conn's, with a prepared statement.
func (p *preparer) ExecContext(ctx context.Context, text string, values ...any) (sql.Result, error) {
	s, err := p.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, values...)
}

// QueryContext is sql.Conn's, with a prepared statement.
func (p *preparer) QueryContext(ctx context.Context, text string, values ...any) (*sql.Rows, error) {
	s, err := p.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, values...)
}

func (p *preparer) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := p.statements[text]; s != nil {
		return s, nil
	}
	s, err := p.conn.PrepareContext(ctx, text)
	if err == nil {
		p.statements[text] = s
	}
	return s, err
}

func (p *preparer) closeStatements() error {
	var errs []error
	for _, s := range p.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// An answered error is an answer about one account, for its caller. Every other
// error is the database's: it fails the whole batch in SQLite, and gives up the
// connection in PostgreSQL.
type answered struct{ error }

func (a answered) Unwrap() error { return a.error }

// answer marks an error, if there is one, as an answer about one account.
func answer(err error) error {
	if err == nil {
		return nil
	}
	return answered{err}
}

// errConflict says that a conditional UPDATE changed no row. PostgreSQL tries again
// with the row as it is now; in SQLite's exclusive transaction it means that the
// caller moved the last step back.
var errConflict = errors.New("account changed while it was decided on")

// doing returns the error with what failed before it; nil for nil.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// isState reports whether err is PostgreSQL's, with one of these SQLSTATEs.
func isState(err error, states ...string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(states, e.Code)
}

// isBusy reports whether another process holds the lock of a SQLite file.
func isBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// queryRows returns the accounts that a statement selects, with the columns of
// selectColumns.
func queryRows(ctx context.Context, q querier, text string, values ...any) ([]row, error) {
	return query(ctx, q, (*row).fields, text, values...)
}

// query returns what a statement selects. The function fields returns pointers to
// where one row's columns go.
func query[T any](ctx context.Context, q querier, fields func(*T) []any, text string, values ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, text, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// oneField is for a query for one column.
func oneField[T any](v *T) []any { return []any{v} }

// each returns what a function makes of each element.
func each[T, V any](all []T, of func(T) V) []V {
	values := make([]V, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	return values
}

// valuesOf returns a VALUES list of so many rows of parameters. Each is cast to its type,
// because PostgreSQL takes a column's type from the first row; the type "" casts nothing.
func valuesOf(rows int, types ...string) string {
	list, n := make([]string, rows), 0
	for i := range list {
		fields := make([]string, len(types))
		for j, t := range types {
			n++
			if fields[j] = fmt.Sprintf("?%d", n); t != "" {
				fields[j] = fmt.Sprintf("CAST(?%d AS %s)", n, t)
			}
		}
		list[i] = "(" + strings.Join(fields, ", ") + ")"
	}
	return "VALUES " + strings.Join(list, ", ")
}

// inTransaction runs the statement begin, calls f, and runs COMMIT, or ROLLBACK
// after an error, even if the caller has left.
func inTransaction(ctx context.Context, q querier, begin string, f func() error) error {
	if _, err := q.ExecContext(ctx, begin); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = q.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		q.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // fails only if the engine has rolled back itself
	}
	return err
}
