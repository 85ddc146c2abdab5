//go:build unix

package cmd

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// detached has a process go on when the terminal closes.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// leadsSession reports whether the terminal is gone for all when this process ends
// (POSIX, controlling process).
func leadsSession() bool {
	leader, err := unix.Getsid(0)
	return err == nil && leader == os.Getpid()
}
