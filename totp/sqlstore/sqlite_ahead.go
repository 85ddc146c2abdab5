package sqlstore

import (
	"context"
	"encoding/json"
)

// rowsAhead are rows that a batch has read before its requests run, by id: one
// statement for all costs less than one for each. A row is good once, because what
// its request writes is not in it.
type rowsAhead map[string]row

func (a rowsAhead) take(id string) (row, bool) {
	r, ok := a[id]
	delete(a, id)
	return r, ok
}

// readAhead reads what the batch will load.
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
