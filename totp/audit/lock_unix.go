//go:build unix && !solaris && !aix

package audit

import (
	"errors"
	"os"
	"syscall"
)

// lock waits until no other process appends to the file.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func unlock(f *os.File) { syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// isRemoved reports whether a file has no name any more.
func isRemoved(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 0
}
