package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// ErrClosed says that the store has been closed.
var ErrClosed = errors.New("store is closed")

// busyTimeout is how long SQLite waits for another process's transaction. Where SQLite
// does not wait, connect does, and tries again after each busyPause.
const (
	busyTimeout = 5 * time.Second
	busyPause   = 10 * time.Millisecond
)

// A SQLite is a verifier.Store in a SQLite file.
//
// One goroutine, the writer, owns the connection that reads and writes. It takes all
// requests that wait, runs them in one transaction, and answers them after the commit,
// so that they share an fsync. A request that arrives meanwhile is in the next batch.
type SQLite struct {
	shared
	file       *os.File            // the database; closed last, because closing drops SQLite's locks on it
	opened     map[string]identity // by path: the database, its write-ahead log, and the log's index
	upgraded   upgraded
	unvacuumed error // why the pages that an upgrade has freed were not overwritten; nil if they were
	db         *sql.DB
	copied     chan bool       // the checkpointer has left the last pages to the writer; true: and a log to empty
	ctx        context.Context // ends when the store is closed
	close      context.CancelFunc

	requests *queue[*request]
	listings *queue[*listing]

	writer       *writer
	checkpointer *checkpointer
	running      sync.WaitGroup // of both
}

// openSQLite is Open for the file at path.
func openSQLite(ctx context.Context, path string, c Config) (*SQLite, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	shared, err := newShared(c)
	if err != nil {
		return nil, err
	}
	s := &SQLite{shared: shared, copied: make(chan bool), requests: newQueue[*request](maxWaiting), listings: newQueue[*listing](maxWaiting)}
	if err := s.open(ctx, path, c.MustExist); err != nil {
		return nil, errors.Join(err, s.release())
	}
	s.ctx, s.close = context.WithCancel(context.Background())
	s.running.Go(s.writer.run)
	s.running.Go(s.checkpointer.run)
	return s, nil
}

func (s *SQLite) open(ctx context.Context, path string, mustExist bool) (err error) {
	if err := s.openFile(path, mustExist); err != nil {
		return err
	}
	if s.db, err = sql.Open("sqlite", dataSource(path)); err != nil {
		return err
	}
	conn, err := connect(ctx, s.db)
	if err != nil {
		return err
	}
	s.writer = &writer{preparer: newPreparer(conn), store: s}
	if err := s.prepare(ctx, conn); err != nil {
		return err
	}
	if err := s.rememberFiles(path); err != nil {
		return err
	}
	if conn, err = connect(ctx, s.db); err != nil {
		return err
	}
	s.checkpointer = &checkpointer{s, conn, make(chan struct{}, 1), make(chan struct{}, 1)}
	return nil
}

func dataSource(path string) string {
	return fileURL(path, "rwc",
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), // first, because the others may meet a lock
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"secure_delete(ON)", // or deleted secrets stay in free pages
		fmt.Sprintf("wal_autocheckpoint(%d)", backstopPages),
		fmt.Sprintf("journal_size_limit(%d)", backstopPages*4096), // for a log that a reader has kept from beginning anew
	)
}

// fileURL returns the URL by which SQLite's driver opens a file, in a mode of SQLite's own
// and with these pragmas.
func fileURL(path, mode string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"mode": {mode}, "_pragma": pragmas}.Encode()}
	return u.String()
}

// connect tries again while another process switches the same new file to WAL:
// busy_timeout does not cover that.
func connect(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		conn, err := db.Conn(ctx)
		if !isBusy(err) {
			return conn, err
		}
		select {
		case <-time.After(busyPause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (s *SQLite) prepare(ctx context.Context, conn *sql.Conn) error {
	if err := checkDurable(ctx, conn); err != nil {
		return err
	}
	var err error
	if s.upgraded, err = prepareSchema(ctx, conn, sqliteDialect, begin, s.sealer); err == nil && s.upgraded.rewritten() {
		s.unvacuumed = vacuum(ctx, conn)
	}
	return err
}

// vacuum builds the file anew, because an older program has left what it deleted in
// free pages.
func vacuum(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "VACUUM"); err != nil {
		return err
	}
	busy, err := truncate(ctx, conn)
	if err == nil && busy {
		err = errors.New("another process reads from it")
	}
	return err
}

// checkDurable reads the pragmas back. If a commit were not fsynced, its codes would be
// good again after a power cut.
func checkDurable(ctx context.Context, conn *sql.Conn) error {
	var mode string
	var synchronous int
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return err
	}
	if mode != "wal" || synchronous != 2 {
		return fmt.Errorf("SQLite took journal_mode %s and synchronous %d, not wal and 2 (FULL): is the file on a local disk?", mode, synchronous)
	}
	return nil
}

// Waiting implements Store.
func (s *SQLite) Waiting() int {
	return s.requests.length() + s.lookUps.length() + s.listings.length()
}

// Close implements Store. If no other process has the database open, SQLite removes
// the write-ahead log, and the file is all there is.
func (s *SQLite) Close() error {
	s.requests.close()
	s.lookUps.close()
	s.listings.close()
	s.close()
	s.running.Wait()
	return s.release()
}

// release closes what open has opened.
func (s *SQLite) release() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.release())
	}
	if s.checkpointer != nil {
		errs = append(errs, s.checkpointer.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.file != nil {
		errs = append(errs, s.file.Close())
	}
	return errors.Join(errs...)
}

// openFile opens a file of SQLite's. It makes a missing one with mode 0600, as SQLite would
// not, unless the file must exist.
func openFile(path string, mustExist bool) (*os.File, error) {
	flags := os.O_RDWR | os.O_CREATE
	if mustExist {
		flags = os.O_RDWR
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if mustExist && errors.Is(err, fs.ErrNotExist) {
		return nil, missing(path)
	}
	return f, err
}

func (s *SQLite) openFile(path string, mustExist bool) (err error) {
	if s.file, err = openFile(path, mustExist); err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err == nil && info.Size() == 0 { // which is a new database to SQLite
		s.fresh = path
	}
	if err == nil && mustExist && s.fresh != "" {
		return missing(path)
	}
	return err
}

// Upgraded implements Store.
func (s *SQLite) Upgraded() []string {
	texts := s.upgraded.texts()
	if s.unvacuumed != nil {
		texts = append(texts, fmt.Sprintf("the file may still hold what an older totpctl deleted (%v): stop every process that uses it, and run VACUUM with SQLite's own program", s.unvacuumed))
	}
	return texts
}

// Warnings implements Store. There are none: opening has checked SQLite's settings.
func (s *SQLite) Warnings(context.Context) ([]string, error) { return nil, nil }
