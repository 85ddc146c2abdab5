package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"totpctl/cmd/hint"
)

var (
	errReadOnly = errors.New("it is read-only")
	errChanged  = errors.New("it has been changed meanwhile")
)

// mayRewrite returns an error for a file that rewriteFile would refuse: people must not
// type in vain.
func mayRewrite(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errNotRegular
	case info.Mode().Perm()&0o200 == 0:
		return errReadOnly // also for root, who could write
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// rewriteFile gives a regular file, or the one that a link leads to, other contents. A
// process that is killed meanwhile leaves the old contents or the new. Mode and owner
// stay. It returns errChanged if the contents are not the old ones.
func rewriteFile(file string, old, data []byte) error {
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	err = beside(path, func(f *os.File) error {
		return errors.Join(keepOwner(f, info), f.Chmod(info.Mode().Perm()), fill(f, data))
	}, func(next string) error { return swap(next, path, old) })
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func swap(next, path string, old []byte) error {
	now, err := os.ReadFile(path)
	if err == nil && !bytes.Equal(now, old) {
		err = errChanged
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	return err
}

// rewriteError gives the errors of mayRewrite and rewriteFile their subject and hint.
func rewriteError(file string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("writing %s: %w", file, err)
	const asOwner = "nothing was written: run the command as the file's owner, who may write to the file (chmod u+w) and to its folder"
	return hint.With(wrapped, "%s", wayFor(err, "nothing was lost: the file is whole, as it was before or sealed",
		way{errChanged, "nothing was written: run the command again"},
		way{errNotRegular, "keep the configuration in a file of its own: a device or a pipe can't be changed"},
		way{errReadOnly, asOwner},
		way{fs.ErrPermission, asOwner}))
}
