package cmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// createFile writes a new file that its owner alone can read, or none: it
// returns fs.ErrExist for one that exists.
func createFile(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := fill(f, data); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// errNotRegular is for what has a file's name and is none: a folder, a device, a
// FIFO, or a link, which may lead to one.
var errNotRegular = errors.New("it is not a regular file")

// replaceFile writes a file that its owner alone can read, in the place of the
// regular file that has its name, if one has. If that fails, the old one is as it
// was.
func replaceFile(file string, data []byte) error {
	if err := mayReplace(file); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".totpctl-*") // mode 0600
	if err != nil {
		return err
	}
	if err = fill(f, data); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// mayReplace returns errNotRegular for what must stay, such as /dev/stdout, and
// nil where there is nothing. A link is not followed: what it leads to may be
// somebody else's choice.
func mayReplace(file string) error {
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	return err
}

func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
