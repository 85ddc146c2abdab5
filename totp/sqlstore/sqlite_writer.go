package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"totpctl/totp/verifier"
)

// A request waits in the queue for the writer, then for its commit.
type request struct {
	ctx context.Context
	id  string // of the account that run loads, "" if it loads none
	run func(ctx context.Context, w *writer) error
}

// submit has the writer run something, about the account that it is to read
// ahead, and returns after the commit.
func (s *SQLite) submit(ctx context.Context, id string, run func(context.Context, *writer) error) error {
	return s.requests.ask(ctx, &request{ctx, id, run})
}

// A writer is the goroutine that owns the connection.
type writer struct {
	store      *SQLite
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	ahead      map[string]row // read already in this transaction, by id
	written    int            // rows since the last checkpoint was asked for
}

func (w *writer) prepare(ctx context.Context) error {
	for _, text := range []string{begin, "COMMIT", "ROLLBACK", selectRow, selectAhead, selectPage, selectTokensListed, sweep,
		updateState, updateAccount, updateEnrolment, insertAccount, insertKeyless, insertEnrolment, deleteAccount, deleteEnrolment} {
		statement, err := w.conn.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("preparing %q: %w", text, err)
		}
		w.statements[text] = statement
	}
	return nil
}

// release closes the statements, too: a connection that has some is not closed
// by SQLite, and leaves its log. That is right if its files are others by now,
// to which it would copy pages that are not theirs.
func (w *writer) release() error {
	if err := w.store.checkFiles(); err != nil {
		return err
	}
	var errs []error
	for _, s := range w.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

// run handles batches until the store is closed.
func (w *writer) run() {
	for {
		select {
		case <-w.store.requests.ready:
			w.handle(w.store.requests.take(maxBatch))
			w.askCheckpointer()
		case <-w.store.lookUps.ready:
			w.store.lookUps.serveBatch(maxBatch, w.lookUp)
		case <-w.store.copied:
			checkpoint(w.store.ctx, w.conn) // if it fails, the next may not
		case <-w.store.ctx.Done():
			return
		}
	}
}

func (w *writer) askCheckpointer() {
	if w.written < checkpointRows {
		return
	}
	select {
	case w.store.checkpointer.wake <- struct{}{}:
		w.written = 0
	default: // it has not got round to the last one
	}
}

// handle answers every request of the batch, none before the commit. What
// concerns one account is one request's answer; any other error fails the
// transaction and with it the batch.
func (w *writer) handle(batch []*ticket[*request]) {
	if len(batch) == 0 {
		return
	}
	answers := make([]error, len(batch))
	ctx := context.Background()
	err := inTransaction(ctx, w.runPrepared, begin, func() error {
		if err := w.runAll(ctx, batch, answers); err != nil {
			return err
		}
		return w.store.checkFiles()
	})
	if err == nil {
		err = w.store.checkFiles()
	}
	for i, t := range batch {
		if err != nil {
			answers[i] = fmt.Errorf("writing batch: %w", err)
		}
		t.answer <- answers[i]
	}
}

// runPrepared runs a statement that takes nothing and returns nothing.
func (w *writer) runPrepared(ctx context.Context, text string) error {
	_, err := w.statements[text].ExecContext(ctx)
	return err
}

func (w *writer) runAll(ctx context.Context, batch []*ticket[*request], answers []error) error {
	if err := w.readAhead(ctx, batch); err != nil {
		return err
	}
	for i, t := range batch {
		r := t.request
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

// readAhead reads what the batch will load with one statement, which costs less
// than one for each.
func (w *writer) readAhead(ctx context.Context, batch []*ticket[*request]) error {
	w.ahead = make(map[string]row, len(batch))
	var ids []string
	for _, t := range batch {
		if id := t.request.id; id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) < 2 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	rows, err := w.statements[selectAhead].QueryContext(ctx, string(list))
	if err != nil {
		return engine("reading accounts", err)
	}
	all, err := scanRows(rows)
	for _, r := range all {
		w.ahead[r.id] = r
	}
	return engine("reading accounts", err)
}

// load takes a row that was read ahead once: what comes of it may be written.
func (w *writer) load(ctx context.Context, id string) (r row, err error) {
	if r, ok := w.ahead[id]; ok {
		delete(w.ahead, id)
		return r, nil
	}
	err = w.statements[selectRow].QueryRowContext(ctx, id).Scan(r.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return r, verifier.ErrNoAccount
	}
	return r, engine("reading account", err)
}

// lookUp finds links with one statement, outside of a transaction: no look-up
// waits for another process's.
func (w *writer) lookUp(batch []*lookUp) error {
	list, err := json.Marshal(hashesOf(batch))
	if err != nil {
		return err
	}
	rows, err := w.statements[selectTokensListed].QueryContext(context.Background(), string(list))
	if err == nil {
		err = scanLookUps(rows, batch)
	}
	if err = errors.Join(err, w.store.checkFiles()); err != nil {
		return fmt.Errorf("finding links: %w", err)
	}
	return nil
}

// A statement comes with its parameters.
type statement struct {
	text   string
	values []any
}

// change runs the statements; unless the first changes a row, it returns the given
// error.
func (w *writer) change(ctx context.Context, otherwise error, statements ...statement) error {
	for i, s := range statements {
		w.written++
		result, err := w.statements[s.text].ExecContext(ctx, s.values...)
		if err != nil {
			return engine("writing account", err)
		}
		if n, err := result.RowsAffected(); err != nil {
			return engine("writing account", err)
		} else if i == 0 && n != 1 {
			return otherwise
		}
	}
	return nil
}

// errConflict cannot happen here, unless decide takes the last step back: the
// transaction has excluded every other writer since before the row was read.
var errConflict = errors.New("account changed while it was decided on")
