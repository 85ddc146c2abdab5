package passphrase

import "golang.org/x/sys/unix"

// The requests of tcgetattr, and of tcsetattr with TCSAFLUSH.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETSF
)
