package exchange

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rsc.io/qr"
)

// A drawnCode is a QR code as it lies in a picture.
type drawnCode struct {
	text        string
	x, y        float64 // of its centre
	module      float64 // pixels
	stretched   float64 // height of a module by its width, 0 is 1
	angle       float64 // degrees
	dark, light byte
	quiet       float64 // modules of light around it
}

// draw puts codes on a ground, each pixel from 3 x 3 points.
func draw(t testing.TB, width, height int, ground byte, codes ...drawnCode) *image.Gray {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = ground
	}
	for _, d := range codes {
		code, err := qr.Encode(d.text, qr.M)
		if err != nil {
			t.Fatal(err)
		}
		if d.stretched == 0 {
			d.stretched = 1
		}
		d.drawOn(img, code)
	}
	return img
}

func (d drawnCode) drawOn(img *image.Gray, code *qr.Code) {
	sin, cos := math.Sincos(d.angle * math.Pi / 180)
	half := float64(code.Size) / 2
	reach := (half + d.quiet) * d.module * 1.5 * max(1, d.stretched)
	size := img.Bounds().Size()
	for y := max(0, int(d.y-reach)); y < min(size.Y, int(d.y+reach)); y++ {
		for x := max(0, int(d.x-reach)); x < min(size.X, int(d.x+reach)); x++ {
			sum := 0
			for n := range 9 {
				px, py := float64(x)+float64(n%3)/3+1./6-d.x, float64(y)+float64(n/3)/3+1./6-d.y
				mx, my := (px*cos+py*sin)/d.module+half, (py*cos-px*sin)/d.module/d.stretched+half
				switch {
				case mx < -d.quiet || my < -d.quiet || mx > 2*half+d.quiet || my > 2*half+d.quiet:
					sum += int(img.GrayAt(x, y).Y)
				case code.Black(int(math.Floor(mx)), int(math.Floor(my))):
					sum += int(d.dark)
				default:
					sum += int(d.light)
				}
			}
			img.SetGray(x, y, color.Gray{byte(sum / 9)})
		}
	}
}

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestACodeIsReadFromWhatPeopleHave(t *testing.T) {
	short := "otpauth://totp/ACME:alice@example.com?secret=" + testSecret + "&issuer=ACME"
	long := "otpauth-migration://offline?data=" + strings.Repeat("aB3", 175) // version 18
	for name, d := range map[string]drawnCode{
		"drawn large":                           {text: short, module: 8, dark: 0, light: 255, quiet: 4},
		"of two pixels a module":                {text: short, module: 2, dark: 0, light: 255, quiet: 4},
		"between the pixels":                    {text: short, module: 3.37, dark: 0, light: 255, quiet: 4},
		"from a phone":                          {text: long, module: 7, dark: 0, light: 255, quiet: 4},
		"from a terminal with a dark theme":     {text: long, module: 4.5, dark: 255, light: 16, quiet: 4, stretched: 1.06},
		"from a terminal whose cells are broad": {text: short, module: 8, dark: 20, light: 230, quiet: 2, stretched: 0.85},
		"pale":                                  {text: short, module: 4, dark: 112, light: 124, quiet: 4},
		"pale and inverted":                     {text: short, module: 4, dark: 90, light: 40, quiet: 4},
		"upside down":                           {text: long, module: 4, angle: 180, dark: 0, light: 255, quiet: 4},
		"aslant":                                {text: short, module: 5, angle: 17, dark: 30, light: 200, quiet: 4},
		"on its corner":                         {text: short, module: 5, angle: 45, dark: 30, light: 200, quiet: 4},
		"without much of a border":              {text: short, module: 5, dark: 0, light: 255, quiet: 1},
	} {
		t.Run(name, func(t *testing.T) {
			d.x, d.y = 400.3, 420.8
			if texts := readCodes(luminance(draw(t, 800, 820, d.light/2+60, d))); !slices.Equal(texts, []string{d.text}) {
				t.Errorf("read %q", texts)
			}
		})
	}
}

func TestAPhotographWithNoiseAndUnevenLightIsRead(t *testing.T) {
	d := drawnCode{text: "otpauth://totp/a?secret=" + testSecret, x: 1000, y: 700, module: 9, angle: 8, dark: 60, light: 170, quiet: 4, stretched: 0.93}
	img := draw(t, 2000, 1500, 120, d)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range img.Pix {
		light := 0.6 + 0.4*float64(i%2000)/2000 // from one side
		img.Pix[i] = byte(min(255, max(0, float64(img.Pix[i])*light+30*(r.Float64()-0.5))))
	}
	if texts := readCodes(luminance(img)); !slices.Equal(texts, []string{d.text}) {
		t.Errorf("read %q", texts)
	}
}

// seenFrom moves the corners of a picture, as a camera does that is held aslant.
func seenFrom(img *image.Gray, ground byte, corners [4]point) *image.Gray {
	size := img.Bounds().Size()
	w, h := float64(size.X), float64(size.Y)
	from := corners // of the moved picture, whose pixels are looked up
	to := [4]point{{0, 0}, {w, 0}, {0, h}, {w, h}}
	var m [8][9]float64
	for i := range 4 {
		f, t := from[i], to[i]
		m[2*i] = [9]float64{f.x, f.y, 1, 0, 0, 0, -f.x * t.x, -f.y * t.x, t.x}
		m[2*i+1] = [9]float64{0, 0, 0, f.x, f.y, 1, -f.x * t.y, -f.y * t.y, t.y}
	}
	p := solve(m)
	moved := image.NewGray(img.Rect)
	for y := range size.Y {
		for x := range size.X {
			light := ground
			if at := p.apply(float64(x)+0.5, float64(y)+0.5); at.x >= 0 && at.y >= 0 && at.x < w && at.y < h {
				light = img.GrayAt(int(at.x), int(at.y)).Y
			}
			moved.SetGray(x, y, color.Gray{light})
		}
	}
	return moved
}

func TestAPhotographFromAsideIsRead(t *testing.T) {
	for _, d := range []drawnCode{
		{text: "otpauth-migration://offline?data=" + strings.Repeat("aB3", 175), module: 9, quiet: 4, dark: 40, light: 200},
		{text: "otpauth://totp/a?secret=" + testSecret, module: 18, quiet: 4, dark: 40, light: 200},
	} {
		d.x, d.y = 500, 500
		flat := draw(t, 1000, 1000, 200, d)
		for _, corners := range [][4]point{
			{{80, 40}, {960, 90}, {20, 980}, {900, 960}},
			{{150, 60}, {840, 30}, {30, 930}, {950, 960}},
			{{100, 130}, {960, 40}, {60, 850}, {980, 970}},
		} {
			if texts := readCodes(luminance(seenFrom(flat, 90, corners))); !slices.Equal(texts, []string{d.text}) {
				t.Errorf("%d bytes from %v: read %q", len(d.text), corners, texts)
			}
		}
	}
}

func TestAllCodesOfAPictureAreRead(t *testing.T) {
	var codes []drawnCode
	var want []string
	for i := range 12 {
		d := drawnCode{text: "otpauth://totp/" + strings.Repeat("x", i) + "?secret=" + testSecret, x: float64(150 + i%4*280), y: float64(150 + i/4*280), module: 4, dark: 0, light: 255, quiet: 4}
		if i == 5 {
			d.dark, d.light = d.light, d.dark
		}
		codes, want = append(codes, d), append(want, d.text)
	}
	texts := readCodes(luminance(draw(t, 1200, 900, 200, codes...)))
	if !slices.Equal(texts, want) {
		t.Errorf("read %d of %d: %q", len(texts), len(want), texts)
	}
}

func TestNoCleanCodeIsOverlooked(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 40 {
		text := randomEntry(t, r).URI()
		code, err := qr.Encode(text, qr.M)
		if err != nil {
			t.Fatal(err)
		}
		n := (code.Size + 8) * 3
		img := draw(t, n, n, 255, drawnCode{text: text, x: float64(n) / 2, y: float64(n) / 2, module: 3, light: 255, quiet: 4})
		if texts := readCodes(luminance(img)); !slices.Equal(texts, []string{text}) {
			t.Errorf("%q is read as %q", text, texts)
		}
	}
}

// The marks of codes, hundreds of them, are what a hostile picture shows: all triples of
// them are more than can be tried.
func TestAPictureOfMarksAloneIsReadInBoundedTime(t *testing.T) {
	const side, module = 240, 2
	img := image.NewGray(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		a, b := i%side/module%8, i/side/module%8
		if ring := max(a-3, 3-a, b-3, 3-b); ring == 2 || a == 7 || b == 7 {
			img.Pix[i] = 255
		}
	}
	var s qrScan
	s.scanAt(luminance(img), scanSize{1, 1})
	if s.attempts == 0 || s.attempts > maxAttempts+4 || len(s.found) > 0 {
		t.Errorf("%d attempts, %d codes", s.attempts, len(s.found))
	}
}
