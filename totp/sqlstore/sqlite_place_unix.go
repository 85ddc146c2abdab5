//go:build !windows

package sqlstore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives the file at path the owner and group that info has, so that a server finds
// its database readable after root has restored it.
func keepOwner(path string, info fs.FileInfo) error {
	mine, err := os.Stat(path)
	if err != nil {
		return err
	}
	want, ok1 := info.Sys().(*syscall.Stat_t)
	have, ok2 := mine.Sys().(*syscall.Stat_t)
	if !ok1 || !ok2 || want.Uid == have.Uid && want.Gid == have.Gid {
		return nil
	}
	return os.Chown(path, int(want.Uid), int(want.Gid))
}

// syncFolder makes a rename in a folder durable.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
