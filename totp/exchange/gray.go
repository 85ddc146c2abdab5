package exchange

import "slices"

// A grayscale has a byte of luminance for each pixel, row by row.
type grayscale struct {
	pixels        []byte
	width, height int
}

// reduce makes of down x down pixels their average.
func (g grayscale) reduce(down int) grayscale {
	if down == 1 {
		return grayscale{slices.Clone(g.pixels), g.width, g.height}
	}
	to := grayscale{make([]byte, g.width/down*(g.height/down)), g.width / down, g.height / down}
	for y := range to.height {
		for x := range to.width {
			sum := 0
			for dy := range down {
				for _, p := range g.pixels[(y*down+dy)*g.width+x*down:][:down] {
					sum += int(p)
				}
			}
			to.pixels[y*to.width+x] = byte(sum / (down * down))
		}
	}
	return to
}

// magnify makes up x up pixels of each, by bilinear interpolation.
func (g grayscale) magnify(up int) grayscale {
	if up == 1 {
		return g
	}
	to := grayscale{make([]byte, g.width*up*g.height*up), g.width * up, g.height * up}
	for y := range to.height {
		y0, y1, fy := between(y, up, g.height)
		for x := range to.width {
			x0, x1, fx := between(x, up, g.width)
			top := g.at(x0, y0)*(2*up-fx) + g.at(x1, y0)*fx
			bottom := g.at(x0, y1)*(2*up-fx) + g.at(x1, y1)*fx
			to.pixels[y*to.width+x] = byte((top*(2*up-fy) + bottom*fy) / (4 * up * up))
		}
	}
	return to
}

func (g grayscale) at(x, y int) int { return int(g.pixels[y*g.width+x]) }

// between returns the two pixels that the centre of a magnified pixel lies between, and how
// far it is from the first, in half magnified pixels.
func between(at, up, size int) (first, second, far int) {
	halves := max(2*at+1-up, 0)
	first = halves / (2 * up)
	return first, min(first+1, size-1), halves % (2 * up)
}

// stretch spreads the contrast of a pale picture over all of black and white, in place. A
// thousandth of the pixels on either side may be outliers.
func (g grayscale) stretch() {
	var histogram [256]int
	for _, p := range g.pixels {
		histogram[p]++
	}
	low, high := 0, 255
	for n := histogram[low]; low < 255 && n <= len(g.pixels)/1000; n += histogram[low] {
		low++
	}
	for n := histogram[high]; high > 0 && n <= len(g.pixels)/1000; n += histogram[high] {
		high--
	}
	if high-low < 8 || high-low > 250 {
		return
	}
	for i, p := range g.pixels {
		g.pixels[i] = byte(min(max(int(p)-low, 0)*255/(high-low), 255))
	}
}

func (g grayscale) invert() {
	for i := range g.pixels {
		g.pixels[i] = ^g.pixels[i]
	}
}
