package qrcode

import (
	"bytes"
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

func (s Style) levels() []qr.Level {
	if s.has(LowCorrection) {
		return []qr.Level{qr.L}
	}
	return []qr.Level{qr.M, qr.L}
}

// Black and white are 256-colour 16 and 231, because themes redefine the first
// sixteen. Each cell has both, so nothing depends on the terminal's own colours.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	whiteOnBlack = "\x1b[38;5;231;48;5;16m"
	reset        = "\x1b[0m"
)

// qrterminal draws with these letters, which paint then replaces.
const (
	white      = "w"
	black      = "b"
	whiteBlack = "u" // upper half white, lower half black
	blackWhite = "l"
)

// A Drawing is a QR code of lines of text, each as wide as Columns and without a
// newline.
type Drawing struct {
	Columns int
	Lines   []string
}

// String returns the lines, each with its newline.
func (d Drawing) String() string { return strings.Join(d.Lines, "\n") + "\n" }

// Draw draws text for a terminal. Without NoColours it must have 256 colours. Draw
// returns ErrTooLong for a text that does not fit.
func Draw(text string, style Style) (Drawing, error) {
	code, level, err := encode(text, style.levels()...)
	if err != nil {
		return Drawing{}, err
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
	d := Drawing{Columns: code.Size + 2*quietZone}
	if style.has(WholeBlocks) {
		d.Columns *= 2
	}
	for line := range strings.Lines(cells.String()) {
		d.Lines = append(d.Lines, style.paint(withoutOverhang(strings.TrimSuffix(line, "\n"))))
	}
	return d, nil
}

// paint turns a line of qrterminal's letters into cells.
func (s Style) paint(line string) string {
	if s.has(NoColours) {
		return s.glyphs().Replace(line)
	}
	return s.colour(line)
}

// glyphs draw white and leave black out.
func (s Style) glyphs() *strings.Replacer {
	if s.has(WholeBlocks) {
		return strings.NewReplacer(white, "##", black, "  ")
	}
	return strings.NewReplacer(white, "█", black, " ", whiteBlack, "▀", blackWhite, "▄")
}

// colour makes full cells of spaces, because fonts may leave gaps around a block but
// not in a background.
func (s Style) colour(line string) string {
	space := " "
	if s.has(WholeBlocks) {
		space = "  "
	}
	var b strings.Builder
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
	return b.String() + reset
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
