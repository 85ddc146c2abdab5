package authenticator

import (
	"os"

	"golang.org/x/sys/windows"
)

// listen does nothing: Windows tells of a new size by no signal, so the next drawing
// finds out.
func (b *browser) listen() {}

// interpretSequences has the console take control sequences for what they are.
func interpretSequences(out *os.File) error {
	var mode uint32
	console := windows.Handle(out.Fd())
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return err
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING)
}

func (b *browser) heed(os.Signal) {}

// suspend does nothing: Windows has no job control.
func (b *browser) suspend() {}
