// Package authenticator shows the codes of a key as time passes, as an authenticator
// app does: on a terminal for people, line by line for programs.
package authenticator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"totpctl/totp"
)

// A Display is the form in which codes are shown.
type Display int

// Every Display writes each of its changes with a single Write.
const (
	Lines Display = iota // one bare code a line
	JSON                 // one JSON object a line
	Live                 // a terminal: the present code counts down, past codes stay above
)

// A Config is what Once and Run need. Only Live uses Width and Color, and only JSON
// uses Name.
type Config struct {
	Entry   totp.Entry
	Name    string           // of the stored account; "" for any other key
	Clock   func() time.Time // asked about once a second
	Out     io.Writer
	Display Display
	Next    bool       // each code is followed by the code of the step after it, as in JSON always
	Width   func() int // columns of the terminal, asked for each drawing; 0, or no func, means unknown
	Color   bool       // dim and bold (ECMA-48 SGR); false where NO_COLOR is set (no-color.org)

	isDefault bool // the default account in a list, which JSON says
}

// A reading is a time of the clock and the code of that moment. The zero reading is
// none.
type reading struct {
	at   time.Time
	step int64
	code string
	next string // "" unless Config.Next, or JSON

	width int // columns of the terminal
}

// Once writes the present code as one line: a JSON object where Display is JSON,
// else a bare code, with Next two of them parted by a space. It returns
// totp.ErrBeforeEpoch or the error of Out, wrapped.
func Once(c Config) error {
	now, err := c.read()
	if err != nil {
		return err
	}
	if c.Display == Live {
		c.Display = Lines
	}
	return c.write(c.text(reading{}, now))
}

// Run writes the present code at once, and then each code as its step begins
// (RFC 6238 section 4.2), until ctx ends; then it returns nil. Codes that the clock
// skips are not shown. Within a second after the clock jumps, in either direction, or
// the machine wakes, Run shows the code of the new time. It shows a step again only if
// the clock left it and came back.
//
// It returns totp.ErrBeforeEpoch or the error of Out, wrapped, when one occurs.
func Run(ctx context.Context, c Config) error {
	var shown reading
	for ctx.Err() == nil {
		now, err := c.read()
		if err != nil {
			return errors.Join(err, c.write(c.last(shown)))
		}
		// A timer stands still while the machine sleeps and does not follow the
		// wall clock, so it runs for a second at most. It starts before the
		// write, which may take long, so that no boundary is missed.
		second := time.After(untilNextSecond(now.at))
		if err := c.write(c.text(shown, now)); err != nil {
			return err
		}
		shown = now
		select {
		case <-ctx.Done():
		case <-second:
		}
	}
	return c.write(c.last(shown))
}

func (c Config) read() (reading, error) {
	at := c.Clock().Round(0) // drops the monotonic reading, which hides jumps of the clock
	step, err := c.Entry.Key.Step(at)
	if err != nil {
		return reading{}, fmt.Errorf("reading clock: %w", err)
	}
	now := reading{at: at, step: step, width: c.width()}
	if now.code, err = c.Entry.Key.Code(at); err == nil && (c.Next || c.Display == JSON) {
		now.next, err = c.Entry.Key.Code(c.Entry.Key.Start(step + 1))
	}
	return now, err
}

// left returns how long the code of a reading is still the present one: more than 0,
// and at most a period.
func (c Config) left(r reading) time.Duration { return c.Entry.Key.Start(r.step + 1).Sub(r.at) }

// untilNextSecond returns the time until the next whole second, at least 1 ns. Steps
// begin at whole seconds.
func untilNextSecond(t time.Time) time.Duration {
	return time.Second - time.Duration(t.Nanosecond())
}

// text returns what to write at now, if shown was written last.
func (c Config) text(shown, now reading) string {
	begins := shown.code == "" || shown.step != now.step
	switch {
	case c.Display == Live:
		return c.live(shown, now, begins)
	case !begins:
		return ""
	case c.Display == JSON:
		return c.object(now)
	}
	return c.line(now)
}

// line returns the code and, if there is one, the next code behind a space.
func (Config) line(r reading) string {
	if r.next == "" {
		return r.code + "\n"
	}
	return r.code + " " + r.next + "\n"
}

// last returns what to write at the end.
func (c Config) last(shown reading) string {
	if c.Display != Live || shown.code == "" {
		return ""
	}
	width := c.width()
	return c.rewind(shown, width) + c.past(shown.code, width)
}

func (c Config) write(text string) error {
	if text == "" {
		return nil
	}
	if _, err := io.WriteString(c.Out, text); err != nil {
		return fmt.Errorf("writing code: %w", err)
	}
	return nil
}
