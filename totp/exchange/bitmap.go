package exchange

import "math"

// A bitmap is a picture in black and white.
type bitmap struct {
	black         []bool
	width, height int
}

func (b bitmap) inside(x, y int) bool { return x >= 0 && y >= 0 && x < b.width && y < b.height }

func (b bitmap) at(x, y int) bool { return b.black[y*b.width+x] }

// blackAt is white outside of the picture.
func (b bitmap) blackAt(p point) bool {
	if !(p.x >= 0 && p.y >= 0 && p.x < float64(b.width) && p.y < float64(b.height)) {
		return false
	}
	return b.at(int(p.x), int(p.y))
}

// thresholdEvenly takes the threshold that parts the pixels best into two groups (Otsu, 1979).
func (g grayscale) thresholdEvenly() bitmap {
	var histogram [256]float64
	sum := 0.0
	for _, p := range g.pixels {
		histogram[p]++
		sum += float64(p)
	}
	total, below, belowSum := float64(len(g.pixels)), 0.0, 0.0
	best, threshold := -1.0, 0
	for t, n := range histogram {
		below += n
		belowSum += n * float64(t)
		if below == 0 || below == total {
			continue
		}
		means := belowSum/below - (sum-belowSum)/(total-below)
		if variance := below * (total - below) * means * means; variance > best {
			best, threshold = variance, t
		}
	}
	b := bitmap{make([]bool, len(g.pixels)), g.width, g.height}
	for i, p := range g.pixels {
		b.black[i] = int(p) <= threshold
	}
	return b
}

const (
	blockSize   = 8  // pixels
	minContrast = 24 // of the neighbourhood of a block; less is all white
	maxReach    = 80 // blocks; a picture of one column would take quadratic time
)

// threshold takes the middle of the lightest and the darkest in the neighbourhood, an eighth
// of the picture, for light that comes from one side.
func (g grayscale) threshold() bitmap {
	columns, rows := (g.width+blockSize-1)/blockSize, (g.height+blockSize-1)/blockSize
	darkest, lightest := g.extremes(columns, rows)
	reach := min(max(2, max(columns, rows)/16), maxReach)
	darkest = spread(darkest, columns, rows, reach, func(a, b byte) byte { return min(a, b) })
	lightest = spread(lightest, columns, rows, reach, func(a, b byte) byte { return max(a, b) })
	b := bitmap{make([]bool, len(g.pixels)), g.width, g.height}
	for y := range g.height {
		for x := range g.width {
			block := y/blockSize*columns + x/blockSize
			dark, light := int(darkest[block]), int(lightest[block])
			i := y*g.width + x
			b.black[i] = light-dark >= minContrast && 2*int(g.pixels[i]) <= dark+light
		}
	}
	return b
}

// extremes returns the darkest and the lightest pixel of each block.
func (g grayscale) extremes(columns, rows int) (darkest, lightest []byte) {
	darkest, lightest = make([]byte, columns*rows), make([]byte, columns*rows)
	for i := range darkest {
		darkest[i] = math.MaxUint8
	}
	for y := range g.height {
		for x, p := range g.pixels[y*g.width:][:g.width] {
			block := y/blockSize*columns + x/blockSize
			darkest[block], lightest[block] = min(darkest[block], p), max(lightest[block], p)
		}
	}
	return darkest, lightest
}

// spread gives each block the extreme of the blocks that are within reach, first along rows,
// then along columns.
func spread(blocks []byte, columns, rows, reach int, extreme func(a, b byte) byte) []byte {
	along, all := make([]byte, len(blocks)), make([]byte, len(blocks))
	for y := range rows {
		for x := range columns {
			e := blocks[y*columns+x]
			for i := max(0, x-reach); i <= min(columns-1, x+reach); i++ {
				e = extreme(e, blocks[y*columns+i])
			}
			along[y*columns+x] = e
		}
	}
	for y := range rows {
		for x := range columns {
			e := along[y*columns+x]
			for i := max(0, y-reach); i <= min(rows-1, y+reach); i++ {
				e = extreme(e, along[i*columns+x])
			}
			all[y*columns+x] = e
		}
	}
	return all
}
