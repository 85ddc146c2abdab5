package sqlstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// writeBackParts is in how many parts a file is written back, one after the other.
const writeBackParts = 64

// writeBack writes a file's changed pages to the disk, in parts. The sync that follows
// would hand thousands of pages to the disk at once, and a verdict's fsync would wait
// behind them. It does not flush the disk's cache.
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
