package browsertest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the README's screenshots and the icons anew: go test ./server/browsertest -run Images -update")

const (
	staticFolder     = "../pages/static"
	screenshotFolder = "../pages/screenshots"
)

// The icons are icon.svg drawn by Chromium; platforms cut shapes out of the
// maskable one, so its drawing is smaller and its ground has no corners.
func TestImagesOfIcons(t *testing.T) {
	icon, err := os.ReadFile(filepath.Join(staticFolder, "icon.svg"))
	if err != nil {
		t.Fatal(err)
	}
	maskable := bytes.Replace(icon, []byte(`rx="15" `), nil, 1)
	maskable = bytes.Replace(maskable, []byte(`<g `), []byte(`<g transform="translate(6.4 6.4) scale(.8)" `), 1)
	drawIcon(t, "icon-192.png", icon, 192)
	drawIcon(t, "icon-512.png", icon, 512)
	drawIcon(t, "icon-maskable-512.png", maskable, 512)
}

func drawIcon(t *testing.T, name string, svg []byte, pixels int64) {
	t.Helper()
	b := newTab(t, size{pixels, pixels})
	html := fmt.Sprintf(`<style>body { margin: 0 } svg { display: block; width: %dpx; height: %[1]dpx }</style>%s`, pixels, svg)
	b.open("data:text/html;base64," + base64.StdEncoding.EncodeToString([]byte(html)))
	call(b, emulation.SetDefaultBackgroundColorOverride, emulation.SetDefaultBackgroundColorOverrideParams{Color: &cdp.RGBA{}})
	keep(t, filepath.Join(staticFolder, name), b.screenshot(), 12<<10)
}

// keep writes the image if the test was asked to. Otherwise there must be one of
// its size, and not larger than limit bytes.
func keep(t *testing.T, path string, shot []byte, limit int) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, shrink(t, shot), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./server/browsertest -run Images -update writes it", err)
	}
	want, err := png.DecodeConfig(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := png.DecodeConfig(bytes.NewReader(kept)); err != nil || got.Width != want.Width || got.Height != want.Height {
		t.Errorf("%s is %d by %d (%v), want %d by %d", path, got.Width, got.Height, err, want.Width, want.Height)
	}
	if len(kept) > limit {
		t.Errorf("%s has %d bytes, want %d at most", path, len(kept), limit)
	}
}

func TestImagesOfPages(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			s := newSite(t)
			shoot := func(b *tab, name string) {
				t.Helper()
				keep(t, filepath.Join(screenshotFolder, name+"-"+scheme+".png"), b.screenshot(), 60<<10)
			}
			b := newTab(t, desk)
			b.prefer("prefers-color-scheme", scheme)
			b.open(s.SetupLink())
			shoot(b, "setup-desk")
			b.resize(phone, 1)
			b.touch(true)
			b.wait("!document.querySelector('#copy').hidden")
			shoot(b, "setup-phone")
			b.speak("ar")
			b.open(s.SetupLink())
			b.wait("!document.querySelector('#copy').hidden")
			shoot(b, "setup-phone-arabic")
			b.speak("en")
			b.open(s.link())
			shoot(b, "enrol-button-phone")
			b.load(chromedp.Click(chromedp.CSS("#show")))
			shoot(b, "enrol-phone")
			b.try(s.Code())
			b.wait("document.querySelector('#download').hidden === false")
			shoot(b, "recovery-phone")
			b.open(s.URL + "/app")
			shoot(b, "bearer")
			b.enterBearer(bearer)
			b.fill("#totp", s.WrongCode())
			b.press("\r")
			b.wait("document.querySelector('.danger') && document.getAnimations().length === 0")
			shoot(b, "app-not-valid")
			b.fill("#totp", s.Code())
			b.press("\r")
			b.wait("document.querySelector('.primary') && document.getAnimations().length === 0")
			shoot(b, "app-ok")
		})
	}
}

func TestImagesOfTheAdminPages(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			s, b := newSite(t), newTab(t, desk)
			b.prefer("prefers-color-scheme", scheme)
			s.everyState()
			s.signIn(b)
			for name, window := range map[string]size{"desk": desk, "phone": phone} {
				b.resize(window, 1)
				for state, path := range map[string]string{"list": "/admin", "account": "/admin/account?name=bob@example.org"} {
					b.open(s.URL + path)
					b.wait("document.querySelector('[data-left]') !== null")
					keep(t, filepath.Join(screenshotFolder, "admin-"+state+"-"+name+"-"+scheme+".png"), b.screenshot(), 60<<10)
				}
			}
		})
	}
}

// shade orders colours.
func shade(c color.Color) uint64 {
	r, g, b, a := c.RGBA()
	return uint64(r)<<48 | uint64(g)<<32 | uint64(b)<<16 | uint64(a)
}

// shrink keeps the 256 commonest colours: the rest are a few shades at the edges
// of letters.
func shrink(t *testing.T, shot []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.Color]int{}
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[full.At(x, y)]++
		}
	}
	palette := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(shade(a), shade(b)))
	})
	small := image.NewPaletted(bounds, palette[:min(256, len(palette))])
	draw.Draw(small, bounds, full, bounds.Min, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
