package sqlstore

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// inodeOf returns what tells the file at path from others. It uses statx without times. Since
// Linux 6.13 (multigrain timestamps), stat has the next write change the file's time, and the
// next fsync then writes the inode, too: twice the time on a journalling file system.
func inodeOf(path string) (identity, error) {
	var s unix.Statx_t
	for {
		err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &s)
		if !errors.Is(err, syscall.EINTR) {
			return identity{unix.Mkdev(s.Dev_major, s.Dev_minor), s.Ino}, err
		}
	}
}
