package qrcode

import (
	"encoding/xml"
	"fmt"
	"strings"

	"rsc.io/qr"
)

// SVG draws text as one svg element, to be inlined in HTML or written to a file
// as it is. The title, escaped, is its accessible name. Colours are attributes,
// which a Content-Security-Policy without 'unsafe-inline' allows. Width and
// height are 8 pixels a module; a stylesheet may set others, or the viewBox's
// proportions with "height: auto". It returns ErrTooLong for a text that does
// not fit.
func SVG(text, title string) (string, error) {
	code, _, err := encode(text, qr.M, qr.L)
	if err != nil {
		return "", err
	}
	side := code.Size + 2*quietZone
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 %d %[1]d" width="%d" height="%[2]d" shape-rendering="crispEdges">`,
		side, side*modulePixels)
	b.WriteString("<title>")
	if err := xml.EscapeText(&b, []byte(title)); err != nil {
		return "", err
	}
	fmt.Fprintf(&b, `</title><rect width="%d" height="%[1]d" fill="#fff"/><path fill="none" stroke="#000" d="`, side)
	writePath(&b, code)
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}

// writePath strokes each horizontal run of black modules through its middle. Within
// a row it moves by the white modules between two runs, because numbers of one digit
// make the path half as long as rectangles would.
func writePath(b *strings.Builder, code *qr.Code) {
	for y := range code.Size {
		end := 0 // of the last run of the row
		for x := 0; x < code.Size; x++ {
			start := x
			for code.Black(x, y) {
				x++
			}
			switch run := x - start; {
			case run == 0:
				continue
			case end == 0:
				fmt.Fprintf(b, "M%d %d.5h%d", start+quietZone, y+quietZone, run)
			default:
				fmt.Fprintf(b, "m%d 0h%d", start-end, run)
			}
			end = x
		}
	}
}
