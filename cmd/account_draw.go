package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/term"

	"totpctl/cmd/hint"
	"totpctl/cmd/transfer"
	"totpctl/totp"
	"totpctl/totp/exchange"
	"totpctl/totp/qrcode"
)

// drawParts draws the QR codes that Google Authenticator imports the entries from, one after
// the other.
func (a accountCommands) drawParts(e *transfer.Exported) error {
	in, ok := a.program.in.(*os.File)
	if !ok || !isTerminal(in) {
		return hint.With(errors.New("drawing QR codes: standard input is no terminal, and Enter shows the next one"), "run it without a redirection, or write a file with --out")
	}
	_, leftOut := exchange.GoogleParts(e.Entries, 0)
	if e.LeaveOut(leftOut); e.Count == 0 {
		return nil
	}
	style := terminalStyle(os.Getenv) | qrcode.LowCorrection
	parts, err := fitParts(e.Entries, style, a.program.window())
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(syscall.SIGHUP)
	defer stop()
	if err := (slides{in, a.program.out, style}).show(ctx, parts); err != nil {
		return fmt.Errorf("drawing QR codes: %w", err)
	}
	return nil
}

// fitParts puts as many entries into each QR code as the window has room for.
func fitParts(entries []totp.Entry, style qrcode.Style, window size) ([]qrcode.Drawing, error) {
	const most, step = 560, 40 // bytes of a URI; phones read longer ones badly
	var parts []qrcode.Drawing
	for bytes := most; bytes > 0; bytes -= step {
		var fit bool
		var err error
		if parts, fit, err = drawAll(entries, bytes, style, window); err != nil || fit {
			return parts, err
		}
	}
	widest := parts[len(parts)-1]
	return nil, hint.With(fmt.Errorf("drawing QR codes: the terminal has %d columns and %d lines, and a code needs %d and %d",
		window.columns, window.lines, widest.Columns, len(widest.Lines)+lineOfPrompt), "%s", smallHint(style))
}

func smallHint(style qrcode.Style) string {
	return strings.Replace(narrowHint(style), "widen", "enlarge", 1)
}

// drawAll stops at the first code that does not fit the window.
func drawAll(entries []totp.Entry, bytes int, style qrcode.Style, window size) (parts []qrcode.Drawing, fit bool, err error) {
	uris, _ := exchange.GoogleParts(entries, bytes)
	for _, uri := range uris {
		d, err := qrcode.Draw(uri, style)
		if err != nil {
			return nil, false, fmt.Errorf("drawing QR codes: %w", err)
		}
		if parts = append(parts, d); !window.holds(d, lineOfPrompt) {
			return parts, false, nil
		}
	}
	return parts, true, nil
}

// slides show one drawing at a time, on a screen of their own that leaves nothing behind.
type slides struct {
	in, out *os.File
	style   qrcode.Style
}

// Control sequences of xterm. Its alternate screen has no lines to scroll back to.
const (
	alternateScreen = "\x1b[?1049h"
	formerScreen    = "\x1b[?1049l"
	clearScreen     = "\x1b[H\x1b[2J"
)

// show ends after the last drawing, at q, Ctrl-C and Ctrl-D, and with the context.
func (s slides) show(ctx context.Context, parts []qrcode.Drawing) (err error) {
	before, err := term.MakeRaw(int(s.in.Fd()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, term.Restore(int(s.in.Fd()), before)) }()
	if !s.dumb() {
		defer io.WriteString(s.out, clearScreen+formerScreen)
		io.WriteString(s.out, alternateScreen)
	}
	keys := s.keys()
	for n, d := range parts {
		if err := s.draw(d, n+1, len(parts)); err != nil {
			return err
		}
		if !next(ctx, keys) {
			return nil
		}
	}
	return nil
}

func (s slides) dumb() bool { return s.style&qrcode.NoColours != 0 }

func (s slides) draw(d qrcode.Drawing, part, of int) error {
	text, prompt := d.String(), fmt.Sprintf("part %d of %d: Enter shows the next, q ends", part, of)
	if part == of {
		prompt = fmt.Sprintf("part %d of %d: Enter ends", part, of)
	}
	if !s.dumb() {
		text = clearScreen + text
	}
	_, err := io.WriteString(s.out, strings.ReplaceAll(text+prompt, "\n", "\r\n"))
	return err
}

// keys returns what is typed. It is closed when the terminal is gone.
func (s slides) keys() <-chan byte {
	keys := make(chan byte)
	go func() {
		defer close(keys)
		for b := [1]byte{}; ; {
			if _, err := s.in.Read(b[:]); err != nil {
				return
			}
			keys <- b[0]
		}
	}()
	return keys
}

// next waits for Enter, or reports false.
func next(ctx context.Context, keys <-chan byte) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case key, ok := <-keys:
			switch {
			case !ok, strings.IndexByte("qQ\x03\x04", key) >= 0:
				return false
			case strings.IndexByte("\r\n ", key) >= 0:
				return true
			}
		}
	}
}
