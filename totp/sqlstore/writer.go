package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"totpctl/totp/verifier"
)

// maxBatch bounds how many requests share a transaction.
const maxBatch = 256

// A request waits in the queue for the writer, then for its commit.
type request struct {
	ctx  context.Context
	run  func(ctx context.Context, w *writer) error
	done chan error
}

// Update implements verifier.Store.
func (s *SQLite) Update(ctx context.Context, id string, decide func(verifier.State) (verifier.State, bool)) error {
	return s.submit(ctx, func(ctx context.Context, w *writer) error { return w.update(ctx, id, decide) })
}

// Create implements verifier.Store.
func (s *SQLite) Create(ctx context.Context, id string) error {
	return s.submit(ctx, func(ctx context.Context, w *writer) error {
		_, err := w.create.ExecContext(ctx, id)
		return err
	})
}

func (s *SQLite) submit(ctx context.Context, run func(context.Context, *writer) error) error {
	r := &request{ctx, run, make(chan error, 1)}
	select {
	case s.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return ErrClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
		return r.answerOrClosed()
	}
}

// answerOrClosed is for a request that entered the queue as the store closed:
// the writer may have gone without seeing it.
func (r *request) answerOrClosed() error {
	select {
	case err := <-r.done:
		return err
	default:
		return ErrClosed
	}
}

// A writer is the goroutine that owns the connection.
type writer struct {
	store                 *SQLite
	load, replace, create *sql.Stmt
}

func newWriter(ctx context.Context, s *SQLite) (*writer, error) {
	w := &writer{store: s}
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{{&w.load, loadState}, {&w.replace, replaceState}, {&w.create, createAccount}} {
		var err error
		if *p.stmt, err = s.conn.PrepareContext(ctx, p.text); err != nil {
			return nil, fmt.Errorf("preparing %q: %w", p.text, err)
		}
	}
	return w, nil
}

// run handles batches until the store is closed.
func (w *writer) run() {
	defer close(w.store.stopped)
	for {
		select {
		case r := <-w.store.queue:
			w.handle(w.fill(r))
		case <-w.store.ctx.Done():
			return
		}
	}
}

func (w *writer) fill(first *request) []*request {
	batch := []*request{first}
	for len(batch) < maxBatch {
		select {
		case r := <-w.store.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// handle answers every request of the batch, none before the commit. An account
// that does not exist is one request's answer; any other error fails the
// transaction and with it the batch.
func (w *writer) handle(batch []*request) {
	answers := make([]error, len(batch))
	ctx := context.Background()
	err := w.checkFile()
	if err == nil {
		err = inTransaction(ctx, w.store.conn, func() error { return w.runAll(ctx, batch, answers) })
	}
	for i, r := range batch {
		if err != nil {
			answers[i] = err
		}
		r.done <- answers[i]
	}
}

func (w *writer) runAll(ctx context.Context, batch []*request, answers []error) error {
	for i, r := range batch {
		if answers[i] = r.ctx.Err(); answers[i] != nil {
			continue
		}
		answers[i] = r.run(ctx, w)
		if answers[i] != nil && !concernsOne(answers[i]) {
			return answers[i]
		}
	}
	return nil
}

func concernsOne(err error) bool {
	return errors.Is(err, verifier.ErrNoAccount) || errors.Is(err, errDamaged)
}

// checkFile refuses to go on with a database that was deleted or replaced: what
// is written to it now would be forgotten at the next start, and its codes would
// be good again.
func (w *writer) checkFile() error {
	info, err := os.Stat(w.store.path)
	if err != nil {
		return err
	}
	if !os.SameFile(info, w.store.opened) {
		return fmt.Errorf("%s is no longer the file that was opened: restart to use it", w.store.path)
	}
	return nil
}

// update needs no second try: the transaction has excluded every other writer
// since before the row was read.
func (w *writer) update(ctx context.Context, id string, decide func(verifier.State) (verifier.State, bool)) error {
	old, err := scanState(w.load.QueryRowContext(ctx, id))
	if err != nil {
		return err
	}
	next, change := decide(old)
	if !change {
		return nil
	}
	return execReplace(ctx, w.replace, id, old, next)
}
