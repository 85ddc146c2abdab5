package audit

import (
	"errors"
	"os"
	"syscall"
)

// room is how much a file must be able to grow when it is opened: some hundred lines.
const room = 64 << 10

const keepSize = 1 // FALLOC_FL_KEEP_SIZE of fallocate(2)

// reserve makes room behind the end of a file, so that a disk that is full says so before a
// code is used up. Without it a Log would take a few bytes that were left for a sign that
// there is room again. Not every file system can.
func reserve(f *os.File, end int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), keepSize, end, room)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.EIO):
			return err
		default:
			return nil
		}
	}
}
