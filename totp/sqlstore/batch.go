package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"totpctl/totp/verifier"
)

// fill takes what waits in the queue, without waiting for more.
func fill[T any](first T, queue <-chan T) []T {
	runtime.Gosched() // to those who are about to enter the queue
	batch := []T{first}
	for len(batch) < maxBatch {
		select {
		case r := <-queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// A read waits for a row.
type read struct {
	id   string
	row  row
	done chan error
}

// A write waits for its verdict: whether the row was still as it was read.
type write struct {
	row     row
	changed bool
	tried   bool // false if another write of the batch was for the same account
	done    chan error
}

// run serves both queues until the store is closed.
func (p *Postgres) run() {
	defer close(p.stopped)
	var both sync.WaitGroup
	both.Go(func() { serve(p, p.reads, p.readTwice, func(r *read, err error) { r.done <- err }) })
	both.Go(func() { serve(p, p.writes, p.writeOnce, func(w *write, err error) { w.done <- err }) })
	both.Wait()
}

// serve handles a queue's batches on a connection of its own, which it gives up
// after an error, its own or another's: the server may have gone, or be the
// primary no more. As every write follows a read, the reader's error spares the
// writer one that would leave callers without a verdict.
func serve[T any](p *Postgres, queue <-chan T, handle func(*sql.Conn, []T) (*sql.Conn, error), done func(T, error)) {
	var conn *sql.Conn
	var failures int64
	for {
		select {
		case first := <-queue:
			batch := fill(first, queue)
			var err error
			if now := p.failures.Load(); now != failures {
				conn, failures = drop(conn), now
			}
			conn, err = handle(conn, batch)
			for _, request := range batch {
				done(request, err)
			}
		case <-p.ctx.Done():
			if conn != nil {
				conn.Close()
			}
			return
		}
	}
}

// attempt runs handle on conn, or on a new connection if it is nil, and returns
// the connection to go on with.
func (p *Postgres) attempt(conn *sql.Conn, handle func(context.Context, *sql.Conn) error) (*sql.Conn, error) {
	ctx, cancel := context.WithTimeout(p.ctx, batchTimeout)
	defer cancel()
	if conn == nil {
		var err error
		if conn, err = p.db.Conn(ctx); err != nil {
			return nil, fmt.Errorf("connecting: %w", err)
		}
	}
	err := handle(ctx, conn)
	if err == nil {
		return conn, nil
	}
	drop(conn)
	p.failures.Add(1)
	p.db.SetMaxIdleConns(0) // drops the others, which lead to the same server
	p.db.SetMaxIdleConns(maxConnections)
	return nil, err
}

// drop closes a connection, if there is one, and takes it out of the pool.
func drop(conn *sql.Conn) (none *sql.Conn) {
	if conn != nil {
		conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return nil
}

// readTwice reads again on a new connection if the one that was in use fails: it
// may have been lost while nobody asked.
func (p *Postgres) readTwice(conn *sql.Conn, batch []*read) (*sql.Conn, error) {
	handle := func(ctx context.Context, c *sql.Conn) error { return p.readBatch(ctx, c, batch) }
	used := conn != nil
	conn, err := p.attempt(conn, handle)
	if err != nil && used {
		return p.attempt(nil, handle)
	}
	return conn, err
}

// writeOnce does not write again: whether the first attempt has taken effect is
// unknown, and a second would find the code used.
func (p *Postgres) writeOnce(conn *sql.Conn, batch []*write) (*sql.Conn, error) {
	return p.attempt(conn, func(ctx context.Context, c *sql.Conn) error { return p.writeBatch(ctx, c, batch) })
}

func (p *Postgres) readBatch(ctx context.Context, conn *sql.Conn, batch []*read) error {
	ids := make([]string, len(batch))
	for i, r := range batch {
		ids[i] = r.id
	}
	rows, err := conn.QueryContext(ctx, selectRows, ids)
	if err != nil {
		return fmt.Errorf("reading accounts: %w", err)
	}
	found, err := scanRows(rows)
	if err != nil {
		return fmt.Errorf("reading accounts: %w", err)
	}
	byID := make(map[string]row, len(found))
	for _, r := range found {
		byID[r.id] = r
	}
	for _, r := range batch {
		r.row = byID[r.id] // without an id if it is not there
	}
	return nil
}

// errWarning says that the server has said something beside the result. When a
// commit's wait for a synchronous standby is cancelled, PostgreSQL answers that
// it was successful, with a warning that the standby may not have it.
var errWarning = errors.New("PostgreSQL warned about the commit: it may not be safe on the standby")

// writeBatch updates the rows of the batch in one statement, which is its own
// transaction.
func (p *Postgres) writeBatch(ctx context.Context, conn *sql.Conn, batch []*write) error {
	var args stateArrays
	first := map[string]*write{}
	for _, w := range batch {
		if first[w.row.id] == nil {
			first[w.row.id], w.tried = w, true
			args.add(w.row)
		}
	}
	before := p.warnings.Load()
	rows, err := conn.QueryContext(ctx, updateStates, args.values()...)
	if err != nil {
		return fmt.Errorf("writing accounts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("writing accounts: %w", err)
		}
		first[id].changed = true
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("writing accounts: %w", err)
	}
	if p.warnings.Load() != before {
		return errWarning
	}
	return nil
}

// stateArrays are the parameters of updateStates.
type stateArrays struct {
	ids                         []string
	revisions, lastSteps, waits []int64
	failures, blocked, used     []int64
	answers                     []string
}

func (a *stateArrays) add(r row) {
	a.ids = append(a.ids, r.id)
	a.revisions = append(a.revisions, r.revision)
	a.lastSteps = append(a.lastSteps, r.lastStep)
	a.failures = append(a.failures, int64(r.failures))
	a.waits = append(a.waits, r.waitUntil)
	a.blocked = append(a.blocked, int64(r.blocked))
	a.used = append(a.used, int64(r.recoveryUsed))
	a.answers = append(a.answers, r.answer)
}

func (a *stateArrays) values() []any {
	return []any{a.ids, a.revisions, a.lastSteps, a.failures, a.waits, a.blocked, a.used, a.answers}
}

// readRow and writeRow wait for their batch, or for the caller to leave.
func (p *Postgres) readRow(ctx context.Context, id string) (row, error) {
	r := &read{id: id, done: make(chan error, 1)}
	if err := await(ctx, p, p.reads, r, r.done); err != nil {
		return row{}, err
	}
	if r.row.id == "" {
		return row{}, verifier.ErrNoAccount
	}
	return r.row, nil
}

func (p *Postgres) writeRow(ctx context.Context, r row) (changed, tried bool, err error) {
	w := &write{row: r, done: make(chan error, 1)}
	if err := await(ctx, p, p.writes, w, w.done); err != nil {
		return false, false, err
	}
	return w.changed, w.tried, nil
}

func await[T any](ctx context.Context, p *Postgres, queue chan<- T, request T, done <-chan error) error {
	select {
	case queue <- request:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ctx.Done():
		return ErrClosed
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-p.stopped:
		return ErrClosed
	}
}
