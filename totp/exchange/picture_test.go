package exchange

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"
)

func pictureFixtures(t testing.TB) []fixture {
	alice, bob := "otpauth://totp/GitHub:alice?secret="+testSecret+"&issuer=GitHub", "otpauth://totp/bob?secret="+testSecret
	code := func(text string, x, y float64) drawnCode {
		return drawnCode{text: text, x: x, y: y, module: 4, dark: 0, light: 255, quiet: 4}
	}
	several := fixture{
		file: "several.png", format: "picture", accounts: []string{alice, bob, "otpauth://totp/carol?secret=" + testSecret},
		leftOut: []string{"WIFI", "Old:counter", "text", ""},
		data: encodePNG(t, draw(t, 820, 560, 230,
			code(alice, 130, 130), code("WIFI:T:WPA;S:home;P:tell-nobody;;", 400, 131), code("otpauth://hotp/Old:counter?secret="+testSecret, 670, 132),
			code(bob+"\n"+"otpauth://totp/carol?secret="+testSecret, 140, 400), code("hello", 400, 401),
			code(googleURI(googlePayload(3, 1, 2)), 660, 402))),
	}
	inverted := code(alice, 150, 150)
	inverted.dark, inverted.light = 255, 16
	one := fixture{format: "picture", accounts: []string{alice}}
	jpg, gifs, webp := one, one, one
	jpg.file, gifs.file, webp.file = "photo.jpg", "dark.gif", "code.webp"
	var b bytes.Buffer
	turned := code(alice, 200, 200)
	turned.angle, turned.dark, turned.light = 11, 50, 180
	if err := jpeg.Encode(&b, draw(t, 400, 400, 100, turned), &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	jpg.data = slices.Clone(b.Bytes())
	b.Reset()
	if err := gif.Encode(&b, draw(t, 300, 300, 16, inverted), nil); err != nil {
		t.Fatal(err)
	}
	gifs.data = slices.Clone(b.Bytes())
	webp.data = encodeWebP(draw(t, 300, 300, 255, code(alice, 150, 150)))
	migration := googleFixtures()[0]
	migration.file, migration.format = "google.png", "picture"
	parts := strings.Split(strings.TrimSpace(string(migration.data)), "\n")
	migration.data = encodePNG(t, draw(t, 1000, 500, 255, code(parts[0], 250, 250), code(parts[1], 750, 251)))
	return []fixture{several, jpg, gifs, webp, migration}
}

// encodeWebP writes a lossless WebP of black and white (RFC 9649 section 3): each pixel is
// one bit each for green, red and blue.
func encodeWebP(img *image.Gray) []byte {
	var bits bitWriter
	bits.write(0x2f, 8) // signature
	bits.write(uint32(img.Rect.Dx()-1), 14)
	bits.write(uint32(img.Rect.Dy()-1), 14)
	bits.write(0, 1+3) // no alpha, version 0
	bits.write(0, 1)   // no transform
	bits.write(0, 1)   // no colour cache
	bits.write(0, 1)   // one group of prefix codes
	for range 3 {      // green, red, blue: a simple code of the symbols 0 and 255
		bits.write(1, 1)
		bits.write(1, 1) // two symbols
		bits.write(0, 1) // the first in one bit
		bits.write(0, 1)
		bits.write(255, 8)
	}
	bits.write(1, 1) // alpha: a simple code of the symbol 255
	bits.write(0, 1)
	bits.write(1, 1)
	bits.write(255, 8)
	bits.write(1, 1) // distance: a simple code of the symbol 0
	bits.write(0, 1)
	bits.write(0, 1)
	bits.write(0, 1)
	for _, p := range img.Pix {
		bits.write(uint32(p>>7)*7, 3)
	}
	chunk := bits.bytes()
	out := []byte("RIFF\x00\x00\x00\x00WEBPVP8L")
	out = binary.LittleEndian.AppendUint32(out, uint32(len(chunk)))
	out = append(out, chunk...)
	if len(chunk)%2 == 1 {
		out = append(out, 0)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// A bitWriter has a byte for each bit.
type bitWriter struct{ data []byte }

func (w *bitWriter) write(value uint32, n int) {
	for i := range n {
		w.data = append(w.data, byte(value>>i&1))
	}
}

func (w *bitWriter) bytes() []byte {
	out := make([]byte, (len(w.data)+7)/8)
	for i, bit := range w.data {
		out[i/8] |= bit << (i % 8)
	}
	return out
}

func TestAPictureWithoutACodeSaysSo(t *testing.T) {
	if _, err := Read(encodePNG(t, draw(t, 300, 200, 128)), Options{}); !errors.Is(err, ErrNoCode) {
		t.Errorf("an empty picture: %v", err)
	}
	if _, err := Read(encodePNG(t, image.NewGray(image.Rect(0, 0, 1, 1))), Options{}); !errors.Is(err, ErrNoCode) {
		t.Errorf("one pixel: %v", err)
	}
	if _, err := Read([]byte("no picture"), Options{Format: "picture"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("text: %v", err)
	}
}

func TestAHugePictureIsRefusedBeforeItIsDecoded(t *testing.T) {
	png := encodePNG(t, draw(t, 10, 10, 128))
	binary.BigEndian.PutUint32(png[16:], 30_000)
	binary.BigEndian.PutUint32(png[20:], 30_000)
	binary.BigEndian.PutUint32(png[29:], crc32.ChecksumIEEE(png[12:29]))
	if _, err := Read(png, Options{}); err == nil || !strings.Contains(err.Error(), "30000 x 30000") {
		t.Errorf("PNG: %v", err)
	}
	gif := []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00")
	if _, err := Read(gif, Options{}); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("GIF: %v", err)
	}
	for _, v := range []struct {
		model color.Model
		data  string
		want  int
	}{{color.RGBA64Model, "", 8}, {color.NRGBAModel, "", 4}, {color.YCbCrModel, "\xff\xd8\xff\xc0", 4}, {color.YCbCrModel, "\xff\xd8\xff\xc2", 20}} {
		if n := bytesPerPixel(image.Config{ColorModel: v.model}, []byte(v.data)); n != v.want {
			t.Errorf("%q: %d bytes", v.data, n)
		}
	}
}

func TestAPictureOfOneColumnTakesNoLongerThanASquare(t *testing.T) {
	const side = 1000
	square, column := thresholdTime(side, side), thresholdTime(1, side*side)
	if column > 60*square {
		t.Errorf("a column takes %v, a square of as many pixels %v", column, square)
	}
}

func thresholdTime(width, height int) time.Duration {
	start := time.Now()
	grayscale{make([]byte, width*height), width, height}.threshold()
	return time.Since(start)
}

func TestAJPEGOfManyScansIsRefused(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, draw(t, 100, 100, 128), nil); err != nil {
		t.Fatal(err)
	}
	b.WriteString(strings.Repeat("\xff\xda", maxScans))
	if _, err := Read(b.Bytes(), Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsTransparentIsWhite(t *testing.T) {
	gray := draw(t, 300, 300, 255, drawnCode{text: "otpauth://totp/a?secret=" + testSecret, x: 150, y: 150, module: 4, light: 255, quiet: 4})
	img := image.NewNRGBA(gray.Rect)
	for i, p := range gray.Pix {
		img.Pix[4*i+3] = ^p // black where it is not transparent
	}
	c, err := Read(encodePNG(t, img), Options{})
	if err != nil || len(c.Accounts) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzPicture(f *testing.F) { fuzzRead(f, "picture") }
