package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// The errors of a Move.
var (
	// ErrNotEmpty says that the target of a move holds something already.
	ErrNotEmpty = errors.New("the target database is not empty")

	// ErrElsewhere says that a database was moved to another target before.
	ErrElsewhere = errors.New("the target is not where the move has begun")

	// ErrNotMoved says that there is no move to undo.
	ErrNotMoved = errors.New("database has not been moved")

	errOvertaken = errors.New("another move to the target goes on, or the move was undone")
)

// A Move copies a database into another, on the same engine or another.
//
//  1. The target gets its tables, under other names, and a row in table arrival. It refuses
//     to be opened, and gives no verdict to a server that has it open.
//  2. The source is marked: its tables get other names and its schema version goes up, in one
//     transaction. From then on it gives no verdict, whatever server has it open.
//  3. The rows are copied as they are, sealed: seals are bound to the account, its enrolment
//     and their use, which all stay. Each transaction writes a page of rows and how far the
//     copy is, so that a move which was killed goes on there.
//  4. The source's mark is set to done. Before that, Undo takes the mark back.
//  5. The target may be opened.
type Move struct {
	Source Config
	Target string                // URL
	Tell   func(done, total int) // is told how many rows are copied; may be nil
}

// Run moves everything, or goes on with a move that was killed. It returns ErrMissing for a
// source that does not exist, ErrKey if the encryption keys are not the source's,
// ErrNotEmpty, ErrElsewhere, ErrRights if a role may not change tables, and the errors of
// Open. Running it again after the end changes nothing.
func (m Move) Run(ctx context.Context) error {
	source, target, err := m.open(ctx)
	if err != nil {
		return err
	}
	defer source.close()
	defer target.close()
	begun, err := source.mark(ctx)
	if err != nil {
		return err
	}
	if begun.id == "" {
		begun = mark{rand.Text(), target.place, false}
		if err := target.expect(ctx, begun.id); err != nil {
			return doing("preparing the target", err)
		}
		if err := source.leave(ctx, begun); err != nil {
			return doing("marking the source as moved", rightsError(err))
		}
	}
	from, complete, err := target.arrival(ctx, begun)
	if err != nil || complete {
		return err
	}
	c := copying{source: source, target: target, id: begun.id, at: from, tell: m.Tell}
	if err := c.run(ctx); err != nil {
		return doing("copying", err)
	}
	return finish(ctx, source, target, begun.id)
}

// open opens both ends. It checks the source's keys, and brings an older source up to date.
func (m Move) open(ctx context.Context) (source, target *end, err error) {
	sealer, err := newSealer(m.Source.EncryptionKeys)
	if err != nil {
		return nil, nil, err
	}
	config := m.Source
	config.MustExist = true
	s, err := Open(ctx, config)
	if err == nil {
		err = s.Close()
	}
	if err != nil && !errors.Is(err, ErrMoved) {
		return nil, nil, doing("opening the source", err)
	}
	if source, err = openEnd(ctx, m.Source.URL, false); err != nil {
		return nil, nil, doing("opening the source", err)
	}
	if err = (keyring{source.conn, source.d, sealer}).check(ctx, canaryText); err != nil {
		return nil, nil, doing("opening the source", errors.Join(err, source.close()))
	}
	if target, err = openEnd(ctx, m.Target, true); err == nil && target.place == source.place {
		err = errors.Join(ErrNotEmpty, target.close())
	}
	if err != nil {
		return nil, nil, doing("opening the target", errors.Join(err, source.close()))
	}
	return source, target, nil
}

// expect has an empty target wait for a move.
func (e *end) expect(ctx context.Context, id string) error {
	err := e.transaction(ctx, func() error {
		version, err := readVersion(ctx, e.conn, e.d)
		if err != nil {
			return err
		}
		if version >= movedVersion { // by a move that was killed before it has marked its source
			return e.adopt(ctx, id)
		}
		if version > 0 {
			if err := e.checkEmpty(ctx, "sealing_key", "account", "enrolment"); err != nil {
				return err
			}
		}
		if _, _, err := migrate(ctx, e.conn, e.d); err != nil {
			return err
		}
		if exists, err := hasTable(ctx, e.conn, e.d, "arrival"); err != nil || exists {
			return errors.Join(err, ErrNotEmpty)
		}
		if err := e.execAll(ctx, append([]string{arrivalTable}, hideTables()...)...); err != nil {
			return err
		}
		return e.execOne(ctx, ErrNotEmpty, `INSERT INTO arrival (id, step, after) VALUES (?1, 0, '')`, id)
	})
	return rightsError(err)
}

// adopt takes over a target that has nothing yet.
func (e *end) adopt(ctx context.Context, id string) error {
	if exists, err := hasTable(ctx, e.conn, e.d, "arrival"); err != nil || !exists {
		return errors.Join(err, ErrNotEmpty)
	}
	if err := e.checkEmpty(ctx, "sealing_key", "moved_account", "moved_enrolment"); err != nil {
		return err
	}
	return e.execOne(ctx, ErrNotEmpty, `UPDATE arrival SET id = ?1 WHERE step = 0 AND after = ''`, id)
}

func (e *end) checkEmpty(ctx context.Context, tables ...string) error {
	for _, table := range tables {
		if n, err := e.count(ctx, table); err != nil || n > 0 {
			return errors.Join(err, ErrNotEmpty)
		}
	}
	return nil
}

// leave marks a source as moved.
func (e *end) leave(ctx context.Context, m mark) error {
	return e.transaction(ctx, func() error {
		if _, err := currentVersion(ctx, e.conn, e.d); err != nil {
			return err
		}
		if err := e.execAll(ctx, markTable); err != nil {
			return err
		}
		if err := e.execOne(ctx, ErrElsewhere, `INSERT INTO moved (id, target, done) VALUES (?1, ?2, 0)`, m.id, m.target); err != nil {
			return err
		}
		return e.execAll(ctx, append([]string{deleteSessions}, hideTables()...)...)
	})
}

// mark returns that of a source, or the zero mark. Its transaction waits for the end of those
// of a move that was killed: PostgreSQL goes on with a commit whose client is gone.
func (e *end) mark(ctx context.Context) (m mark, err error) {
	err = e.transaction(ctx, func() error {
		m, err = readMark(ctx, e.conn, e.d)
		return err
	})
	return m, err
}

// arrival returns how far the copy for a mark is, and whether it is complete. It waits as
// mark does.
func (e *end) arrival(ctx context.Context, m mark) (at position, complete bool, err error) {
	err = e.transaction(ctx, func() error {
		at, complete, err = e.readArrival(ctx, m)
		return err
	})
	return at, complete, err
}

func (e *end) readArrival(ctx context.Context, m mark) (at position, complete bool, err error) {
	exists, err := hasTable(ctx, e.conn, e.d, "arrival")
	if err != nil || !exists {
		return at, false, errors.Join(err, fmt.Errorf("%w: that is %s", ErrElsewhere, m.target))
	}
	var id string
	if err := e.conn.QueryRowContext(ctx, `SELECT id, step, after FROM arrival`).Scan(&id, &at.step, &at.after); err != nil {
		return at, false, err
	}
	if id != m.id {
		return at, false, fmt.Errorf("%w: that is %s", ErrElsewhere, m.target)
	}
	version, err := readVersion(ctx, e.conn, e.d)
	return at, version < movedVersion, err
}

// finish has the target take over. The source is told first: see Undo.
func finish(ctx context.Context, source, target *end, id string) error {
	err := source.transaction(ctx, func() error {
		return source.execOne(ctx, errOvertaken, `UPDATE moved SET done = 1 WHERE id = ?1`, id)
	})
	if err != nil {
		return doing("marking the source as moved", err)
	}
	err = target.transaction(ctx, func() error {
		if err := target.execOne(ctx, errOvertaken, `UPDATE arrival SET id = id WHERE id = ?1
			AND EXISTS (SELECT 1 FROM schema_version WHERE version >= ?2)`, id, movedVersion); err != nil {
			return err
		}
		if err := target.execAll(ctx, showTables()...); err != nil {
			return err
		}
		if a := target.d.analyze; a != "" { // no server finds the tables before they are analyzed
			return target.execAll(ctx, a)
		}
		return nil
	})
	return doing("finishing the target", err)
}

// UndoMove has the source of a move that is not finished give verdicts again. What was
// copied is then worth nothing, and can't be completed. It returns ErrNotMoved, and ErrMoved
// if the target is complete: codes may have been used there.
func UndoMove(ctx context.Context, url string) error {
	source, err := openEnd(ctx, url, false)
	if err != nil {
		return err
	}
	defer source.close()
	return rightsError(source.transaction(ctx, func() error {
		m, err := readMark(ctx, source.conn, source.d)
		switch {
		case err != nil:
			return err
		case m.id == "":
			return ErrNotMoved
		case m.done:
			return m.error()
		}
		if err := source.execAll(ctx, showTables()...); err != nil {
			return err
		}
		return source.execAll(ctx, `DROP TABLE moved`)
	}))
}
