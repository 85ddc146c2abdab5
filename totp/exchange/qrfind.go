package exchange

import (
	"cmp"
	"math"
	"slices"
)

// A point is a place in a picture, in pixels.
type point struct{ x, y float64 }

func (p point) plus(q point) point       { return point{p.x + q.x, p.y + q.y} }
func (p point) minus(q point) point      { return point{p.x - q.x, p.y - q.y} }
func (p point) times(f float64) point    { return point{p.x * f, p.y * f} }
func (p point) distance(q point) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }

// A mark is a finder pattern, of which a code has three: along each line through its centre,
// black, white, black, white and black are as 1 to 1 to 3 to 1 to 1 (ISO/IEC 18004 section
// 6.3.3.1).
type mark struct {
	point
	width float64 // in pixels, of its 7 modules along a row
	seen  int     // rows
}

// findMarks looks at each second row.
func (b bitmap) findMarks() (marks []mark) {
	for y := 1; y < b.height && len(marks) < maxMarks; y += 2 {
		var runs [5]int
		black, start := false, 0
		row := b.black[y*b.width:][:b.width]
		for x := 0; x <= b.width; x++ {
			if x < b.width && row[x] == black {
				continue
			}
			runs = [5]int{runs[1], runs[2], runs[3], runs[4], x - start}
			if black && isMark(runs, 0.5) {
				centre := float64(x-runs[4]-runs[3]) - float64(runs[2])/2
				marks = b.addMark(marks, centre, y, runs)
			}
			black, start = !black, x
		}
	}
	return marks
}

// isMark reports whether runs are as 1 to 1 to 3 to 1 to 1, each to the slack, in modules.
func isMark(runs [5]int, slack float64) bool {
	total := 0
	for _, n := range runs {
		if n == 0 {
			return false
		}
		total += n
	}
	module := float64(total) / 7
	for i, n := range runs {
		want := module
		if i == 2 {
			want *= 3
		}
		if math.Abs(float64(n)-want) >= want*slack {
			return false
		}
	}
	return total >= 7
}

// addMark checks that what looks like a mark in a row does so in the column and in a
// diagonal, too.
func (b bitmap) addMark(marks []mark, x float64, y int, row [5]int) []mark {
	column, up := b.cross(int(x), y, 0, 1, 3*row[2])
	if !isMark(column, 0.5) {
		return marks
	}
	centre := float64(y-up) + float64(column[2])/2
	row, left := b.cross(int(x), int(centre), 1, 0, 3*row[2])
	if !isMark(row, 0.5) {
		return marks
	}
	x = float64(int(x)-left) + float64(row[2])/2
	if diagonal, _ := b.cross(int(x), int(centre), 1, 1, 3*row[2]); !isMark(diagonal, 0.75) {
		return marks
	}
	width := float64(row[0] + row[1] + row[2] + row[3] + row[4])
	for i, m := range marks {
		if m.distance(point{x, centre}) < m.width/4 && math.Abs(m.width-width) < m.width/2 {
			n := float64(m.seen)
			marks[i] = mark{point{(m.x*n + x) / (n + 1), (m.y*n + centre) / (n + 1)}, (m.width*n + width) / (n + 1), m.seen + 1}
			return marks
		}
	}
	return append(marks, mark{point{x, centre}, width, 1})
}

// cross counts the runs through a black pixel in a direction, each up to a limit. before is
// the part of the middle run that comes before the pixel.
func (b bitmap) cross(x, y, dx, dy, limit int) (runs [5]int, before int) {
	for i, colour := 2, true; i >= 0; i, colour = i-1, !colour {
		for px, py := x-dx, y-dy; b.inside(px, py) && b.at(px, py) == colour && runs[i] < limit; px, py = px-dx, py-dy {
			runs[i]++
			x, y = px, py
		}
		if i == 2 {
			before = runs[2]
		}
	}
	x, y = x+dx*(runs[0]+runs[1]+runs[2]), y+dy*(runs[0]+runs[1]+runs[2])
	if !b.inside(x, y) || !b.at(x, y) {
		return [5]int{}, 0
	}
	runs[2]++
	for i, colour := 2, true; i < 5; i, colour = i+1, !colour {
		for px, py := x+dx, y+dy; b.inside(px, py) && b.at(px, py) == colour && runs[i] < limit; px, py = px+dx, py+dy {
			runs[i]++
			x, y = px, py
		}
	}
	return runs, before
}

// corners are the marks of a code.
type corners struct {
	topLeft, topRight, bottomLeft mark
}

func (c corners) length() float64 {
	return (c.topLeft.distance(c.topRight.point) + c.topLeft.distance(c.bottomLeft.point)) / 2
}

// findCorners returns triples of marks that may belong to one code. The closest come first,
// since between codes the marks are farther away.
func findCorners(marks []mark) (all []corners) {
	marks = slices.DeleteFunc(marks, func(m mark) bool { return m.seen < 2 }) // noise
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(b.seen, a.seen) })
	marks = marks[:min(len(marks), maxCorners)]
	for i, a := range marks {
		for j, b := range marks[:i] {
			if !a.like(b) {
				continue
			}
			for _, c := range marks[:j] {
				if a.like(c) && b.like(c) {
					if three, ok := newCorners(a, b, c); ok {
						all = append(all, three)
					}
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b corners) int { return cmp.Compare(a.length(), b.length()) })
	return all
}

func (m mark) like(n mark) bool { return math.Abs(m.width-n.width) <= 7+0.3*min(m.width, n.width) }

// newCorners allows for the perspective of a photograph in the right isosceles triangle of
// the marks.
func newCorners(a, b, c mark) (corners, bool) {
	ab, bc, ca := a.distance(b.point), b.distance(c.point), c.distance(a.point)
	switch {
	case ab > bc && ab > ca:
		a, b, c = c, a, b
	case ca > bc:
		a, b, c = b, c, a
	}
	if (b.x-a.x)*(c.y-a.y) < (b.y-a.y)*(c.x-a.x) {
		b, c = c, b
	}
	left, top, diagonal := a.distance(c.point), a.distance(b.point), b.distance(c.point)
	modules := (left + top) / 2 / ((a.width + b.width + c.width) / 21)
	const slack = 0.25
	ok := modules > 9 && modules < 230 && math.Abs(left-top) < slack*min(left, top) &&
		math.Abs(diagonal-math.Hypot(left, top)) < slack*diagonal
	return corners{a, b, c}, ok
}

// A side is the line from the top left mark to another, with the length of a module at
// either end, which differ in a photograph from aside.
type side struct {
	from, to       point
	atFrom, atTo   float64
	modulesBetween float64
}

// side measures the modules at the ends. Along a line, a projection makes the distance of
// two points as many times the geometric mean of the modules at both as there are modules
// between.
func (b bitmap) side(from, to mark) side {
	s := side{from: from.point, to: to.point, atFrom: b.moduleAt(from, to), atTo: b.moduleAt(to, from)}
	s.modulesBetween = from.distance(to.point) / math.Sqrt(s.atFrom*s.atTo)
	return s
}

// weight is the homogeneous coordinate of the far end, where that of the near end is 1.
func (s side) weight() float64 { return math.Sqrt(s.atFrom / s.atTo) }

// moduleAt measures the marks' half widths along a line. Where there is no edge it takes the
// width that the mark has along its row.
func (b bitmap) moduleAt(m, to mark) float64 {
	direction := to.minus(m.point)
	ahead, behind := b.toEdge(m.point, direction), b.toEdge(m.point, direction.times(-1))
	switch {
	case ahead > 0 && behind > 0:
		return (ahead + behind) / 7
	case ahead > 0 || behind > 0:
		return (ahead + behind) / 3.5
	}
	return m.width / 7
}

// toEdge returns the distance from the centre of a mark to its edge, which is 3.5 modules, or
// 0 if there is no edge.
func (b bitmap) toEdge(from, direction point) float64 {
	length := math.Hypot(direction.x, direction.y)
	step := direction.times(0.25 / length)
	changes, black := 0, true
	for p, n := from, 0; float64(n) < 4*length; p, n = p.plus(step), n+1 {
		x, y := int(math.Floor(p.x)), int(math.Floor(p.y))
		if !b.inside(x, y) {
			return 0
		}
		if b.at(x, y) != black {
			black = !black
			if changes++; changes == 3 {
				return p.distance(from)
			}
		}
	}
	return 0
}

// findAlignment returns the centre of the small mark that is near a place, whose axes are a
// module's sides: five modules of black around white around black. It looks as many modules
// far as reach says. Where several fit equally, the nearest is taken.
func (b bitmap) findAlignment(near, right, down point, reach int) (best point, ok bool) {
	const steps = 3 // a module
	most, distance := 22, math.Inf(1)
	for i := -reach * steps; i <= reach*steps; i++ {
		for j := -reach * steps; j <= reach*steps; j++ {
			centre := near.plus(right.times(float64(i) / steps)).plus(down.times(float64(j) / steps))
			fits := b.alignmentFits(centre, right, down, most)
			if d := centre.distance(near); fits > most || fits == most && ok && d < distance {
				best, most, distance, ok = centre, fits, d, true
			}
		}
	}
	return best, ok
}

// alignmentFits counts the modules that fit, of 25. It gives up at less than a number.
func (b bitmap) alignmentFits(centre, right, down point, least int) (fits int) {
	wrong := 0
	for y := -2; y <= 2; y++ {
		for x := -2; x <= 2; x++ {
			p := centre.plus(right.times(float64(x))).plus(down.times(float64(y)))
			if b.blackAt(p) == (max(x, -x, y, -y) != 1) {
				fits++
			} else if wrong++; wrong > 25-least {
				return 0
			}
		}
	}
	return fits
}
