package sqlstore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A movedTable is a table that a move copies.
type movedTable struct {
	name     string // in the marked source, and in the target until the end
	key      string // column by which rows are paged
	numbered bool   // the key is a number
}

// movedTables are all tables but those that are about a database itself, in the order in
// which they are copied. Nothing can be opened before the accounts are there.
var movedTables = []movedTable{
	{"sealing_key", "id", false},
	{"moved_enrolment", "number", true},
	{"moved_account", "id", false},
}

// copiedPage is how many rows a transaction copies. A row has some ten columns, and each is
// a parameter of PostgreSQL's statement, which takes 65,535 of them.
const copiedPage = 2000

// A position is how far a copy is: which table, and the key of its last row that was copied.
type position struct {
	step  int
	after string
}

// A copying copies the rows of a move from a position on.
type copying struct {
	source, target *end
	id             string // of the move
	at             position
	tell           func(done, total int)

	done, total int
}

func (c *copying) run(ctx context.Context) error {
	if err := c.count(ctx); err != nil {
		return err
	}
	for c.at.step < len(movedTables) {
		if err := c.page(ctx, movedTables[c.at.step]); err != nil {
			return fmt.Errorf("table %s: %w", movedTables[c.at.step].name, err)
		}
		if c.tell != nil {
			c.tell(c.done, c.total)
		}
	}
	return c.compare(ctx)
}

func (c *copying) count(ctx context.Context) error {
	for _, t := range movedTables {
		all, err := c.source.count(ctx, t.name)
		if err != nil {
			return err
		}
		done, err := c.target.count(ctx, t.name)
		if err != nil {
			return err
		}
		c.total, c.done = c.total+all, c.done+done
	}
	return nil
}

// compare returns an error unless the target has as many rows as the source.
func (c *copying) compare(ctx context.Context) error {
	c.done, c.total = 0, 0
	if err := c.count(ctx); err != nil {
		return err
	}
	if c.done != c.total {
		return fmt.Errorf("the target has %d rows, the source %d", c.done, c.total)
	}
	return nil
}

// page copies the next rows of a table. After the last of them it goes to the next table.
func (c *copying) page(ctx context.Context, t movedTable) error {
	p, err := c.read(ctx, t)
	if err != nil {
		return err
	}
	next := position{step: c.at.step + 1}
	if len(p.rows) > 0 {
		next = position{c.at.step, p.last(t.key)}
	}
	err = c.target.transaction(ctx, func() error {
		err := c.target.execOne(ctx, errOvertaken, `UPDATE arrival SET step = ?1, after = ?2 WHERE id = ?3 AND step = ?4 AND after = ?5`,
			next.step, next.after, c.id, c.at.step, c.at.after)
		if err != nil || len(p.rows) == 0 {
			return err
		}
		return c.target.insert(ctx, t.name, p)
	})
	if err == nil {
		c.at, c.done = next, c.done+len(p.rows)
	}
	return err
}

// copiedRows are rows of any table.
type copiedRows struct {
	columns []string
	rows    [][]any
}

// read returns the rows after the position, whatever columns the table has.
func (c *copying) read(ctx context.Context, t movedTable) (p copiedRows, err error) {
	after, err := t.after(c.at.after)
	if err != nil {
		return p, err
	}
	text := c.source.d.statement(`SELECT * FROM ` + t.name + ` WHERE ` + t.key + ` > ?1 ORDER BY ` + t.key + ` LIMIT ?2`)
	rows, err := c.source.conn.QueryContext(ctx, text, after, copiedPage)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	if p.columns, err = rows.Columns(); err != nil {
		return p, err
	}
	for rows.Next() {
		row, into := make([]any, len(p.columns)), make([]any, len(p.columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return p, err
		}
		p.rows = append(p.rows, row)
	}
	return p, rows.Err()
}

// after returns the parameter for rows after a key. Before the first row there is no key.
func (t movedTable) after(key string) (any, error) {
	switch {
	case !t.numbered:
		return key, nil
	case key == "":
		return int64(math.MinInt64), nil
	}
	return strconv.ParseInt(key, 10, 64)
}

// last returns the key of the last row.
func (p copiedRows) last(key string) string {
	return fmt.Sprint(p.rows[len(p.rows)-1][slices.Index(p.columns, key)])
}

// insert writes rows, on SQLite by a prepared statement for each: it takes time that grows
// with the square of a statement's numbered parameters. PostgreSQL takes a round trip for
// each statement.
func (e *end) insert(ctx context.Context, table string, p copiedRows) error {
	if e.d == postgresDialect {
		_, err := e.conn.ExecContext(ctx, e.d.statement(p.statement(table, len(p.rows))), slices.Concat(p.rows...)...)
		return err
	}
	one, err := e.conn.PrepareContext(ctx, p.statement(table, 1))
	if err != nil {
		return err
	}
	defer one.Close()
	for _, row := range p.rows {
		if _, err := one.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// statement inserts so many rows.
func (p copiedRows) statement(table string, rows int) string {
	uncast := make([]string, len(p.columns))
	return fmt.Sprintf("INSERT INTO %s (%s) %s", table, strings.Join(p.columns, ", "), valuesOf(rows, uncast...))
}
