package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/webp"
)

// ErrNoCode says that a picture shows no QR code, or none that can be read.
var ErrNoCode = errors.New("no QR code can be read in the picture")

// maxPictureBytes is what the pixels of a decoded picture may take: 40 megapixels of four
// bytes each. A file of a few kilobytes can ask for gigabytes.
const maxPictureBytes = 160 << 20

// maxScans is how often a JPEG may go over its pixels (SOS, ISO/IEC 10918-1). Encoders take
// ten or so, and a scan of a progressive JPEG can be 20 bytes for millions of pixels.
const maxScans = 1000

// A pictureKind is a file format of pictures. The decoders are called by name, not through
// image.Decode, so that no other that a program registers gets at the file.
type pictureKind struct {
	magic  string // "?" is any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

func pictureKinds() []pictureKind {
	return []pictureKind{
		{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
		{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
		{"GIF8?a", gif.DecodeConfig, gif.Decode},
		{"RIFF????WEBP", webp.DecodeConfig, webp.Decode},
	}
}

func (k pictureKind) matches(data []byte) bool {
	if len(data) < len(k.magic) {
		return false
	}
	for i := range len(k.magic) {
		if k.magic[i] != '?' && k.magic[i] != data[i] {
			return false
		}
	}
	return true
}

func findPicture(data []byte) (pictureKind, bool) {
	for _, k := range pictureKinds() {
		if k.matches(data) {
			return k, true
		}
	}
	return pictureKind{}, false
}

func isPicture(data []byte) bool {
	_, ok := findPicture(data)
	return ok
}

// readPicture reads each QR code of a picture as a list of URIs, which most often is one. Of
// an animated GIF it reads the first picture.
func readPicture(c *Contents, in input) error {
	img, err := decodePicture(in.data)
	if err != nil {
		return err
	}
	texts := readCodes(luminance(img))
	if len(texts) == 0 {
		return ErrNoCode
	}
	for i, text := range texts {
		c.addCode(fmt.Sprintf("QR code %d", i+1), text)
	}
	return nil
}

// addCode does not quote a code that is no account: a QR code of a Wi-Fi network has its
// password.
func (c *Contents) addCode(place, text string) {
	text = strings.TrimSpace(text)
	switch first := firstLine([]byte(text)); {
	case !isURI(first) && !isMigration(first):
		c.leaveOut(place, codeKind(text), errors.New("it is no account but another QR code"))
	case strings.Contains(text, "\n"):
		c.addLines(place+", line", text)
	case isMigration(text):
		c.addMigration(place, text)
	default:
		c.addURI(place, text)
	}
}

// codeKind names a QR code by what its text begins with: https, WIFI, mailto.
func codeKind(text string) string {
	scheme, _, ok := strings.Cut(text, ":")
	if !ok || len(scheme) > 12 || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz-+.") != "" {
		return "text"
	}
	return scheme
}

// decodePicture bounds the pixels before it decodes them.
func decodePicture(data []byte) (img image.Image, err error) {
	defer orDamaged(&err)
	kind, ok := findPicture(data)
	if !ok {
		return nil, fmt.Errorf("%w: want PNG, JPEG, GIF or WebP", ErrUnknown)
	}
	config, err := kind.config(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPictureBytes/config.Height/bytesPerPixel(config, data) {
		return nil, fmt.Errorf("the picture has %d x %d pixels, which is too large: cut out the QR codes", config.Width, config.Height)
	}
	if bytes.HasPrefix(data, []byte("\xff\xd8")) && bytes.Count(data, []byte("\xff\xda")) > maxScans {
		return nil, fmt.Errorf("%w: it has more than %d scans", ErrDamaged, maxScans)
	}
	img, err = kind.decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return img, nil
}

// orDamaged turns a panic into ErrDamaged: the decoders of pictures are other people's, and
// their input is a stranger's.
func orDamaged(err *error) {
	if recover() != nil {
		*err = fmt.Errorf("%w: its decoder has failed", ErrDamaged)
	}
}

// bytesPerPixel is what decoding takes at most. A progressive JPEG takes more than others,
// because its coefficients are kept to the end.
func bytesPerPixel(c image.Config, data []byte) int {
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.YCbCrModel, color.CMYKModel, color.GrayModel:
		if bytes.HasPrefix(data, []byte("\xff\xd8")) && bytes.Contains(data, []byte("\xff\xc2")) { // SOF2
			return 20
		}
	}
	return 4
}

// luminance puts what is transparent on white.
func luminance(img image.Image) grayscale {
	b := img.Bounds()
	g := grayscale{make([]byte, b.Dx()*b.Dy()), b.Dx(), b.Dy()}
	for y := range g.height {
		row := g.pixels[y*g.width:][:g.width]
		switch m := img.(type) {
		case *image.Gray:
			copy(row, m.Pix[y*m.Stride:])
		case *image.YCbCr:
			copy(row, m.Y[y*m.YStride:])
		case *image.RGBA:
			opaqueRow(row, m.Pix[y*m.Stride:])
		default:
			for x := range row {
				row[x] = luma(img.At(b.Min.X+x, b.Min.Y+y).RGBA())
			}
		}
	}
	return g
}

func opaqueRow(row, rgba []byte) {
	for x := range row {
		p := rgba[4*x:][:4]
		row[x] = luma(uint32(p[0])*0x101, uint32(p[1])*0x101, uint32(p[2])*0x101, uint32(p[3])*0x101)
	}
}

// luma weighs premultiplied 16-bit colours as ITU-R BT.601 does.
func luma(r, g, b, a uint32) byte {
	return byte(((299*r+587*g+114*b)/1000 + 0xffff - a) >> 8)
}
