package passphrase

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/term"
)

func openTerminal() (terminal, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0) // changing its mode needs both rights
	if err != nil {
		return terminal{}, ErrNoTerminal
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		in.Close()
		return terminal{}, ErrNoTerminal
	}
	return terminal{in, out}, nil
}

// shell leaves the quotes of the command line to cmd.exe.
func shell(command string) *exec.Cmd {
	c := exec.Command("cmd.exe")
	c.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /S /C "` + command + `"`}
	return c
}

func interrupts() []os.Signal { return []os.Signal{os.Interrupt} }

// ignoreStop does nothing: Windows does not stop processes from the keyboard.
func ignoreStop() (restore func()) { return func() {} }

// hush leaves the echo to term.ReadPassword.
func hush(f *os.File) (restore func() error, err error) {
	fd := int(f.Fd())
	old, err := term.GetState(fd)
	return func() error { return term.Restore(fd, old) }, err
}

func read(f *os.File) ([]byte, error) { return term.ReadPassword(int(f.Fd())) }
