package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"totpctl/totp/verifier"
)

// A request is a function that the writer runs in a transaction.
type request struct {
	ctx context.Context
	id  string // of the account that run loads, for readAhead; "" if it loads none
	run func(ctx context.Context, w *writer) error
}

// submit has the writer run a request, and returns after the commit.
func (s *SQLite) submit(ctx context.Context, id string, run func(context.Context, *writer) error) error {
	return s.requests.ask(ctx, &request{ctx, id, run})
}

// A writer is what the writer's goroutine owns.
type writer struct {
	*preparer
	store   *SQLite
	ahead   map[string]row // by id: what readAhead has read, and no request has used
	written int            // rows since the last checkpoint was asked for
	dropped bool           // sealed text since the checkpointer was told of it
}

// release closes the statements first: SQLite keeps a connection with open
// statements alive. If the files were replaced it closes nothing, on purpose: the
// last checkpoint would copy our pages into a foreign database.
func (w *writer) release() error {
	if err := w.store.checkFiles(); err != nil {
		return err
	}
	return errors.Join(w.closeStatements(), w.conn.Close())
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
		case <-w.store.listings.ready:
			w.store.listings.serveBatch(1, w.list)
		case mustEmpty := <-w.store.copied: // an error loses nothing: see checkpointer
			checkpoint(w.store.ctx, w.conn)
			if mustEmpty && !empty(w.store.ctx, w.conn) {
				w.dropped = true // again with the next batch
			}
		case <-w.store.ctx.Done():
			return
		}
	}
}

func (w *writer) askCheckpointer() {
	if w.dropped {
		w.dropped = !offer(w.store.checkpointer.dropped)
	}
	if w.written < checkpointRows {
		return
	}
	if offer(w.store.checkpointer.wake) {
		w.written = 0
	}
}

// handle answers every request of the batch, none before the commit.
//
// It checks the files twice. Before the commit, the check keeps a writer whose
// write-ahead log was replaced from filling the old log further: a checkpoint would
// copy that into a database that others now use. After the commit, the check refuses
// the answers of a batch during which a file was replaced.
func (w *writer) handle(batch []*ticket[*request]) {
	if len(batch) == 0 {
		return
	}
	answers, before := make([]error, len(batch)), w.written
	ctx := context.Background()
	err := inTransaction(ctx, w, begin, func() error {
		if err := w.runAll(ctx, batch, answers); err != nil {
			return err
		}
		return w.store.checkFiles()
	})
	if err == nil {
		w.store.committed(w.written - before)
		err = w.store.checkFiles()
	}
	err = explainMoved(ctx, w.conn, sqliteDialect, err)
	for i, t := range batch {
		if err != nil {
			answers[i] = fmt.Errorf("writing batch: %w", err)
		}
		t.answer <- answers[i]
	}
}

// runAll runs the requests of callers who still wait. An answer about one account
// is for its caller; any other error fails the batch.
func (w *writer) runAll(ctx context.Context, batch []*ticket[*request], answers []error) error {
	if err := w.readAhead(ctx, batch); err != nil {
		return err
	}
	for i, t := range batch {
		r := t.request
		if answers[i] = r.ctx.Err(); answers[i] != nil {
			continue
		}
		err := r.run(ctx, w)
		if a, ok := errors.AsType[answered](err); ok {
			answers[i] = a.error
		} else if err != nil {
			return err
		}
	}
	return nil
}

// readAhead reads the rows that the batch will load: one statement for all of them takes
// less time than one for each.
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
	found, err := queryRows(ctx, w, selectAhead, string(list))
	for _, r := range found {
		w.ahead[r.id] = r
	}
	return doing("reading accounts", err)
}

// load reads an account's row, or answers that there is none.
func (w *writer) load(ctx context.Context, id string) (row, error) {
	if r, ok := w.ahead[id]; ok {
		delete(w.ahead, id) // what this request writes is not in it
		return r, nil
	}
	found, err := queryRows(ctx, w, selectRow, id)
	if err != nil {
		return row{}, doing("reading account", err)
	}
	if len(found) == 0 {
		return row{}, answered{verifier.ErrNoAccount}
	}
	if found[0].id != id { // by a collation, or a view, of somebody else's
		return row{}, answered{fmt.Errorf("account %q: %w", id, damaged("id", errors.New("is another account's")))}
	}
	return found[0], nil
}

// lookUp finds links and sessions with one statement each, outside of a transaction, so that
// it does not wait for another process's transaction.
func (w *writer) lookUp(batch []*lookUp) error {
	sessions, links := sessionsOf(batch)
	err := errors.Join(w.find(links, findLinks, selectTokensListed), w.find(sessions, findSessions, selectSessionsListed))
	err = explainMoved(context.Background(), w.conn, sqliteDialect, err)
	return doing("looking up", errors.Join(err, w.store.checkFiles()))
}

func (w *writer) find(batch []*lookUp, find func(context.Context, querier, []*lookUp, string, any) error, text string) error {
	if len(batch) == 0 {
		return nil
	}
	hashes, err := json.Marshal(hashesOf(batch))
	if err != nil {
		return err
	}
	return find(context.Background(), w, batch, text, string(hashes))
}

// A listing is a request for a page of rows.
type listing struct {
	statement
	page []row // the answer
}

// list reads a page outside of a transaction: who pages through all accounts, one page
// right after the other, would keep another process from SQLite's lock.
func (w *writer) list(batch []*listing) (err error) {
	l := batch[0]
	l.page, err = queryRows(context.Background(), w, l.text, l.values...)
	err = explainMoved(context.Background(), w.conn, sqliteDialect, err)
	return doing("listing accounts", errors.Join(err, w.store.checkFiles()))
}

// A statement is a text with its parameters.
type statement struct {
	text   string
	values []any
}

func (r *row) updates() []statement {
	return []statement{{updateAccount, r.accountValues()}, {updateEnrolment, r.enrolmentValues()}}
}

// inserts takes insertAccount, or insertKeyless.
func (r *row) inserts(account string) []statement {
	return []statement{{account, append(r.accountValues(), r.enrolment)}, {insertEnrolment, append(r.enrolmentValues(), r.id, r.created)}}
}

// change runs the statements. If the first changes no row, change answers with the error
// unchanged.
func (w *writer) change(ctx context.Context, unchanged error, statements ...statement) error {
	for i, s := range statements {
		w.written++
		w.dropped = w.dropped || s.text == updateEnrolment || s.text == renameEnrolment || s.text == deleteEnrolment
		result, err := w.ExecContext(ctx, s.text, s.values...)
		if err != nil {
			return doing("writing row", err)
		}
		if n, err := result.RowsAffected(); err != nil {
			return doing("writing row", err)
		} else if i == 0 && n != 1 {
			return answered{unchanged}
		}
	}
	return nil
}
