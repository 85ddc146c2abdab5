package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"totpctl/totp/verifier"
)

// A request waits in the queue for the writer, then for its commit.
type request struct {
	ctx  context.Context
	run  func(ctx context.Context, w *writer) error
	done chan error
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
	store      *SQLite
	statements map[string]*sql.Stmt
}

func newWriter(ctx context.Context, s *SQLite) (*writer, error) {
	w := &writer{store: s, statements: map[string]*sql.Stmt{}}
	for _, text := range []string{selectRow, updateState, updateRow, insertRow, deleteRow, selectPage, selectToken} {
		statement, err := s.conn.PrepareContext(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("preparing %q: %w", text, err)
		}
		w.statements[text] = statement
	}
	return w, nil
}

// run handles batches until the store is closed.
func (w *writer) run() {
	defer close(w.store.stopped)
	for {
		select {
		case r := <-w.store.queue:
			w.handle(fill(r, w.store.queue))
		case <-w.store.ctx.Done():
			return
		}
	}
}

// handle answers every request of the batch, none before the commit. What
// concerns one account is one request's answer; any other error fails the
// transaction and with it the batch.
func (w *writer) handle(batch []*request) {
	answers := make([]error, len(batch))
	ctx := context.Background()
	err := inTransaction(ctx, w.store.conn, "BEGIN IMMEDIATE", func() error { return w.runAll(ctx, batch, answers) })
	if err == nil {
		err = w.checkFiles()
	}
	for i, r := range batch {
		if err != nil {
			answers[i] = fmt.Errorf("writing batch: %w", err)
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
		if failure, ok := errors.AsType[engineError](answers[i]); ok {
			return failure
		}
	}
	return nil
}

// An engineError is the database's own, not an answer about one account.
type engineError struct{ error }

func (e engineError) Unwrap() error { return e.error }

func engine(doing string, err error) error {
	if err == nil {
		return nil
	}
	return engineError{fmt.Errorf("%s: %w", doing, err)}
}

// checkFiles refuses an answer from a database that was deleted or replaced, or
// whose write-ahead log was: what was committed to it will be forgotten at the
// next start, and its codes would be good again.
func (w *writer) checkFiles() error {
	for path, opened := range w.store.opened {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !os.SameFile(info, opened) {
			return fmt.Errorf("%s is no longer the file that was opened: restart to use it", path)
		}
	}
	return nil
}

func (w *writer) load(ctx context.Context, id string) (r row, err error) {
	err = w.statements[selectRow].QueryRowContext(ctx, id).Scan(r.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return r, verifier.ErrNoAccount
	}
	return r, engine("reading account", err)
}

// exec runs a statement that must change exactly one row; otherwise it returns
// the given error.
func (w *writer) exec(ctx context.Context, text string, otherwise error, args ...any) error {
	result, err := w.statements[text].ExecContext(ctx, args...)
	if err != nil {
		return engine("writing account", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n != 1 {
		return otherwise
	}
	return engine("writing account", err)
}

// errConflict cannot happen here: the transaction has excluded every other
// writer since before the row was read.
var errConflict = errors.New("account changed while it was decided on")
