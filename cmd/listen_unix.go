//go:build unix

package cmd

import (
	"os"
	"syscall"
	"time"
)

// restrict has Linux make the file of a unix socket with socketMode, so that nobody else
// can connect before the file's mode is set. Other systems refuse that.
func restrict(_, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) { syscall.Fchmod(int(fd), socketMode) })
}

// lockTries and lockPause bound how long lockFolder waits: in /tmp, anybody may hold the
// lock.
const (
	lockTries = 30
	lockPause = 100 * time.Millisecond
)

// lockFolder waits until no other server that starts has the folder locked. It locks
// nothing that can't be opened: listening there fails with a better error.
func lockFolder(path string) (unlock func()) {
	f, err := os.Open(path)
	if err != nil {
		return func() {}
	}
	for range lockTries {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
			break
		}
		time.Sleep(lockPause)
	}
	return func() { f.Close() }
}

// isListening reports whether a file is a socket that takes connections.
func isListening(f *os.File) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	listens := 0
	conn.Control(func(fd uintptr) {
		listens, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	})
	return err == nil && listens != 0
}
