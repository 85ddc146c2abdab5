package qrcode

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// cell is what a terminal shows: 0 stands for a colour that was never set.
type cell struct {
	glyph                  rune
	foreground, background string
}

func TestTerminalIsReadBack(t *testing.T) {
	for name, text := range texts {
		for style, styleName := range map[Style]string{HalfBlocks: "half", WholeBlocks: "whole"} {
			t.Run(name+" "+styleName, func(t *testing.T) {
				modules := terminalModules(t, text, style)
				checkModules(t, modules, text)
				for _, surround := range []uint8{0, 255} {
					if got := readBack(t, picture(modules, surround)); got != text {
						t.Errorf("surround %d: read back %q, want %q", surround, got, text)
					}
				}
			})
		}
	}
}

func TestTerminalWithoutColoursIsReadBackOnADarkOne(t *testing.T) {
	for name, text := range texts {
		for style, styleName := range map[Style]string{HalfBlocks: "half", WholeBlocks: "whole"} {
			t.Run(name+" "+styleName, func(t *testing.T) {
				modules := terminalModules(t, text, style|NoColours)
				checkModules(t, modules, text)
				if got := readBack(t, picture(modules, 0)); got != text {
					t.Errorf("read back %q, want %q", got, text)
				}
			})
		}
	}
}

func TestLowCorrectionIsSmallerAndReadBack(t *testing.T) {
	const defaultURI = "otpauth://totp/totpctl:default?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=totpctl"
	d, err := Draw(defaultURI, HalfBlocks|LowCorrection)
	if err != nil || d.Columns != 45 || len(d.Lines) != 23 {
		t.Errorf("the default URI needs %d columns, %d lines, %v; want 45 and 23", d.Columns, len(d.Lines), err)
	}
	modules := terminalModules(t, defaultURI, HalfBlocks|LowCorrection)
	if len(modules) != d.Columns {
		t.Errorf("%d rows are drawn, want %d", len(modules), d.Columns)
	}
	if got := readBack(t, picture(modules, 0)); got != defaultURI {
		t.Errorf("read back %q, want %q", got, defaultURI)
	}
}

func TestDrawnLinesAreAsWideAsColumnsSays(t *testing.T) {
	for name, text := range texts {
		for style := HalfBlocks; style <= WholeBlocks|NoColours|LowCorrection; style++ {
			d, err := Draw(text, style)
			if err != nil {
				t.Fatal(err)
			}
			screen := terminalCells(t, text, style)
			if len(screen) != len(d.Lines) {
				t.Errorf("%s, style %d: %d lines, want %d", name, style, len(screen), len(d.Lines))
			}
			for y, line := range screen {
				if len(line) != d.Columns {
					t.Errorf("%s, style %d, line %d: %d columns, want %d", name, style, y, len(line), d.Columns)
				}
			}
		}
	}
}

func TestTerminalDrawsSmallestCodeInKnownSize(t *testing.T) {
	for style, want := range map[Style][2]int{HalfBlocks: {29, 15}, WholeBlocks: {58, 29}} {
		d, err := Draw("totpctl", style)
		if err != nil || d.Columns != want[0] || len(d.Lines) != want[1] {
			t.Errorf("style %d: %d columns, %d lines, error %v; want %v", style, d.Columns, len(d.Lines), err, want)
		}
	}
}

func TestWholeBlocksAreASCII(t *testing.T) {
	for _, style := range []Style{WholeBlocks, WholeBlocks | NoColours} {
		d, err := Draw(texts["typical"], style)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []byte(d.String()) {
			if b >= utf8.RuneSelf {
				t.Fatalf("style %d: byte %#x", style, b)
			}
		}
	}
}

func terminalModules(t *testing.T, text string, style Style) bitmap {
	t.Helper()
	screen := terminalCells(t, text, style)
	if style.has(WholeBlocks) {
		return wholeModules(t, screen)
	}
	return halfModules(t, screen)
}

func wholeModules(t *testing.T, screen [][]cell) bitmap {
	t.Helper()
	modules := make(bitmap, len(screen))
	for y, line := range screen {
		for x := 0; x+1 < len(line); x += 2 {
			if line[x] != line[x+1] || line[x].glyph != ' ' {
				t.Fatalf("line %d, column %d: %+v, %+v are no module", y, x, line[x], line[x+1])
			}
			modules[y] = append(modules[y], line[x].background == "16")
		}
	}
	return modules
}

// halfModules drops the last half row, which must be white, as the number of
// rows is odd.
func halfModules(t *testing.T, screen [][]cell) bitmap {
	t.Helper()
	modules := make(bitmap, 2*len(screen))
	for y, line := range screen {
		for _, c := range line {
			upper, lower := c.background, c.background
			switch c.glyph {
			case '▀':
				upper = c.foreground
			case '▄':
				lower = c.foreground
			case ' ':
			default:
				t.Fatalf("line %d holds %q", y, c.glyph)
			}
			modules[2*y] = append(modules[2*y], upper == "16")
			modules[2*y+1] = append(modules[2*y+1], lower == "16")
		}
	}
	last := len(modules) - 1
	for x, isBlack := range modules[last] {
		if isBlack {
			t.Fatalf("last half row, column %d is black", x)
		}
	}
	return modules[:last]
}

// terminalCells interprets what Draw returns as a terminal does. It fails on
// a cell without both colours, on other colours than 16 and 231, on other
// escapes than colours and reset, and on a line that ends in colour.
func terminalCells(t *testing.T, text string, style Style) [][]cell {
	t.Helper()
	d, err := Draw(text, style)
	if err != nil {
		t.Fatal(err)
	}
	if style.has(NoColours) && strings.Contains(d.String(), "\x1b") {
		t.Fatal("there is an escape in what has no colours")
	}
	body, ended := strings.CutSuffix(d.String(), "\n")
	if !ended {
		t.Fatal("the last line has no newline")
	}
	var screen [][]cell
	for y, line := range strings.Split(body, "\n") {
		if style.has(NoColours) {
			screen = append(screen, plainCells(t, line))
			continue
		}
		cells, colours := lineCells(t, line)
		if colours != (cell{}) {
			t.Fatalf("line %d ends in %+v", y, colours)
		}
		screen = append(screen, cells)
	}
	return screen
}

// plainCells are those of a dark terminal, whose glyphs are white.
func plainCells(t *testing.T, line string) (cells []cell) {
	t.Helper()
	for _, glyph := range line {
		switch glyph {
		case '█', '#':
			cells = append(cells, cell{' ', "16", "231"})
		case ' ', '▀', '▄':
			cells = append(cells, cell{glyph, "231", "16"})
		default:
			t.Fatalf("cell %q", glyph)
		}
	}
	return cells
}

var escape = regexp.MustCompile(`^\x1b\[([0-9;]*)m`)

func lineCells(t *testing.T, line string) (cells []cell, colours cell) {
	t.Helper()
	for line != "" {
		if line[0] == '\x1b' {
			sequence := escape.FindStringSubmatch(line)
			if sequence == nil {
				t.Fatalf("escape in %q", line)
			}
			colours = applySGR(t, colours, sequence[1])
			line = line[len(sequence[0]):]
			continue
		}
		glyph, size := utf8.DecodeRuneInString(line)
		c := cell{glyph, colours.foreground, colours.background}
		if pair := c.foreground + " on " + c.background; pair != "16 on 231" && pair != "231 on 16" {
			t.Fatalf("cell %q is %s", glyph, pair)
		}
		if !strings.ContainsRune(" ▀▄", glyph) {
			t.Fatalf("cell %q", glyph)
		}
		cells = append(cells, c)
		line = line[size:]
	}
	return cells, colours
}

func applySGR(t *testing.T, colours cell, parameters string) cell {
	t.Helper()
	p := strings.Split(parameters, ";")
	for len(p) > 0 {
		switch {
		case p[0] == "0":
			colours, p = cell{}, p[1:]
		case len(p) >= 3 && p[0] == "38" && p[1] == "5":
			colours.foreground, p = p[2], p[3:]
		case len(p) >= 3 && p[0] == "48" && p[1] == "5":
			colours.background, p = p[2], p[3:]
		default:
			t.Fatalf("escape %q", parameters)
		}
	}
	return colours
}
