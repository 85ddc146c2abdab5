package sqlstore

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// inodeOf does not ask for the file's times, as stat does: Linux, from 6.13 on,
// gives a file whose times were asked for a new one at its next write, which the
// next fsync must write, too. With a journal that takes twice as long.
func inodeOf(path string) (identity, error) {
	var s unix.Statx_t
	for {
		err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &s)
		if !errors.Is(err, syscall.EINTR) {
			return identity{unix.Mkdev(s.Dev_major, s.Dev_minor), s.Ino}, err
		}
	}
}

// parts of a file are written back one after the other.
const parts = 64

// writeBack writes what was changed in a file to its disk, in parts: a sync hands
// thousands of pages to the disk at once, and a verdict's waits behind them. It does
// not flush the disk's cache.
func writeBack(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	const wait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	part := info.Size()/parts + 1
	for from := int64(0); from < info.Size() && err == nil; from += part {
		err = unix.SyncFileRange(int(f.Fd()), from, part, wait)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
