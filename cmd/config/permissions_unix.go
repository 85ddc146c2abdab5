//go:build !windows

package config

import (
	"io/fs"
	"os"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

func ownedByUser(info os.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(owner.Uid) == os.Geteuid()
}

// Unchecked says what this system does not tell about files: nothing.
func Unchecked() []string { return nil }

// OthersMay reports whether a file's mode grants one of the permissions.
func OthersMay(info os.FileInfo, permissions fs.FileMode) bool {
	return info.Mode().Perm()&permissions != 0
}
