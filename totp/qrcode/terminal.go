package qrcode

import (
	"bytes"
	"io"
	"strings"

	"github.com/mdp/qrterminal/v3"
)

// Style is how a terminal's character cells make up modules.
type Style int

const (
	// HalfBlocks draws two modules a cell, one above the other. It needs UTF-8.
	HalfBlocks Style = iota
	// WholeBlocks draws two cells a module, in ASCII alone, four times as large.
	WholeBlocks
)

// Black and white are 256-colour 16 and 231, because themes redefine the first
// sixteen. Each cell has both, so nothing depends on the terminal's own colours.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	whiteOnBlack = "\x1b[38;5;231;48;5;16m"
	reset        = "\x1b[0m"
)

// The letters that qrterminal is told to draw with, which paint then replaces.
const (
	white      = "w"
	black      = "b"
	whiteBlack = "u" // upper half white, lower half black
	blackWhite = "l"
)

// Terminal draws text on w, in one write, as lines of equal width that need a
// terminal with 256 colours; Size tells how large. It returns ErrTooLong for a
// text that does not fit, and the error of the write.
func Terminal(w io.Writer, text string, style Style) error {
	_, level, err := encode(text)
	if err != nil {
		return err
	}
	var cells bytes.Buffer
	qrterminal.GenerateWithConfig(text, qrterminal.Config{
		Level:          level,
		Writer:         &cells,
		HalfBlocks:     style == HalfBlocks,
		BlackChar:      black,
		WhiteChar:      white,
		BlackWhiteChar: blackWhite,
		WhiteBlackChar: whiteBlack,
		QuietZone:      quietZone,
	})
	_, err = io.WriteString(w, paint(cells.String(), style))
	return err
}

// Size tells how many columns and lines Terminal needs for text. It returns
// ErrTooLong for a text that does not fit a QR code.
func Size(text string, style Style) (columns, lines int, err error) {
	code, _, err := encode(text)
	if err != nil {
		return 0, 0, err
	}
	side := code.Size + 2*quietZone
	if style == HalfBlocks {
		return side, (side + 1) / 2, nil
	}
	return 2 * side, side, nil
}

// paint turns qrterminal's letters into coloured cells. Full cells are spaces,
// as fonts may leave gaps around a block but not in a background.
func paint(cells string, style Style) string {
	space := " "
	if style != HalfBlocks {
		space = "  "
	}
	var b strings.Builder
	for line := range strings.Lines(cells) {
		colours := ""
		for _, cell := range withoutOverhang(strings.TrimSuffix(line, "\n")) {
			wanted, glyph := blackOnWhite, space
			switch string(cell) {
			case black:
				wanted = whiteOnBlack
			case whiteBlack:
				glyph = "▄"
			case blackWhite:
				glyph = "▀"
			}
			if wanted != colours {
				b.WriteString(wanted)
				colours = wanted
			}
			b.WriteString(glyph)
		}
		b.WriteString(reset + "\n")
	}
	return b.String()
}

// withoutOverhang whitens the half row that an odd number of rows leaves over:
// qrterminal makes it black, which is a bar under the code on a light terminal.
// All other lines begin with the quiet zone.
func withoutOverhang(line string) string {
	if strings.HasPrefix(line, whiteBlack) {
		return strings.Repeat(white, len(line))
	}
	return line
}
