//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package passphrase

import "golang.org/x/sys/unix"

// The requests of tcgetattr, and of tcsetattr with TCSAFLUSH.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETAF
)
