package exchange

import (
	"cmp"
	"math"
	"slices"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/detector"
)

// A picture may be made so that everything in it looks like a finder pattern, of which three
// make a code. These bounds keep its reading to seconds.
const (
	maxPatterns = 1000 // that are looked for in a picture at one size
	maxCorners  = 150  // that are combined, of those the most certain
	maxAttempts = 1500 // at reading a code, for a whole picture
)

// A qrScan collects the codes of a picture over several sizes, in black on white and in
// white on black. gozxing's own search overlooks codes, takes one size alone, and needs
// cubic time in the patterns that it finds.
type qrScan struct {
	found    []foundCode
	attempts int
	decoder  *decoder.Decoder
}

// A foundCode is a text with the place of its top left corner, in pixels of the picture.
type foundCode struct {
	text string
	x, y float64
	side float64 // between two corners
}

// readCodes returns the texts of all codes, in the order of reading.
func readCodes(g grayscale) (texts []string) {
	s := qrScan{decoder: decoder.NewDecoder()}
	for _, size := range scanSizes(g) {
		if size.rest && len(s.found) > 0 {
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

// A scanSize is how a picture is scaled. The rest of the sizes is for pictures in which no
// code was found.
type scanSize struct {
	up, down int
	rest     bool
}

// scanSizes magnifies small pictures, whose modules are a pixel or two, and reduces large
// ones, which takes the noise of a camera and the gaps between the lines of a terminal away.
func scanSizes(g grayscale) (sizes []scanSize) {
	side := max(g.width, g.height)
	if side <= 5000 {
		sizes = append(sizes, scanSize{1, 1, false})
	}
	if side <= 800 {
		sizes = append(sizes, scanSize{3, 1, false})
	}
	for _, down := range []int{2, 3, 4, 6, 8, 12} {
		if scaled := side / down; scaled >= 150 && scaled <= 5000 {
			sizes = append(sizes, scanSize{1, down, down > 2 && scaled < 800})
		}
	}
	if side > 5000 {
		sizes = append(sizes, scanSize{1, 1, true})
	} else if side <= 1500 {
		sizes = append(sizes, scanSize{2, 1, true})
	}
	slices.SortStableFunc(sizes, func(a, b scanSize) int {
		if a.rest == b.rest {
			return 0
		} else if b.rest {
			return -1
		}
		return 1
	})
	return sizes
}

func (s *qrScan) scanAt(g grayscale, size scanSize) {
	scaled := g.reduce(size.down).magnify(size.up)
	scaled.stretch()
	factor := float64(size.down) / float64(size.up)
	for range 2 {
		s.scanMatrix(scaled.matrix(gozxing.NewHybridBinarizer), factor)
		if len(s.found) == 0 {
			s.scanMatrix(scaled.matrix(gozxing.NewGlobalHistgramBinarizer), factor)
		}
		scaled.invert()
	}
}

// scanMatrix ignores a panic of gozxing in a damaged code, and looks for the others at
// another size.
func (s *qrScan) scanMatrix(m *gozxing.BitMatrix, factor float64) {
	var err error
	defer orDamaged(&err)
	if m == nil {
		return
	}
	read := map[*detector.FinderPattern]bool{}
	for _, c := range corners(finderPatterns(m)) {
		if read[c[0]] || read[c[1]] || read[c[2]] {
			continue
		}
		if s.attempts++; s.attempts > maxAttempts {
			return
		}
		text, ok := s.readAt(m, c)
		if !ok {
			continue
		}
		read[c[0]], read[c[1]], read[c[2]] = true, true, true
		if !slices.ContainsFunc(s.found, func(f foundCode) bool { return f.text == text }) {
			side := gozxing.ResultPoint_Distance(c[1], c[2])
			s.found = append(s.found, foundCode{text, c[1].GetX() * factor, c[1].GetY() * factor, side * factor})
		}
	}
}

// finderPatterns returns the marks of which a code has three. Their rows of black, white,
// black, white and black are as 1 to 1 to 3 to 1 to 1 (ISO/IEC 18004 section 6.3.3.1).
func finderPatterns(m *gozxing.BitMatrix) []*detector.FinderPattern {
	finder := detector.NewFinderPatternFinder(m, nil)
	for y := 1; y < m.GetHeight() && len(finder.GetPossibleCenters()) < maxPatterns; y += 2 {
		runs, black, start := make([]int, 5), false, 0
		for x := 0; x <= m.GetWidth(); x++ {
			if x < m.GetWidth() && m.Get(x, y) == black {
				continue
			}
			copy(runs, runs[1:])
			runs[4] = x - start
			if black && detector.FinderPatternFinder_foundPatternCross(runs) {
				finder.HandlePossibleCenter(runs, y, x)
			}
			black, start = !black, x
		}
	}
	return finder.GetPossibleCenters()
}

// corners returns triples of patterns that may belong to one code: bottom left, top left and
// top right, alike in size and in a right isosceles triangle. The closest come first, since
// between codes the patterns are farther away.
func corners(patterns []*detector.FinderPattern) (triples [][3]*detector.FinderPattern) {
	slices.SortStableFunc(patterns, func(a, b *detector.FinderPattern) int { return cmp.Compare(b.GetCount(), a.GetCount()) })
	patterns = patterns[:min(len(patterns), maxCorners)]
	for i, a := range patterns {
		for j, b := range patterns[:i] {
			if !alike(a, b) {
				continue
			}
			for _, c := range patterns[:j] {
				if !alike(a, c) || !alike(b, c) {
					continue
				}
				bl, tl, tr := gozxing.ResultPoint_OrderBestPatterns(a, b, c)
				triple := [3]*detector.FinderPattern{bl.(*detector.FinderPattern), tl.(*detector.FinderPattern), tr.(*detector.FinderPattern)}
				if isCode(triple) {
					triples = append(triples, triple)
				}
			}
		}
	}
	slices.SortStableFunc(triples, func(a, b [3]*detector.FinderPattern) int {
		return cmp.Compare(gozxing.ResultPoint_Distance(a[0], a[2]), gozxing.ResultPoint_Distance(b[0], b[2]))
	})
	return triples
}

func alike(a, b *detector.FinderPattern) bool {
	return math.Abs(a.GetEstimatedModuleSize()-b.GetEstimatedModuleSize()) <= 1+0.3*min(a.GetEstimatedModuleSize(), b.GetEstimatedModuleSize())
}

// isCode allows for the perspective of a photograph.
func isCode(c [3]*detector.FinderPattern) bool {
	left, top := gozxing.ResultPoint_Distance(c[1], c[0]), gozxing.ResultPoint_Distance(c[1], c[2])
	diagonal := gozxing.ResultPoint_Distance(c[0], c[2])
	module := (c[0].GetEstimatedModuleSize() + c[1].GetEstimatedModuleSize() + c[2].GetEstimatedModuleSize()) / 3
	modules := (left + top) / 2 / module
	const slack = 0.25
	return modules > 9 && modules < 230 && math.Abs(left-top) < slack*min(left, top) &&
		math.Abs(diagonal-math.Hypot(left, top)) < slack*diagonal
}

// readAt reads the code at three corners. Where gozxing miscounts the modules of a side, it
// tries the sizes next to that.
func (s *qrScan) readAt(m *gozxing.BitMatrix, c [3]*detector.FinderPattern) (string, bool) {
	found, err := detector.NewDetector(m).ProcessFinderPatternInfo(detector.NewFinderPatternInfo(c[0], c[1], c[2]))
	if err == nil {
		if text, ok := s.decode(found.GetBits()); ok {
			return text, true
		}
	}
	side := (gozxing.ResultPoint_Distance(c[1], c[0]) + gozxing.ResultPoint_Distance(c[1], c[2])) / 2
	module := (c[0].GetEstimatedModuleSize() + c[1].GetEstimatedModuleSize() + c[2].GetEstimatedModuleSize()) / 3
	nearest := int(math.Round((side/module+7-17)/4))*4 + 17
	for _, dimension := range []int{nearest, nearest - 4, nearest + 4} {
		if dimension < 21 || dimension > 177 {
			continue
		}
		transform := detector.Detector_createTransform(c[1], c[2], c[0], nil, dimension)
		bits, err := detector.Detector_sampleGrid(m, transform, dimension)
		if err != nil {
			continue
		}
		if text, ok := s.decode(bits); ok {
			return text, true
		}
	}
	return "", false
}

func (s *qrScan) decode(bits *gozxing.BitMatrix) (string, bool) {
	r, err := s.decoder.Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"})
	if err != nil || r.GetText() == "" {
		return "", false
	}
	return r.GetText(), true
}
