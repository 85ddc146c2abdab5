package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"totpctl/totp/verifier"
)

// A read is a request for a row.
type read struct {
	id  string
	row row // the answer; without an id if there is none
}

// A write is a request to write a row's state, if the row is still as it was read.
type write struct {
	row     row
	changed bool
	tried   bool // false if another write of the batch was for the same account
}

// A job is a request for a connection of its own: an edit or a list.
type job struct {
	changes bool          // run changes something, so it is not run again after an error
	limit   time.Duration // how long run may take; 0 is batchTimeout
	run     func(context.Context, *sql.Conn) error
}

// jobWorkers is how many connections there are for edits and lists.
const jobWorkers = 3

// start starts the workers, which serve the queues until they are closed.
func (p *Postgres) start() {
	work(p, p.reads, maxBatch, (*worker).readBatch)
	work(p, p.writes, maxBatch, (*worker).writeBatch)
	work(p, p.lookUps, maxBatch, (*worker).lookUp)
	for range jobWorkers {
		work(p, p.jobs, 1, (*worker).runJob)
	}
}

func work[T any](p *Postgres, q *queue[T], most int, handle func(*worker, []T) error) {
	p.running.Go(func() {
		w := &worker{store: p}
		defer w.drop()
		q.serve(most, func(batch []T) error { return handle(w, batch) })
	})
}

// A worker answers the requests of a queue, one batch after the other, on a connection
// of its own. After an error on any connection of the store, each worker opens a new
// one: the server may be gone or no longer the primary. Usually the reader notices a
// dead connection. Its query can be repeated, and the writer's statement cannot.
type worker struct {
	store *Postgres
	conn  *sql.Conn     // nil before the first request and after an error
	epoch int64         // the store's when conn was opened
	limit time.Duration // how long the present batch may take; 0 is batchTimeout

	// querier prepares its statements on conn. It is conn itself behind a pooler, which
	// may give the next transaction another session.
	querier querier
}

// read runs f, which must change nothing. If an old connection fails, read runs f again
// on a new one: the old one may have been lost while it was idle.
func (w *worker) read(f func(context.Context, *sql.Conn) error) error {
	w.dropOld()
	used := w.conn != nil
	err := w.try(f)
	if err != nil && used {
		return w.try(f)
	}
	return err
}

// write runs f once. After an error nobody knows whether the change was made, and a
// second attempt would find the code used.
func (w *worker) write(f func(context.Context, *sql.Conn) error) error {
	w.dropOld()
	return w.try(f)
}

// try runs f on the connection, which it opens if there is none. f goes on if its
// callers leave: one of them must not fail the others, and nobody knows what becomes of
// a change that is cancelled under way.
func (w *worker) try(f func(context.Context, *sql.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(w.limit, batchTimeout))
	defer cancel()
	if err := w.connect(ctx); err != nil {
		w.drop()
		return fmt.Errorf("connecting: %w", err)
	}
	err := f(ctx, w.conn)
	for isRolledBack(err) {
		err = f(ctx, w.conn)
	}
	if err != nil {
		if err = explainMoved(ctx, w.conn, postgresDialect, err); errors.Is(err, ErrMoved) {
			return err // the connection is good
		}
		w.store.pooled.CompareAndSwap(false, isUnprepared(err))
		w.store.epoch.CompareAndSwap(w.epoch, w.epoch+1)
		w.drop()
	}
	return err
}

// isUnprepared reports whether a session does not have the statements that it should: a
// pooler has not given itself away.
func isUnprepared(err error) bool {
	return isState(err, "26000", "42P05")
}

// isRolledBack reports whether the error is a serialization failure or a deadlock:
// PostgreSQL has undone the transaction in favour of others, and it may be run again. Any
// write may meet that if the database's default isolation level is above read committed.
func isRolledBack(err error) bool {
	return isState(err, "40001", "40P01")
}

// connect opens the connection if there is none. It gives up when the store is closed.
func (w *worker) connect(ctx context.Context) (err error) {
	if w.conn != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.store.ctx, cancel)()
	w.epoch = w.store.epoch.Load()
	if w.conn, err = w.store.db.Conn(ctx); err != nil {
		return err
	}
	w.querier = w.conn
	if w.store.pooled.Load() {
		return nil
	}
	direct, err := isDirect(ctx, w.conn)
	if direct {
		w.querier = newPreparer(w.conn)
	}
	return err
}

// isDirect reports whether no pooler is between: a pooler tells its clients of a process
// of its own making, as it may give them another one with each transaction.
func isDirect(ctx context.Context, conn *sql.Conn) (direct bool, err error) {
	var process uint32
	if err := conn.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&process); err != nil {
		return false, err
	}
	err = conn.Raw(func(c any) error {
		direct = c.(*stdlib.Conn).Conn().PgConn().PID() == process
		return nil
	})
	return direct, err
}

func (w *worker) dropOld() {
	if w.epoch != w.store.epoch.Load() {
		w.drop()
	}
}

// drop closes the connection, if there is one.
func (w *worker) drop() {
	if w.conn != nil {
		w.conn.Raw(func(any) error { return driver.ErrBadConn }) // or the pool would keep it
		w.conn, w.querier = nil, nil
	}
}

func (w *worker) readBatch(batch []*read) error {
	return w.read(func(ctx context.Context, _ *sql.Conn) error { return readRows(ctx, w.querier, batch) })
}

func (w *worker) writeBatch(batch []*write) error {
	return w.write(func(ctx context.Context, _ *sql.Conn) error { return w.store.writeStates(ctx, w.querier, batch) })
}

func (w *worker) lookUp(batch []*lookUp) error {
	sessions, links := sessionsOf(batch)
	return w.read(func(ctx context.Context, _ *sql.Conn) error {
		if len(links) > 0 {
			if err := findLinks(ctx, w.querier, links, selectTokensIn, hashesOf(links)); err != nil {
				return doing("finding links", err)
			}
		}
		if len(sessions) == 0 {
			return nil
		}
		return findSessions(ctx, w.querier, sessions, selectSessionsIn, hashesOf(sessions))
	})
}

// runJob tries the connection before a change, because an idle one may be lost.
func (w *worker) runJob(batch []*job) error {
	j := batch[0]
	w.limit = j.limit
	if !j.changes {
		return w.read(j.run)
	}
	if err := w.read(func(ctx context.Context, conn *sql.Conn) error { return conn.PingContext(ctx) }); err != nil {
		return err
	}
	return w.write(j.run)
}

func readRows(ctx context.Context, q querier, batch []*read) error {
	ids := each(batch, func(r *read) string { return r.id })
	found, err := queryRows(ctx, q, selectRows, ids)
	if err != nil {
		return doing("reading accounts", err)
	}
	byID := make(map[string]row, len(found))
	for _, r := range found {
		byID[r.id] = r
	}
	for _, r := range batch {
		r.row = byID[r.id]
	}
	return nil
}

// errWarning says that PostgreSQL has sent a warning with its result. When a commit's
// wait for a synchronous standby is cancelled, PostgreSQL answers that the commit was
// successful, with a warning that the standby may not have it.
var errWarning = errors.New("PostgreSQL warned about the commit: it may not be safe on the standby")

// writeStates updates the rows of the batch in one statement, which is its own
// transaction.
func (p *Postgres) writeStates(ctx context.Context, q querier, batch []*write) error {
	var rows []*row
	first := map[string]*write{}
	for _, w := range batch {
		w.changed = false
		if first[w.row.id] == nil {
			first[w.row.id], w.tried = w, true
			rows = append(rows, &w.row)
		}
	}
	before := p.warnings.Load()
	changed, err := query(ctx, q, oneField[string], updateStates, stateArrays(rows)...)
	if err != nil {
		return doing("writing accounts", err)
	}
	for _, id := range changed {
		first[id].changed = true
	}
	if p.warnings.Load() != before {
		return errWarning
	}
	p.committed(len(changed))
	return nil
}

// stateArrays returns the parameters of updateStates, an array for each of stateColumns.
func stateArrays(rows []*row) []any {
	return []any{
		each(rows, func(r *row) string { return r.id }),
		each(rows, func(r *row) int64 { return r.revision }),
		each(rows, func(r *row) int64 { return r.lastStep }),
		each(rows, func(r *row) int64 { return int64(r.failures) }),
		each(rows, func(r *row) int64 { return r.waitUntil }),
		each(rows, func(r *row) int64 { return int64(r.blocked) }),
		each(rows, func(r *row) int64 { return int64(r.recoveryUsed) }),
		each(rows, func(r *row) string { return r.answer }),
		each(rows, func(r *row) int64 { return int64(r.recent) }),
		each(rows, func(r *row) int64 { return r.recentSince }),
		each(rows, func(r *row) int64 { return int64(r.recoveryFailures) }),
		each(rows, func(r *row) int64 { return r.recoverySince }),
	}
}

// readRow returns a row, or ErrNoAccount.
func (p *Postgres) readRow(ctx context.Context, id string) (row, error) {
	r := &read{id: id}
	if err := p.reads.ask(ctx, r); err != nil {
		return row{}, err
	}
	if r.row.id == "" {
		return row{}, verifier.ErrNoAccount
	}
	return r.row, nil
}

// writeRow reports whether the row was changed, and whether its batch has tried to: a
// batch tries one write an account.
func (p *Postgres) writeRow(ctx context.Context, r row) (changed, tried bool, err error) {
	w := &write{row: r}
	if err := p.writes.ask(ctx, w); err != nil {
		return false, false, err
	}
	return w.changed, w.tried, nil
}
