package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"totpctl/totp/session"
)

// Statements on table admin_session, for both engines.
const (
	// trimSessions needs no lock: a server that adds a session at the same time trims, too.
	trimSessions = `DELETE FROM admin_session WHERE expires_at <= ?1
		OR hash NOT IN (SELECT hash FROM admin_session WHERE expires_at > ?1 ORDER BY seen_at DESC, hash LIMIT ?2)`

	insertSession = `INSERT INTO admin_session (hash, bearer, created_at, seen_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)`

	seeSession = `UPDATE admin_session SET seen_at = ?2, expires_at = ?3 WHERE hash = ?1 AND expires_at > ?2`

	deleteSession = `DELETE FROM admin_session WHERE hash = ?1`

	deleteSessions = `DELETE FROM admin_session`

	selectSessions = `SELECT hash, bearer, created_at, seen_at, expires_at FROM admin_session WHERE hash `

	selectSessionsListed = selectSessions + `IN (SELECT value FROM json_each(?1))` // SQLite's

	selectSessionsIn = selectSessions + `= ANY($1::text[])` // PostgreSQL's
)

// A sessionRow is a row of table admin_session.
type sessionRow struct {
	hash, mac              string // column bearer has the MAC
	created, seen, expires int64
}

func (r *sessionRow) fields() []any {
	return []any{&r.hash, &r.mac, &r.created, &r.seen, &r.expires}
}

func (r sessionRow) session() session.Row {
	return session.Row{Hash: r.hash, MAC: r.mac, Created: fromMillis(r.created), Seen: fromMillis(r.seen), Expires: fromMillis(r.expires)}
}

func addSession(ctx context.Context, q querier, d dialect, r session.Row, most int) error {
	if _, err := q.ExecContext(ctx, d.statement(trimSessions), millis(r.Created), int64(most-1)); err != nil {
		return doing("trimming sessions", err)
	}
	_, err := q.ExecContext(ctx, d.statement(insertSession), r.Hash, r.MAC, millis(r.Created), millis(r.Seen), millis(r.Expires))
	return doing("adding session", err)
}

// FindSession implements session.Store.
func (s *shared) FindSession(ctx context.Context, hash string) (session.Row, error) {
	l := &lookUp{hash: hash, ofSession: true}
	if err := s.lookUps.ask(ctx, l); err != nil {
		return session.Row{}, err
	}
	if l.failed == nil && l.session.hash == "" {
		l.failed = session.ErrNone
	}
	return l.session.session(), l.failed
}

// findSessions answers the look-ups of a batch, as findLinks does. A role that has no rights
// to the table fails these look-ups alone: anybody can ask for them, and an error gives up the
// connections of everybody.
func findSessions(ctx context.Context, q querier, batch []*lookUp, text string, hashes any) error {
	rows, err := query(ctx, q, (*sessionRow).fields, text, hashes)
	if rights := rightsError(err); errors.Is(rights, ErrRights) {
		for _, l := range batch {
			l.failed = doing("finding sessions", rights)
		}
		return nil
	}
	found := map[string]sessionRow{}
	for _, r := range rows {
		found[r.hash] = r
	}
	for _, l := range batch {
		l.session = found[l.hash]
	}
	return doing("finding sessions", err)
}

// AddSession implements session.Store.
func (s *SQLite) AddSession(ctx context.Context, r session.Row, most int) error {
	return s.submit(ctx, "", func(ctx context.Context, w *writer) error { return addSession(ctx, w, sqliteDialect, r, most) })
}

// SeeSession implements session.Store.
func (s *SQLite) SeeSession(ctx context.Context, hash string, seen, expires time.Time) error {
	return s.submit(ctx, "", func(ctx context.Context, w *writer) error {
		return w.change(ctx, session.ErrNone, statement{seeSession, []any{hash, millis(seen), millis(expires)}})
	})
}

// EndSession implements session.Store.
func (s *SQLite) EndSession(ctx context.Context, hash string) error {
	return s.submit(ctx, "", func(ctx context.Context, w *writer) error {
		return w.change(ctx, session.ErrNone, statement{deleteSession, []any{hash}})
	})
}

// AddSession implements session.Store.
func (p *Postgres) AddSession(ctx context.Context, r session.Row, most int) error {
	return p.do(ctx, "beginning session", &job{changes: true, run: func(ctx context.Context, conn *sql.Conn) error {
		return inTransaction(ctx, conn, "BEGIN ISOLATION LEVEL READ COMMITTED", func() error { return addSession(ctx, conn, postgresDialect, r, most) })
	}})
}

// SeeSession implements session.Store.
func (p *Postgres) SeeSession(ctx context.Context, hash string, seen, expires time.Time) error {
	return p.change(ctx, seeSession, session.ErrNone, hash, millis(seen), millis(expires))
}

// EndSession implements session.Store.
func (p *Postgres) EndSession(ctx context.Context, hash string) error {
	return p.change(ctx, deleteSession, session.ErrNone, hash)
}
