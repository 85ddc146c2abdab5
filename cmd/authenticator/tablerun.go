package authenticator

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
	"unicode"

	"totpctl/totp"
)

// A TableConfig is what RunTable needs. In and Out are the terminal.
type TableConfig struct {
	Rows    []Row // sorted
	Clock   func() time.Time
	In, Out *os.File
	Color   bool
	// Copy copies a code that is good for that long, and says how, as in "copied
	// (xclip)".
	Copy func(code string, lasts time.Duration) (said string, err error)
}

// escapeTime is how long the rest of a key's escape sequence may take to come. After
// that the key was Escape.
const escapeTime = 50 * time.Millisecond

// A browser is a table on a terminal.
type browser struct {
	config TableConfig
	table  *table
	screen *screen

	drawn   []string // what the terminal shows, by line; nil: nobody knows
	pending []byte   // the begin of an escape sequence
	copied  chan note
	copying bool
	signals chan os.Signal
}

// RunTable shows the rows with their codes on the whole terminal, until a key or ctx
// ends it; then it returns nil and the terminal is as it was before. It returns
// totp.ErrBeforeEpoch, or the error of the terminal, wrapped.
func RunTable(ctx context.Context, c TableConfig) error {
	b := &browser{
		config: c, table: newTable(c.Rows, c.Color), screen: &screen{in: c.In, out: c.Out},
		copied: make(chan note, 1), signals: make(chan os.Signal, 8),
	}
	if err := b.screen.enter(); err != nil {
		return fmt.Errorf("opening the terminal: %w", err)
	}
	defer b.finish()
	defer b.screen.leave() // after a panic, too
	b.listen()
	defer signal.Stop(b.signals)
	return b.run(ctx)
}

// finish waits for a code that is being copied, which would else stay in the clipboard,
// because nobody would have it cleared.
func (b *browser) finish() {
	if b.copying {
		<-b.copied
	}
}

func (b *browser) run(ctx context.Context) error {
	typed := b.screen.typed()
	for again := true; again; {
		if err := b.draw(); err != nil {
			return err
		}
		again = b.await(ctx, typed)
	}
	return nil
}

// await waits for what changes the table, and reports whether to go on.
func (b *browser) await(ctx context.Context, typed <-chan []byte) bool {
	second := time.NewTimer(untilNextSecond(b.table.now))
	defer second.Stop()
	var late <-chan time.Time
	if len(b.pending) > 0 {
		late = time.After(escapeTime)
	}
	select {
	case <-ctx.Done():
		return false
	case input, open := <-typed:
		return open && b.take(input, false)
	case <-late:
		return b.take(nil, true)
	case s := <-b.signals:
		b.heed(s)
	case n := <-b.copied:
		b.copying = false
		b.table.say(n)
	case <-second.C:
	}
	return true
}

// resume brings the table back after the process was stopped. Without a terminal, draw
// fails next.
func (b *browser) resume() {
	_ = b.screen.enter()
	b.drawn = nil
}

// take presses the keys that input ends, and reports whether to go on.
func (b *browser) take(input []byte, whole bool) bool {
	b.pending = append(b.pending, input...)
	for len(b.pending) > 0 {
		k, size := nextKey(b.pending, whole)
		if size == 0 {
			return true
		}
		b.pending = b.pending[size:]
		switch b.table.press(k) {
		case actQuit:
			return false
		case actCopy:
			b.copy()
		case actSuspend:
			b.suspend()
		case actRedraw:
			b.drawn = nil
		}
	}
	return true
}

// copy copies the chosen code. Programs that do so may take seconds, so the table goes on
// meanwhile.
func (b *browser) copy() {
	r, ok := b.table.chosen()
	if !ok || b.copying {
		return
	}
	b.copying = true
	b.table.say(note{text: "copying"})
	key, now := r.Entry.Key, b.config.Clock()
	step, _ := key.Step(now) // fails before 1970: see draw
	code, _ := key.Code(now)
	until := key.Start(step + 1)
	go func() {
		n := note{about: r.Shown, until: until}
		said, err := b.config.Copy(code, until.Sub(now))
		if n.text = said; err != nil {
			n = note{text: oneLine(err)}
		}
		b.copied <- n
	}()
}

// oneLine returns an error without control characters.
func oneLine(err error) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, err.Error())
}

// draw brings the terminal up to date with one Write, which has the lines that differ.
func (b *browser) draw() error {
	now := b.config.Clock()
	if now.Unix() < 0 {
		return fmt.Errorf("reading clock: %w", totp.ErrBeforeEpoch)
	}
	b.table.tick(now)
	if columns, lines := b.screen.size(); columns != b.table.columns || lines != b.table.lines {
		b.table.resize(columns, lines)
		b.drawn = nil
	}
	lines := b.table.view()
	frame := b.frame(lines)
	b.drawn = lines
	return Config{Out: b.config.Out}.write(frame)
}

// frame returns what changes the terminal from drawn to lines. Each line is erased before it is
// written, because erasing afterwards would delete the last character of a full line.
func (b *browser) frame(lines []string) string {
	var frame strings.Builder
	if b.drawn == nil {
		frame.WriteString("\x1b[2J")
	}
	for i, line := range lines {
		if b.drawn == nil || b.drawn[i] != line {
			fmt.Fprintf(&frame, "\x1b[%d;1H\x1b[2K%s", i+1, line)
		}
	}
	if b.table.filtering {
		fmt.Fprintf(&frame, "\x1b[%d;%dH"+showCursor, len(lines), cells(b.table.prompt())+1)
	} else {
		frame.WriteString(hideCursor)
	}
	return frame.String()
}
