package sqlstore

import (
	"context"

	"totpctl/totp/verifier"
)

// A lookUp is a request for the account of an enrolment link, or for a session.
type lookUp struct {
	hash string // of the link's token, or of the session's id
	id   string // "" if no account has it

	ofSession bool
	session   sessionRow // the answer; without a hash if there is none
	failed    error
}

// FindToken implements verifier.Store.
func (s *shared) FindToken(ctx context.Context, hash string) (string, error) {
	l := &lookUp{hash: hash}
	if err := s.lookUps.ask(ctx, l); err != nil {
		return "", err
	}
	if l.id == "" {
		return "", verifier.ErrNoAccount
	}
	return l.id, nil
}

// sessionsOf parts the look-ups of sessions from those of links.
func sessionsOf(batch []*lookUp) (sessions, links []*lookUp) {
	for _, l := range batch {
		if l.ofSession {
			sessions = append(sessions, l)
		} else {
			links = append(links, l)
		}
	}
	return sessions, links
}

func hashesOf(batch []*lookUp) []string {
	return each(batch, func(l *lookUp) string { return l.hash })
}

// A link leads to the account that has it.
type link struct{ hash, id string }

func (l *link) fields() []any { return []any{&l.hash, &l.id} }

// findLinks answers the look-ups of a batch with one statement. The hashes are the
// statement's parameter.
func findLinks(ctx context.Context, q querier, batch []*lookUp, text string, hashes any) error {
	links, err := query(ctx, q, (*link).fields, text, hashes)
	found := map[string]string{}
	for _, l := range links {
		found[l.hash] = l.id
	}
	for _, l := range batch {
		l.id = found[l.hash]
	}
	return err
}
