package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrInUse says that another process has the database open.
var ErrInUse = errors.New("another process has the database open")

// A Restoration says what Restore does.
type Restoration struct {
	Config         // of the database to make
	Overwrite bool // replace the database, if there is one

	// Backup opens what Backup has written.
	Backup func() (io.ReadCloser, error)

	// Prepare changes the restored database before it is in its place.
	Prepare func(context.Context, Store) error
}

// Restore makes SQLite's database anew from a backup. Before it touches the database, it
// has checked the backup's pages, its schema version and that the encryption keys open it,
// has brought it up to date and called Prepare. A process that is killed meanwhile leaves
// the old database or the new one. It returns ErrPostgres; fs.ErrExist for a database that
// must not be overwritten; ErrInUse; ErrMoved and ErrArriving for a database of a move;
// ErrForeign for a backup that is not one; and the errors of Open.
func Restore(ctx context.Context, r Restoration) error {
	path, err := sqlitePath(r.URL)
	if err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	info, err := os.Stat(path)
	exists := err == nil && info.Size() > 0
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case exists && !r.Overwrite:
		return &fs.PathError{Op: "restoring", Path: path, Err: fs.ErrExist}
	}
	release, err := lockOut(ctx, path, exists)
	if err != nil {
		return err
	}
	defer release()
	if exists {
		removeKilled(path)
	}
	next, err := r.build(ctx, path)
	if err == nil && info != nil {
		err = keepOwner(next, info)
	}
	if err == nil {
		err = replaceDatabase(next, path, info != nil, release)
	}
	if err != nil {
		return errors.Join(err, removeDatabase(next))
	}
	return syncFolder(filepath.Dir(path))
}

// lockOut keeps every other process from a database that exists, until release is called.
// A connection in WAL mode shares a lock on the file for as long as it is open, and
// journal_mode DELETE needs that lock alone. It also copies the write-ahead log into the
// file and removes it. A damaged file has no lock: a server that uses it notices that its
// file was replaced, see SQLite.checkFiles.
func lockOut(ctx context.Context, path string, exists bool) (release func(), err error) {
	if !exists {
		return func() {}, nil
	}
	conn, closeAll, err := openExisting(ctx, path)
	if isCorrupt(err) {
		return func() {}, nil
	}
	if err != nil {
		return nil, inUse(err)
	}
	mode, err := lockAlone(ctx, conn)
	switch {
	case isCorrupt(err):
		closeAll()
		return func() {}, nil
	case err == nil && mode != "delete":
		err = ErrInUse
	}
	if err != nil {
		closeAll()
		return nil, inUse(err)
	}
	return closeAll, nil
}

func lockAlone(ctx context.Context, conn *sql.Conn) (mode string, err error) {
	for _, statement := range []string{"PRAGMA busy_timeout = 0", "PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return "", err
		}
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return "", err
	}
	// The other database of a move may give verdicts: a restored one must not do so beside it.
	_, err = currentVersion(ctx, conn, sqliteDialect)
	return mode, err
}

func inUse(err error) error {
	if isBusy(err) {
		return ErrInUse
	}
	return err
}

func isCorrupt(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code() == sqlite3.SQLITE_NOTADB)
}

// beside returns the pattern of the names that a database has before it is in its place.
func beside(path string) (folder, pattern string) {
	folder, name := filepath.Split(path)
	return folder, "." + name + ".restore-*"
}

// removeKilled removes what a restore has left that was killed. The caller must have the
// lock, so that no other restore is under way.
func removeKilled(path string) {
	folder, pattern := beside(path)
	left, _ := filepath.Glob(filepath.Join(folder, pattern)) // a folder with a * in its name keeps them
	for _, file := range left {
		os.Remove(file)
	}
}

// build makes the new database beside its place. It returns its path also with an error, if
// there is a file to remove.
func (r Restoration) build(ctx context.Context, place string) (path string, err error) {
	path, err = r.copy(place)
	if err != nil {
		return path, err
	}
	if err := checkWhole(ctx, path); err != nil {
		return path, fmt.Errorf("checking the backup: %w", err)
	}
	s, err := openSQLite(ctx, path, Config{EncryptionKeys: r.EncryptionKeys, MustExist: true})
	if err != nil {
		return path, fmt.Errorf("opening the backup: %w", err)
	}
	err = errors.Join(r.Prepare(ctx, s), s.Close())
	if _, left := os.Lstat(path + "-wal"); err == nil && left == nil {
		err = errors.New("the restored database has not been written into one file")
	}
	if err != nil {
		return path, err
	}
	return path, syncFile(path)
}

func (r Restoration) copy(place string) (path string, err error) {
	from, err := r.Backup()
	if err != nil {
		return "", err
	}
	defer from.Close()
	f, err := os.CreateTemp(beside(place)) // mode 0600
	if err != nil {
		return "", err
	}
	if _, err = io.Copy(f, from); err != nil {
		err = fmt.Errorf("copying the backup: %w", err)
	}
	return f.Name(), errors.Join(err, f.Close())
}

// checkWhole returns ErrForeign for a file that is no database of totpctl, or that lacks
// pages.
func checkWhole(ctx context.Context, path string) error {
	conn, closeAll, err := openExisting(ctx, path)
	if isCorrupt(err) {
		return foreign(err)
	}
	if err != nil {
		return err
	}
	defer closeAll()
	if err := checkOurs(ctx, conn); err != nil {
		return err
	}
	var found string
	err = conn.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found)
	if isCorrupt(err) || err == nil && found != "ok" {
		return foreign(err)
	}
	return err
}

// replaceDatabase gives a file the name of the database. A write-ahead log of the old
// database goes first, because SQLite would take it for the new one's. A database that was
// made meanwhile is left, with fs.ErrExist.
func replaceDatabase(next, path string, existed bool, release func()) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if !existed {
		if err := os.Link(next, path); err != nil {
			return err
		}
		return os.Remove(next)
	}
	if runtime.GOOS == "windows" { // which renames no file over one that is open
		release()
	}
	return os.Rename(next, path)
}

func removeDatabase(path string) error {
	if path == "" {
		return nil
	}
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
