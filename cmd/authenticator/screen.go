package authenticator

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Control sequences of xterm that change the whole terminal. Its alternate screen leaves
// what was there before as it was.
const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	enterScreen = "\x1b[?1049h" + "\x1b[?7l" + hideCursor // ?7: whether long lines wrap
	leaveScreen = "\x1b[?7h" + showCursor + "\x1b[?1049l"
)

const unknownHeight = 24

// A screen is a terminal that shows one picture instead of lines, and hands over each
// key at once.
type screen struct {
	in, out *os.File
	saved   *term.State
}

// enter also comes again, after the process was stopped. The terminal may still be raw
// then, so what counts is how it was at first.
func (s *screen) enter() error {
	before, err := term.MakeRaw(int(s.in.Fd()))
	if err != nil {
		return err
	}
	if s.saved == nil {
		s.saved = before
	}
	if err = interpretSequences(s.out); err == nil {
		_, err = io.WriteString(s.out, enterScreen)
	}
	if err != nil {
		s.leave()
	}
	return err
}

// leave brings the terminal back as it was before enter. If the terminal is gone, there
// is nothing to bring back, and nobody to tell.
func (s *screen) leave() {
	_, _ = io.WriteString(s.out, leaveScreen)
	_ = term.Restore(int(s.in.Fd()), s.saved)
}

func (s *screen) size() (columns, lines int) {
	columns, lines, err := term.GetSize(int(s.out.Fd()))
	if err != nil || columns <= 0 || lines <= 0 {
		return unknownWidth, unknownHeight
	}
	return columns, lines
}

// typed returns what is typed from now on. The channel is closed when the terminal is
// gone.
func (s *screen) typed() <-chan []byte {
	typed := make(chan []byte)
	go func() {
		defer close(typed)
		for {
			chunk := make([]byte, 256)
			n, err := s.in.Read(chunk)
			if n > 0 {
				typed <- chunk[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return typed
}
