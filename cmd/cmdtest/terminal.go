//go:build linux

package cmdtest

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// OpenTerminal returns both ends of a new pseudo-terminal of that size. A process gets
// terminal as one of its streams; control reads what the process shows, and types.
func OpenTerminal(columns, lines uint16) (control, terminal *os.File, err error) {
	if control, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	var number, unlocked int32
	size := [4]uint16{lines, columns}
	for request, argument := range map[uintptr]unsafe.Pointer{
		syscall.TIOCSPTLCK: unsafe.Pointer(&unlocked),
		syscall.TIOCGPTN:   unsafe.Pointer(&number),
		syscall.TIOCSWINSZ: unsafe.Pointer(&size),
	} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, control.Fd(), request, uintptr(argument)); errno != 0 {
			control.Close()
			return nil, nil, errno
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return control, terminal, err
}
