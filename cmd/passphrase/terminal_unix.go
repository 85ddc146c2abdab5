//go:build !windows

package passphrase

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// openTerminal refuses the terminal of a shell that has put this process into the
// background, because the process would be stopped there without a word. A foreground of
// 0 is that of a process outside this PID namespace.
func openTerminal() (terminal, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return terminal{}, ErrNoTerminal
	}
	foreground, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	if err == nil && foreground != 0 && foreground != unix.Getpgrp() {
		f.Close()
		return terminal{}, fmt.Errorf("%w: this process is in the background", ErrNoTerminal)
	}
	return terminal{f, f}, nil
}

func shell(command string) *exec.Cmd { return exec.Command("/bin/sh", "-c", command) }

func interrupts() []os.Signal {
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
}

// ignoreStop has Ctrl-Z do nothing until the returned function is called. A process that
// is stopped leaves the shell without echo, and goes on with the echo of the shell.
func ignoreStop() (restore func()) {
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, syscall.SIGTSTP)
	return func() { signal.Stop(stops) }
}

// hush ends the echo of a terminal, has it give whole lines, and drops what was typed
// before.
func hush(f *os.File) (restore func() error, err error) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	quiet := *old
	quiet.Lflag &^= unix.ECHO
	quiet.Lflag |= unix.ICANON | unix.ISIG
	quiet.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, setTermios, &quiet); err != nil {
		return nil, err
	}
	return func() error { return unix.IoctlSetTermios(fd, setTermios, old) }, nil
}

// read returns a line of a terminal. A read of one gives no more.
func read(f *os.File) ([]byte, error) {
	text := make([]byte, MaxBytes+1)
	n, err := f.Read(text)
	return bytes.TrimSuffix(text[:n], []byte("\n")), err
}
