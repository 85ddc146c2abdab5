package sqlstore

import (
	"context"
	"encoding/json"
)

// rowsAhead are rows, by id, that are read before a batch's requests run: one statement
// for all of them takes less time than one for each. A row is good for one request,
// because what that request writes is not in it.
type rowsAhead map[string]row

func (a rowsAhead) take(id string) (row, bool) {
	r, ok := a[id]
	delete(a, id)
	return r, ok
}

// readAhead reads the rows that the batch will load.
func (w *writer) readAhead(ctx context.Context, batch []*ticket[*request]) error {
	w.ahead = make(rowsAhead, len(batch))
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
