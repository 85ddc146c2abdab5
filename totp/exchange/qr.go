package exchange

import (
	"cmp"
	"math"
	"slices"
)

// A QR code is read in three steps: its marks are found in the picture (qrfind.go), which tell
// where its modules lie (here), whose text is decoded (qrdecode.go).

// A picture may be made so that everything in it looks like a mark, of which three make a
// code. These bounds keep its reading to seconds.
const (
	maxMarks    = 1000 // that are looked for in a picture at one size
	maxCorners  = 150  // that are combined, of those the most certain
	maxAttempts = 1000 // at reading a code, for a whole picture
)

// A qrScan collects the codes of a picture over several sizes, in black on white and in
// white on black.
type qrScan struct {
	found    []foundCode
	attempts int
}

// A foundCode is a text with the place of its top left corner, in pixels of the picture.
type foundCode struct {
	text string
	point
	side float64 // between two corners
}

// readCodes returns the texts of all codes, in the order of reading.
func readCodes(g grayscale) (texts []string) {
	var s qrScan
	sizes, rest := scanSizes(g)
	for _, size := range sizes {
		s.scanAt(g, size)
	}
	for _, size := range rest {
		if len(s.found) > 0 {
			break
		}
		s.scanAt(g, size)
	}
	for _, f := range inReadingOrder(s.found) {
		texts = append(texts, f.text)
	}
	return texts
}

// inReadingOrder sorts codes by rows, which begin where a code is half a side lower.
func inReadingOrder(codes []foundCode) []foundCode {
	slices.SortStableFunc(codes, func(a, b foundCode) int { return cmp.Compare(a.y, b.y) })
	for start := 0; start < len(codes); {
		end := start + 1
		for end < len(codes) && codes[end].y-codes[start].y < codes[start].side/2 {
			end++
		}
		slices.SortStableFunc(codes[start:end], func(a, b foundCode) int { return cmp.Compare(a.x, b.x) })
		start = end
	}
	return codes
}

// A scanSize is how a picture is scaled.
type scanSize struct{ up, down int }

// scanSizes magnifies small pictures, whose modules are a pixel or two, and reduces large
// ones, which takes the noise of a camera and the gaps between the lines of a terminal away.
// The rest of the sizes is for pictures in which no code was found.
func scanSizes(g grayscale) (sizes, rest []scanSize) {
	side := max(g.width, g.height)
	if side <= 5000 {
		sizes = append(sizes, scanSize{1, 1})
	}
	if side <= 800 {
		sizes = append(sizes, scanSize{3, 1})
	}
	for _, down := range []int{2, 3, 4, 6, 8, 12} {
		switch scaled := side / down; {
		case scaled < 150 || scaled > 5000:
		case down > 2 && scaled < 800:
			rest = append(rest, scanSize{1, down})
		default:
			sizes = append(sizes, scanSize{1, down})
		}
	}
	if side > 5000 {
		rest = append(rest, scanSize{1, 1})
	} else if side <= 1500 {
		rest = append(rest, scanSize{2, 1})
	}
	return sizes, rest
}

func (s *qrScan) scanAt(g grayscale, size scanSize) {
	scaled := g.reduce(size.down).magnify(size.up)
	scaled.stretch()
	factor := float64(size.down) / float64(size.up)
	for range 2 {
		s.scan(scaled.threshold(), factor)
		if len(s.found) == 0 {
			s.scan(scaled.thresholdEvenly(), factor)
		}
		scaled.invert()
	}
}

func (s *qrScan) scan(b bitmap, factor float64) {
	read := map[point]bool{}
	for _, c := range findCorners(b.findMarks()) {
		if read[c.topLeft.point] || read[c.topRight.point] || read[c.bottomLeft.point] {
			continue
		}
		if s.attempts++; s.attempts > maxAttempts {
			return
		}
		text, ok := b.readAt(c)
		if !ok {
			continue
		}
		read[c.topLeft.point], read[c.topRight.point], read[c.bottomLeft.point] = true, true, true
		if !slices.ContainsFunc(s.found, func(f foundCode) bool { return f.text == text }) {
			s.found = append(s.found, foundCode{text, c.topLeft.times(factor), c.length() * factor})
		}
	}
}

// readAt reads the code at its corners. The number of modules is uncertain where they are
// small, so that the next ones are tried, too.
func (b bitmap) readAt(c corners) (string, bool) {
	top, left := b.side(c.topLeft, c.topRight), b.side(c.topLeft, c.bottomLeft)
	if min(top.atFrom, top.atTo, left.atFrom, left.atTo) < 0.9 {
		return "", false
	}
	nearest := int(math.Round(((top.modulesBetween+left.modulesBetween)/2+7-17)/4))*4 + 17
	for _, modules := range []int{nearest, nearest - 4, nearest + 4} {
		if modules < 21 || modules > 177 {
			continue
		}
		for _, to := range b.grids(top, left, modules) {
			black := func(x, y int) bool { return b.blackAt(to.apply(float64(x)+0.5, float64(y)+0.5)) }
			if text, ok := decodeQR(modules, black); ok && text != "" {
				return text, true
			}
			mirrored := func(x, y int) bool { return black(y, x) }
			if text, ok := decodeQR(modules, mirrored); ok && text != "" {
				return text, true
			}
		}
	}
	return "", false
}

// grids returns where modules may lie: in a plane that is seen from the front or from aside,
// as the small mark at the bottom right tells, and without that mark.
func (b bitmap) grids(top, left side, modules int) (all []projection) {
	far := float64(modules) - 3.5
	marks := [3]point{top.from, top.to, left.to}
	front := top.to.plus(left.to).minus(top.from)
	if modules == 21 {
		return []projection{newProjection(far, far, marks, front)}
	}
	wt, wl := top.weight(), left.weight()
	aside := top.to.times(wt).plus(left.to.times(wl)).minus(top.from).times(1 / (wt + wl - 1))
	for _, fourth := range []point{front, aside} {
		right, down := fourth.minus(left.to).times(1/(far-3.5)), fourth.minus(top.to).times(1/(far-3.5))
		near := fourth.minus(right.times(3)).minus(down.times(3))
		if alignment, ok := b.findAlignment(near, right, down, max(5, modules/9)); ok {
			all = append(all, newProjection(far, far-3, marks, alignment))
		}
	}
	return append(all, newProjection(far, far, marks, front))
}

// A projection maps modules to pixels: x = (a·mx + b·my + c) / (g·mx + h·my + 1).
type projection [8]float64

// newProjection puts the three marks, at 3.5 modules from the edges, and a fourth point, at
// the same number of modules in both directions, to their pixels.
func newProjection(far, fourthAt float64, marks [3]point, fourth point) projection {
	from := [4]point{{3.5, 3.5}, {far, 3.5}, {3.5, far}, {fourthAt, fourthAt}}
	to := [4]point{marks[0], marks[1], marks[2], fourth}
	var m [8][9]float64 // linear equations
	for i := range 4 {
		f, t := from[i], to[i]
		m[2*i] = [9]float64{f.x, f.y, 1, 0, 0, 0, -f.x * t.x, -f.y * t.x, t.x}
		m[2*i+1] = [9]float64{0, 0, 0, f.x, f.y, 1, -f.x * t.y, -f.y * t.y, t.y}
	}
	return solve(m)
}

// solve eliminates with the largest pivot. Of equations without a solution it makes numbers
// that are none, which lie outside every picture.
func solve(m [8][9]float64) (p projection) {
	for i := range 8 {
		pivot := i
		for j := i + 1; j < 8; j++ {
			if math.Abs(m[j][i]) > math.Abs(m[pivot][i]) {
				pivot = j
			}
		}
		m[i], m[pivot] = m[pivot], m[i]
		for j := range 8 {
			if j == i {
				continue
			}
			factor := m[j][i] / m[i][i]
			for k := i; k < 9; k++ {
				m[j][k] -= factor * m[i][k]
			}
		}
	}
	for i := range 8 {
		p[i] = m[i][8] / m[i][i]
	}
	return p
}

func (p projection) apply(x, y float64) point {
	w := p[6]*x + p[7]*y + 1
	return point{(p[0]*x + p[1]*y + p[2]) / w, (p[3]*x + p[4]*y + p[5]) / w}
}
