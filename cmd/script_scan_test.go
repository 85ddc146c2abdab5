package cmd_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/rogpeppe/go-internal/testscript"
)

// scan FILE reads the QR code of a PNG image, or of coloured cells as a terminal
// shows them, and leaves its text for stdout. gozxing overlooks one clean code in
// 500: what is scanned here has a fixed text.
func scan(ts *testscript.TestScript, neg bool, args []string) {
	data := ts.ReadFile(args[0])
	img, err := png.Decode(strings.NewReader(data))
	if err != nil {
		img, err = drawnCells(data)
		ts.Check(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	ts.Check(err)
	text, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), text.GetText())
}

// screenshot FILE PNG N draws what a terminal has shown after it was cleared for the Nth
// time.
func screenshot(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	screens := strings.Split(ts.ReadFile(args[0]), "\x1b[H\x1b[2J")
	if len(screens) <= n {
		ts.Fatalf("the terminal was cleared %d times", len(screens)-1)
	}
	img, err := drawnCells(screens[n])
	ts.Check(err)
	var b bytes.Buffer
	ts.Check(png.Encode(&b, img))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o600))
}

const (
	cellWidth  = 4 // pixels; a cell is twice as high
	cellHeight = 2 * cellWidth
)

// drawnCells draws the lines that are made of coloured cells alone.
func drawnCells(text string) (image.Image, error) {
	var rows [][]color.Gray // two a line
	for line := range strings.Lines(text) {
		if upper, lower := halves(strings.TrimSuffix(line, "\n")); upper != nil {
			rows = append(rows, upper, lower)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("nothing is drawn")
	}
	img := image.NewRGBA(image.Rect(0, 0, cellWidth*len(rows[0]), cellHeight/2*len(rows)))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			img.Set(x, y, rows[y/(cellHeight/2)][x/cellWidth])
		}
	}
	return img, nil
}

var coloured = regexp.MustCompile(`\x1b\[38;5;(16|231);48;5;(16|231)m([ ▀▄]+)`)

// halves returns the shades of a line's upper and lower halves, nil if it shows
// anything but coloured cells.
func halves(line string) (upper, lower []color.Gray) {
	rest, ended := strings.CutSuffix(line, "\x1b[0m")
	shades := map[string]color.Gray{"16": {Y: 0}, "231": {Y: 255}}
	for _, run := range coloured.FindAllStringSubmatch(rest, -1) {
		rest = strings.TrimPrefix(rest, run[0])
		front, back := shades[run[1]], shades[run[2]]
		for _, glyph := range run[3] {
			u, l := back, back
			switch glyph {
			case '▀':
				u = front
			case '▄':
				l = front
			}
			upper, lower = append(upper, u), append(lower, l)
		}
	}
	if rest != "" || !ended {
		return nil, nil
	}
	return upper, lower
}
