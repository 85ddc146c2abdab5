package qrcode

import (
	"bytes"
	"io"
	"strings"

	"github.com/mdp/qrterminal/v3"
	"rsc.io/qr"
)

// Style is how a terminal's character cells make up modules: HalfBlocks or
// WholeBlocks, and any of the other flags.
type Style int

// HalfBlocks draws two modules a cell, one above the other. It needs UTF-8.
const HalfBlocks Style = 0

// The flags of a Style.
const (
	// WholeBlocks draws two cells a module, in ASCII alone, four times as large.
	WholeBlocks Style = 1 << iota
	// NoColours draws with glyphs alone, without escapes. White modules have the
	// terminal's text colour: on a light background the code is inverted, which
	// some apps cannot read.
	NoColours
	// LowCorrection takes error correction level L, which makes most codes
	// smaller, also where the text fits M.
	LowCorrection
)

func (s Style) has(flag Style) bool { return s&flag != 0 }

func (s Style) encode(text string) (*qr.Code, qr.Level, error) {
	if s.has(LowCorrection) {
		return encodeAt(text, qr.L)
	}
	return encode(text)
}

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

// Terminal draws text on w, in one write, as lines of equal width; Size tells how
// large. Without NoColours they need a terminal with 256 colours. It returns
// ErrTooLong for a text that does not fit, and the error of the write.
func Terminal(w io.Writer, text string, style Style) error {
	_, level, err := style.encode(text)
	if err != nil {
		return err
	}
	var cells bytes.Buffer
	qrterminal.GenerateWithConfig(text, qrterminal.Config{
		Level:          level,
		Writer:         &cells,
		HalfBlocks:     !style.has(WholeBlocks),
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
	code, _, err := style.encode(text)
	if err != nil {
		return 0, 0, err
	}
	side := code.Size + 2*quietZone
	if style.has(WholeBlocks) {
		return 2 * side, side, nil
	}
	return side, (side + 1) / 2, nil
}

// paint turns qrterminal's letters into cells.
func paint(cells string, style Style) string {
	var b strings.Builder
	for line := range strings.Lines(cells) {
		line = withoutOverhang(strings.TrimSuffix(line, "\n"))
		if style.has(NoColours) {
			b.WriteString(glyphs(style).Replace(line) + "\n")
		} else {
			paintLine(&b, line, style)
		}
	}
	return b.String()
}

// glyphs draw white and leave black out.
func glyphs(style Style) *strings.Replacer {
	if style.has(WholeBlocks) {
		return strings.NewReplacer(white, "##", black, "  ")
	}
	return strings.NewReplacer(white, "█", black, " ", whiteBlack, "▀", blackWhite, "▄")
}

// paintLine makes full cells of spaces, as fonts may leave gaps around a block but
// not in a background.
func paintLine(b *strings.Builder, line string, style Style) {
	space := " "
	if style.has(WholeBlocks) {
		space = "  "
	}
	colours := ""
	for _, cell := range line {
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

// withoutOverhang whitens the half row that an odd number of rows leaves over:
// qrterminal makes it black, which is a bar under the code on a light terminal.
// All other lines begin with the quiet zone.
func withoutOverhang(line string) string {
	if strings.HasPrefix(line, whiteBlack) {
		return strings.Repeat(white, len(line))
	}
	return line
}
