//go:build !windows

package doctor

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownerOf returns the user that a file belongs to, -1 if that is not known.
func ownerOf(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(owner.Uid)
	}
	return -1
}

// trusted reports whether a file of that user is this user's, root's or the database
// owner's.
func trusted(uid, databaseOwner int) bool {
	return uid == -1 || uid == 0 || uid == os.Geteuid() || uid == databaseOwner && os.Geteuid() == 0
}

func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }
