//go:build linux

package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"totpctl/totp/session"
	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
)

const holder = "a bearer's digest"

func begin(t *testing.T, s *session.Sessions) (id string) {
	t.Helper()
	id, err := s.Begin(t.Context(), holder)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func wantSession(t *testing.T, when string, s *session.Sessions, id string, want error) {
	t.Helper()
	if _, err := s.Find(t.Context(), id, []session.Holder{{Text: "another"}, {Text: holder}}); !errors.Is(err, want) {
		t.Errorf("%s, the session is %v, want %v", when, err, want)
	}
}

func TestASessionIsFoundOnEveryServerUntilItEndsOnOne(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		here := session.New(d.mustOpen(t, oldKey), newClockOf(c))
		there := session.New(d.mustOpen(t, oldKey), newClockOf(c))
		id := begin(t, here)
		if i, err := there.Find(t.Context(), id, []session.Holder{{Text: "another"}, {Text: holder}}); i != 1 || err != nil {
			t.Errorf("the holder is %d, %v, want 1", i, err)
		}
		wantSession(t, "under another id", there, strings.Repeat("A", len(id)), session.ErrNone)
		if _, err := there.Find(t.Context(), id, []session.Holder{{Text: "another"}}); !errors.Is(err, session.ErrNone) {
			t.Errorf("without its holder, the session is %v", err)
		}
		if err := there.End(t.Context(), id); err != nil {
			t.Error(err)
		}
		wantSession(t, "after its end on the other server", here, id, session.ErrNone)
		if err := here.End(t.Context(), id); !errors.Is(err, session.ErrNone) {
			t.Errorf("the second end: %v", err)
		}
	})
}

func TestASessionLastsHalfAnHourAfterItsLastRequestAndEightHoursInAll(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		s := session.New(d.mustOpen(t, oldKey), newClockOf(c))
		id, idle := begin(t, s), begin(t, s)
		step := session.IdleTime - time.Second
		for began := c.now; c.now.Before(began.Add(session.MaxTime - step)); {
			c.now = c.now.Add(step)
			wantSession(t, fmt.Sprintf("in use, after %v", c.now.Sub(began)), s, id, nil)
		}
		wantSession(t, "unused", s, idle, session.ErrNone)
		c.now = c.now.Add(step)
		wantSession(t, "after eight hours in use", s, id, session.ErrNone)
	})
}

func TestSessionsAreBounded(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		store := d.mustOpen(t, oldKey)
		s := session.New(store, newClockOf(c))
		row := func(i int) session.Row {
			at := c.now.UTC().Add(time.Duration(i) * time.Second)
			return session.Row{Hash: fmt.Sprint("hash", i), MAC: "b", Created: at, Seen: at, Expires: at.Add(time.Hour)}
		}
		for i := range 7 {
			if err := store.AddSession(t.Context(), row(i), 3); err != nil {
				t.Fatal(err)
			}
		}
		var left []int
		for i := range 7 {
			if _, err := store.FindSession(t.Context(), row(i).Hash); err == nil {
				left = append(left, i)
			} else if !errors.Is(err, session.ErrNone) {
				t.Error(err)
			}
		}
		if fmt.Sprint(left) != "[4 5 6]" {
			t.Errorf("left are %v, want those that were seen last", left)
		}
		c.now = c.now.Add(2 * time.Hour)
		begin(t, s)
		if _, err := store.FindSession(t.Context(), row(6).Hash); !errors.Is(err, session.ErrNone) {
			t.Errorf("one that has expired is still there: %v", err)
		}
	})
}

func TestWhoeverWritesToTheDatabaseBeginsNoSessionAndProlongsNone(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		s := session.New(d.mustOpen(t, oldKey), newClockOf(c))
		for what, forge := range map[string]string{
			"another id":    `UPDATE admin_session SET hash = 'x' || hash`,
			"a later begin": `UPDATE admin_session SET created_at = created_at + 60000`,
			"another MAC":   `UPDATE admin_session SET bearer = '0123456789abcdef0123456789abcdef'`,
		} {
			id := begin(t, s)
			d.exec(forge)
			wantSession(t, what, s, id, session.ErrNone)
			d.exec(`DELETE FROM admin_session`)
		}
		id := begin(t, s)
		d.exec(`UPDATE admin_session SET expires_at = 9000000000000000, seen_at = 9000000000000000`)
		wantSession(t, "prolonged within eight hours", s, id, nil)
		c.now = c.now.Add(session.MaxTime)
		wantSession(t, "prolonged beyond eight hours", s, id, session.ErrNone)
	})
}

func TestTheDatabaseKnowsNoID(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s := session.New(d.mustOpen(t, oldKey), newClockOf(newClock()))
		id := begin(t, s)
		if raw := string(d.raw()); strings.Contains(raw, id) || strings.Contains(raw, holder) {
			t.Error("the id or the holder stands in the database")
		}
	})
}

func TestSessionsEndWithTheProcessWhereNoKeyProtectsThem(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		s := session.New(d.mustOpen(t), newClockOf(c))
		id := begin(t, s)
		wantSession(t, "in its process", s, id, nil)
		wantSession(t, "in another process", session.New(d.mustOpen(t), newClockOf(c)), id, session.ErrNone)
	})
}

func TestAFenceAndAMoveEndSessions(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		store := d.mustOpen(t, oldKey)
		s := session.New(store, newClockOf(c))
		id := begin(t, s)
		if _, err := newVerifier(t, store, c).Fence(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		wantSession(t, "after a fence", s, id, session.ErrNone)

		id = begin(t, s)
		target := d.another(t)
		m := sqlstore.Move{Source: sqlstore.Config{URL: d.url, EncryptionKeys: [][]byte{oldKey}}, Target: target.url}
		if err := m.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantSession(t, "after a move, in the source", s, id, session.ErrNone)
		wantSession(t, "after a move, in the target", session.New(target.mustOpen(t, oldKey), newClockOf(c)), id, session.ErrNone)
	})
}

// Strangers can ask for sessions. The owner of the tables may have forgotten a GRANT after an
// upgrade, and verdicts must go on.
func TestARoleWithoutRightsToSessionsKeepsItsConnections(t *testing.T) {
	server := pgtest.Start(t)
	owner := postgresDatabase(server)
	owner.mustOpen(t, oldKey).Close()
	app := rowsRole(server, owner)
	owner.exec("REVOKE ALL ON admin_session FROM app")
	store := app.mustOpen(t, oldKey)
	c := newClock()
	v := newVerifier(t, store, c)
	e, _ := enrol(t, v, c, "alice")
	count := func() string {
		return server.Query(owner.url[strings.LastIndex(owner.url, "/")+1:], "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE usename = 'app'")
	}
	s := session.New(store, newClockOf(c))
	wantSession(t, "first", s, strings.Repeat("A", 26), sqlstore.ErrRights)
	before := count()
	for range 5 {
		wantSession(t, "without rights", s, strings.Repeat("A", 26), sqlstore.ErrRights)
	}
	if after := count(); after != before {
		t.Errorf("connections were %s, now %s", before, after)
	}
	c.next()
	mustAccept(t, v, c, e.Entry)
}
