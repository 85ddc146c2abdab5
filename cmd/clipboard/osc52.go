package clipboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aymanbagabas/go-osc52/v2"
)

// send has the terminal copy text (xterm's control sequences, Operating System
// Command 52).
func (c Config) send(_ context.Context, text string) error {
	return c.write(c.wrapped(osc52.New(text)))
}

// wipe clears the terminal's clipboard. Not all terminals know how to clear, but each
// that copies can copy a space.
func (c Config) wipe(context.Context, string) error {
	return c.write(c.wrapped(osc52.New(" ")) + c.wrapped(osc52.Clear()))
}

func (c Config) write(sequence string) error {
	term := c.Getenv("TERM")
	switch {
	case c.Terminal == nil:
		return errors.New("there is no terminal")
	case term == "", term == "dumb", term == "linux":
		return fmt.Errorf("a terminal of the type %q has no clipboard", term)
	}
	_, err := io.WriteString(c.Terminal, sequence)
	return err
}

// wrapped returns the sequence in the form that the terminal's multiplexer lets through.
// tmux takes it itself where its option set-clipboard is on, and passes it on where
// allow-passthrough is on, so tmux gets both forms. Over ssh only TERM tells of tmux.
func (c Config) wrapped(s osc52.Sequence) string {
	switch {
	case c.Getenv("TMUX") != "", strings.HasPrefix(c.Getenv("TERM"), "tmux"):
		return s.String() + s.Tmux().String()
	case c.Getenv("STY") != "":
		return s.Screen().String()
	}
	return s.String()
}
