//go:build !linux && !windows

package sqlstore

import "syscall"

// inodeOf returns what tells the file at path from others.
func inodeOf(path string) (identity, error) {
	var s syscall.Stat_t
	err := syscall.Stat(path, &s)
	return identity{uint64(s.Dev), uint64(s.Ino)}, err
}
