package qrcode

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"rsc.io/qr"
)

const (
	maxBytesM = 2331 // version 40, byte mode: ISO/IEC 18004, table 7
	maxBytesL = 2953
)

var texts = map[string]string{
	"short":     "totpctl",
	"typical":   "otpauth://totp/TOTP%20Example:gonzalo123.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=TOTP%20Example",
	"long":      "otpauth://totp/" + strings.Repeat("%E2%82%AC", 55) + "?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=" + strings.Repeat("%C3%9F", 7),
	"longest M": letters(maxBytesM),
	"longest L": letters(maxBytesL),
}

// bitmap holds the rows of a drawing's modules, true for black, quiet zone included.
type bitmap [][]bool

func TestPNGIsReadBack(t *testing.T) {
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			data, err := PNG(text)
			if err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			checkModules(t, sampleModules(t, img), text)
			if got := readBack(t, img); got != text {
				t.Errorf("read back %q, want %q", got, text)
			}
		})
	}
}

func TestPNGHasOneBitAPixel(t *testing.T) {
	data, err := PNG(texts["typical"])
	if err != nil {
		t.Fatal(err)
	}
	const depth, colourType = 24, 25 // offsets into the file: signature, then IHDR
	if data[depth] != 1 || data[colourType] != 0 {
		t.Errorf("bit depth %d, colour type %d; want 1, 0 (greyscale)", data[depth], data[colourType])
	}
}

func TestEveryVersionIsReadBack(t *testing.T) {
	sizes := map[int]bool{}
	for n := 1; n <= maxBytesM; n += 10 { // versions differ by 12 bytes at least
		text := letters(n)
		code, _, err := encode(text, qr.M, qr.L)
		if err != nil {
			t.Fatal(err)
		}
		if sizes[code.Size] {
			continue
		}
		sizes[code.Size] = true
		data, err := PNG(text)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, img, gozxing.DecodeHintType_PURE_BARCODE); got != text {
			t.Errorf("%d bytes: read back %q", n, got)
		}
	}
	if len(sizes) != 40 {
		t.Errorf("%d versions, want 40", len(sizes))
	}
}

func TestLevelIsMWhereTheTextFits(t *testing.T) {
	for bytes, want := range map[int]qr.Level{1: qr.M, maxBytesM: qr.M, maxBytesM + 1: qr.L, maxBytesL: qr.L} {
		_, level, err := encode(strings.Repeat("x", bytes), qr.M, qr.L)
		if err != nil || level != want {
			t.Errorf("%d bytes: level %d, error %v; want level %d", bytes, level, err, want)
		}
	}
}

func TestTooLongATextIsAnError(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("x", maxBytesL+1),
		strings.Repeat("A", 4296+1),
		strings.Repeat("7", 7089+1),
		strings.Repeat("\xff", 1<<16),
	} {
		checkTooLong(t, text)
	}
}

func checkTooLong(t *testing.T, text string) {
	t.Helper()
	_, pngErr := PNG(text)
	_, svgErr := SVG(text, "title")
	half, halfErr := Draw(text, HalfBlocks)
	whole, wholeErr := Draw(text, WholeBlocks)
	for name, err := range map[string]error{"PNG": pngErr, "SVG": svgErr, "Draw half": halfErr, "Draw whole": wholeErr} {
		if !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: error %v, want ErrTooLong", name, err)
		}
	}
	if half.Lines != nil || whole.Lines != nil {
		t.Errorf("Draw returned %d and %d lines beside its error", len(half.Lines), len(whole.Lines))
	}
}

func FuzzAllFormsAgree(f *testing.F) {
	f.Add(texts["short"], "QR code")
	f.Add(texts["typical"], "QR code")
	f.Add("", "")
	f.Add("0123456789", "<&>\"'")
	f.Add("CAPITALS $%*+-./:", "capitals")
	f.Add("\xff\x00é", "\xff\x00\u202e")
	f.Fuzz(func(t *testing.T, text, title string) {
		data, err := PNG(text)
		if err != nil {
			if !errors.Is(err, ErrTooLong) {
				t.Fatal(err)
			}
			return
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		checkModules(t, sampleModules(t, img), text)
		checkModules(t, svgModules(t, text, title), text)
		for _, style := range []Style{HalfBlocks, WholeBlocks} {
			checkModules(t, terminalModules(t, text, style), text)
			checkModules(t, terminalModules(t, text, style|NoColours), text)
		}
	})
}

// checkModules compares a drawing with the encoder's modules inside a quiet zone
// of four, module by module.
func checkModules(t *testing.T, got bitmap, text string) {
	t.Helper()
	code, _, err := encode(text, qr.M, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	side := code.Size + 8
	if len(got) != side {
		t.Fatalf("%d rows, want %d", len(got), side)
	}
	for y, row := range got {
		if len(row) != side {
			t.Fatalf("row %d has %d modules, want %d", y, len(row), side)
		}
		for x, isBlack := range row {
			if isBlack != code.Black(x-4, y-4) {
				t.Fatalf("module (%d, %d): black is %v", x, y, isBlack)
			}
		}
	}
}

// sampleModules reads one pixel at the centre of each module of 8 by 8 pixels.
func sampleModules(t *testing.T, img image.Image) bitmap {
	t.Helper()
	if b := img.Bounds(); b.Dx()%8 != 0 || b.Dx() != b.Dy() {
		t.Fatalf("image is %v, want a square of 8-pixel modules", b)
	}
	rows := make(bitmap, img.Bounds().Dy()/8)
	for y := range rows {
		for x := range len(rows) {
			grey := color.GrayModel.Convert(img.At(8*x+4, 8*y+4)).(color.Gray)
			rows[y] = append(rows[y], grey.Y < 128)
		}
	}
	return rows
}

// picture draws modules of 4 by 4 pixels on a surround that stands for the
// terminal or the page around them.
func picture(modules bitmap, surround uint8) image.Image {
	const scale, margin = 4, 40
	side := scale*len(modules) + 2*margin
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			shade := surround
			row, column := (y-margin)/scale, (x-margin)/scale
			if y >= margin && x >= margin && row < len(modules) && column < len(modules[row]) {
				shade = 255
				if modules[row][column] {
					shade = 0
				}
			}
			img.SetGray(x, y, color.Gray{Y: shade})
		}
	}
	return img
}

// letters makes a text of n lower-case letters without a short period.
func letters(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	return string(text)
}

// readBack finds the code in its surround. gozxing overlooks a few clean codes in
// a hundred, its own encoder's too, so the texts here are fixed ones.
func readBack(t *testing.T, img image.Image) string {
	t.Helper()
	return decode(t, img, gozxing.DecodeHintType_TRY_HARDER)
}

func decode(t *testing.T, img image.Image, hint gozxing.DecodeHintType) string {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	hints := map[gozxing.DecodeHintType]any{hint: true}
	result, err := qrcode.NewQRCodeReader().Decode(bits, hints)
	if err != nil {
		t.Fatalf("reading the code back: %v", err)
	}
	return result.GetText()
}
