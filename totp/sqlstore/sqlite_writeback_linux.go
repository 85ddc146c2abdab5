package sqlstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// writeBackParts of a file are written back one after the other.
const writeBackParts = 64

// writeBack writes what was changed in a file to its disk, in parts: a sync hands
// thousands of pages to the disk at once, and a verdict's waits behind them. It does
// not flush the disk's cache.
func writeBack(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	const wait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	part := info.Size()/writeBackParts + 1
	for from := int64(0); from < info.Size() && err == nil; from += part {
		err = unix.SyncFileRange(int(f.Fd()), from, part, wait)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
