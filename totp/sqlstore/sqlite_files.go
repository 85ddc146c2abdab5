package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An identity tells a file from another: writing and moving do not change it.
type identity struct{ device, inode uint64 }

func identify(path string) (identity, error) {
	id, err := inodeOf(path)
	if err != nil {
		return id, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return id, nil
}

// rememberFiles notes the files for checkFiles. It returns an error if the file at path
// is not the file that SQLite has opened.
func (s *SQLite) rememberFiles(path string) error {
	held, err := s.file.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(held, now) {
		return errors.Join(fmt.Errorf("%s was replaced while it was opened", path), err)
	}
	target, err := filepath.EvalSymlinks(path) // SQLite's log is beside the file that a link leads to
	if err != nil {
		return err
	}
	s.opened = map[string]identity{}
	for _, p := range []string{path, target + "-wal", target + "-shm"} {
		if s.opened[p], err = identify(p); err != nil {
			return err
		}
	}
	return nil
}

// checkFiles returns an error if the database, its write-ahead log or the log's index
// was deleted or replaced. What was committed to such files is forgotten at the next
// start, and its codes would be good again.
func (s *SQLite) checkFiles() error {
	for path, opened := range s.opened {
		now, err := identify(path)
		if err != nil {
			return err
		}
		if now != opened {
			return fmt.Errorf("%s is no longer the file that was opened: restart to use it", path)
		}
	}
	return nil
}
