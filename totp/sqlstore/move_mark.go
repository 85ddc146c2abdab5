package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrMoved says that a database was moved to another, and gives no verdict any more.
var ErrMoved = errors.New("database has been moved")

// ErrArriving says that a move into the database is not finished.
var ErrArriving = errors.New("a move into the database is not finished")

// movedVersion is added to the schema version of a database that was moved away, and of one
// that is being filled: every program refuses them, also older ones, see ErrNewer.
const movedVersion = 1_000_000

// The tables of a database that was moved away have other names, and so have those of one
// that is being filled. No statement of a server that has the database open finds them,
// whatever the server's version: none changes anything after the mark, and none answers
// from a half copy, or takes an account that has not come yet for a new or an unknown one.
const (
	markTable = `CREATE TABLE moved (
		id     TEXT NOT NULL,    -- of the move, random
		target TEXT NOT NULL,    -- where to, for people
		done   INTEGER NOT NULL) -- 1 once the target may have given verdicts`

	arrivalTable = `CREATE TABLE arrival (
		id    TEXT NOT NULL,    -- of the move, as in the source
		step  INTEGER NOT NULL, -- which table is being copied
		after TEXT NOT NULL)    -- key of its last row that was copied`
)

func hideTables() []string {
	return []string{`ALTER TABLE account RENAME TO moved_account`, `ALTER TABLE enrolment RENAME TO moved_enrolment`,
		fmt.Sprintf(`UPDATE schema_version SET version = version + %d`, movedVersion)}
}

func showTables() []string {
	return []string{`ALTER TABLE moved_account RENAME TO account`, `ALTER TABLE moved_enrolment RENAME TO enrolment`,
		fmt.Sprintf(`UPDATE schema_version SET version = version - %d`, movedVersion)}
}

// A mark is the row of table moved.
type mark struct {
	id, target string
	done       bool
}

func readMark(ctx context.Context, conn *sql.Conn, d dialect) (m mark, err error) {
	if exists, err := hasTable(ctx, conn, d, "moved"); err != nil || !exists {
		return mark{}, err
	}
	var done int
	err = conn.QueryRowContext(ctx, `SELECT id, target, done FROM moved`).Scan(&m.id, &m.target, &done)
	if errors.Is(err, sql.ErrNoRows) {
		return mark{}, nil
	}
	m.done = done == 1
	return m, err
}

// movedError returns ErrMoved with where the database was moved to, or ErrArriving.
func movedError(ctx context.Context, conn *sql.Conn, d dialect) error {
	m, err := readMark(ctx, conn, d)
	switch {
	case err != nil:
		return err
	case m.id != "":
		return m.error()
	}
	return ErrArriving
}

func (m mark) error() error { return fmt.Errorf("%w to %s", ErrMoved, m.target) }

// explainMoved returns ErrMoved in place of an error that says that a table is missing, if
// the database was moved since it was opened.
func explainMoved(ctx context.Context, conn *sql.Conn, d dialect, err error) error {
	if !mayLackTable(err) {
		return err
	}
	if m, errMark := readMark(ctx, conn, d); errMark == nil && m.id != "" {
		return m.error()
	}
	return err
}

// mayLackTable reports whether the error may be that a table is missing. SQLite's code is
// that of any error in a statement.
func mayLackTable(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_ERROR
	}
	return isState(err, "42P01")
}
