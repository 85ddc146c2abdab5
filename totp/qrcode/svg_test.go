package qrcode

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

type shape struct {
	Width  string     `xml:"width,attr"`
	Height string     `xml:"height,attr"`
	Fill   string     `xml:"fill,attr"`
	Stroke string     `xml:"stroke,attr"`
	Path   string     `xml:"d,attr"`
	Others []xml.Attr `xml:",any,attr"`
}

type document struct {
	XMLName   xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	Role      string   `xml:"role,attr"`
	ViewBox   string   `xml:"viewBox,attr"`
	Width     string   `xml:"width,attr"`
	Height    string   `xml:"height,attr"`
	Rendering string   `xml:"shape-rendering,attr"`
	Title     string   `xml:"title"`
	Rects     []shape  `xml:"rect"`
	Paths     []shape  `xml:"path"`
}

func TestSVGIsReadBack(t *testing.T) {
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			modules := svgModules(t, text, "QR code")
			checkModules(t, modules, text)
			for _, surround := range []uint8{0, 255} {
				if got := readBack(t, picture(modules, surround)); got != text {
					t.Errorf("surround %d: read back %q, want %q", surround, got, text)
				}
			}
		})
	}
}

func TestSVGSuitsAPageAndAFile(t *testing.T) {
	const text = "totpctl" // version 1: 21 modules
	svg, err := SVG(text, "QR code")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(svg, "<svg ") || strings.Contains(svg, "style") {
		t.Errorf("not a bare svg element without styles: %.200s", svg)
	}
	doc := parseSVG(t, svg)
	got := []string{doc.Role, doc.ViewBox, doc.Width, doc.Height, doc.Rendering}
	want := []string{"img", "0 0 29 29", "232", "232", "crispEdges"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("role, viewBox, width, height, shape-rendering are %q, want %q", got, want)
	}
}

func TestSVGTitleIsEscaped(t *testing.T) {
	const title = `"><script>alert(1)</script> &amp; ` + "\u202e" + `'x'`
	svg, err := SVG("totpctl", title)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(svg, "<script") {
		t.Errorf("markup from the title: %.200s", svg)
	}
	if got := parseSVG(t, svg).Title; got != title {
		t.Errorf("title %q, want %q", got, title)
	}
}

// svgModules rasterises what SVG draws, one pixel a module.
func svgModules(t *testing.T, text, title string) bitmap {
	t.Helper()
	svg, err := SVG(text, title)
	if err != nil {
		t.Fatal(err)
	}
	doc := parseSVG(t, svg)
	var side int
	if _, err := fmt.Sscanf(doc.ViewBox, "0 0 %d", &side); err != nil {
		t.Fatal(err)
	}
	checkShapes(t, doc, strconv.Itoa(side))
	modules := make(bitmap, side)
	for y := range modules {
		modules[y] = make([]bool, side)
	}
	fillPath(t, modules, doc.Paths[0].Path)
	return modules
}

// checkShapes fails unless the drawing is one white background and one black path.
func checkShapes(t *testing.T, doc document, side string) {
	t.Helper()
	if len(doc.Rects) != 1 || len(doc.Paths) != 1 {
		t.Fatalf("%d rects and %d paths, want one each", len(doc.Rects), len(doc.Paths))
	}
	rect, path := doc.Rects[0], doc.Paths[0]
	if rect.Fill != "#fff" || rect.Stroke != "" || rect.Width != side || rect.Height != side || len(rect.Others) > 0 {
		t.Fatalf("background %+v, want white, side %s", rect, side)
	}
	if path.Fill != "none" || path.Stroke != "#000" || len(path.Others) > 0 {
		t.Fatalf("path has fill %q, stroke %q, other attributes %v", path.Fill, path.Stroke, path.Others)
	}
}

// fillPath fails on anything but strokes one module high that lie inside.
func fillPath(t *testing.T, modules bitmap, path string) {
	t.Helper()
	stroke := regexp.MustCompile(`(?:M(\d+) (\d+)\.5|m(\d+) 0)h(\d+)`)
	if rest := stroke.ReplaceAllString(path, ""); rest != "" {
		t.Fatalf("path holds %q", rest)
	}
	x, y := 0, -1
	for _, match := range stroke.FindAllStringSubmatch(path, -1) {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(match[i+1])
		}
		if match[0][0] == 'M' {
			x, y = n[0], n[1]
		} else {
			x += n[2]
		}
		if y < 0 || y >= len(modules) || x+n[3] > len(modules) {
			t.Fatalf("stroke %s at %d, %d", match[0], x, y)
		}
		for range n[3] {
			modules[y][x] = true
			x++
		}
	}
}

func parseSVG(t *testing.T, svg string) document {
	t.Helper()
	var doc document
	if err := xml.Unmarshal([]byte(svg), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}
