package sqlstore

import (
	"context"
	"database/sql"

	"totpctl/totp/verifier"
)

// A lookUp waits for the account of an enrolment link.
type lookUp struct {
	hash string // of the link's token
	id   string // "" if no account has it
}

func findToken(ctx context.Context, q *queue[*lookUp], hash string) (string, error) {
	l := &lookUp{hash: hash}
	if err := q.ask(ctx, l); err != nil {
		return "", err
	}
	if l.id == "" {
		return "", verifier.ErrNoAccount
	}
	return l.id, nil
}

func hashesOf(batch []*lookUp) []string {
	hashes := make([]string, len(batch))
	for i, l := range batch {
		hashes[i] = l.hash
	}
	return hashes
}

func scanLookUps(rows *sql.Rows, batch []*lookUp) error {
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var hash, id string
		if err := rows.Scan(&hash, &id); err != nil {
			return err
		}
		found[hash] = id
	}
	for _, l := range batch {
		l.id = found[l.hash]
	}
	return rows.Err()
}
