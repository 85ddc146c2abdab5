package authenticator

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// toColumn is a control sequence of ECMA-48 (CHA).
const toColumn = "\x1b[%dG"

// leftToRight is LEFT-TO-RIGHT MARK. Behind a name that runs from right to left, digits
// would do so, too, and a terminal that reorders text would swap the halves of a code.
const leftToRight = "\u200e"

const (
	marker    = "> "
	unmarked  = "  "
	barCells  = 10
	shortName = 10 // columns that a name keeps before the time left may take any
	fairName  = 24 // columns that it keeps before the next code and the bar may
	headLines = 5  // from this height on there is room for a head
)

// A layout has the columns of each part of a row; 0 leaves it out.
type layout struct{ gap, name, code, left, bar, next int }

func (t *table) layout() (l layout) {
	l.gap = 2
	if t.columns < 40 {
		l.gap = 1
	}
	l.code = t.codeCells
	room := t.columns - len(marker) - l.gap - l.code
	take := func(part *int, cells, keep int) {
		if rest := room - l.gap - cells; rest >= min(t.nameCells, keep) {
			*part, room = cells, rest
		}
	}
	take(&l.left, t.leftCells, shortName)
	take(&l.next, l.code, fairName)
	take(&l.bar, barCells+len("[]"), fairName)
	if l.name = max(0, min(t.nameCells, room)); l.name < 3 && l.name < t.nameCells {
		l.name = 0 // a code beside one letter helps less than a code alone
	}
	return l
}

func seconds(r Row) int64 { return int64(r.Entry.Key.Period() / time.Second) }

func secondsLeft(n int64) string { return strconv.FormatInt(n, 10) + " s" }

// codeOf returns a row's code, or a later one.
func (t *table) codeOf(r Row, later int) string {
	code, _ := r.Entry.Key.Code(t.now.Add(time.Duration(later) * r.Entry.Key.Period())) // fails before 1970: see Run
	return code
}

// height returns how many rows are visible at most. The line below them tells the
// keys and what was done.
func (t *table) height() int { return max(1, t.lines-t.headHeight()-1) }

func (t *table) headHeight() int {
	if t.lines < headLines {
		return 0
	}
	return 1
}

// visible returns the rows that are on the screen.
func (t *table) visible() []int { return t.found[t.top:min(t.top+t.height(), len(t.found))] }

// view returns the lines of the screen. None is wider than it.
func (t *table) view() (lines []string) {
	l := t.layout()
	if t.headHeight() > 0 {
		lines = append(lines, t.head(l))
	}
	for n, i := range t.visible() {
		lines = append(lines, t.row(l, t.rows[i], t.top+n == t.cursor))
	}
	if len(t.found) == 0 {
		lines = append(lines, cut("no account matches", t.columns))
	}
	for len(lines) < t.lines-1 {
		lines = append(lines, "")
	}
	if t.lines > 1 {
		lines = append(lines, t.foot())
	}
	return lines
}

func (t *table) head(l layout) string {
	line := unmarked
	for _, part := range []struct {
		title   string
		columns int
	}{{"ACCOUNT", l.name}, {"CODE", l.code}, {"LEFT", l.left}, {"", l.bar}, {"NEXT", l.next}} {
		if part.columns > 0 {
			line += filled(part.title, part.columns) + strings.Repeat(" ", l.gap)
		}
	}
	return t.styled(dim, cut(strings.TrimRight(line, " "), t.columns))
}

// row returns an account's line. The code's column does not depend on how wide the
// terminal draws the name: a control sequence leads to it.
func (t *table) row(l layout, r Row, chosen bool) string {
	code := group(t.codeOf(r, 0))
	if t.columns < len(marker)+len(code) {
		return t.bare(code)
	}
	mark, line := unmarked, ""
	if chosen {
		mark = marker
	}
	if l.name > 0 {
		line = t.nameIn(l, r.Shown, chosen) + strings.Repeat(" ", l.gap)
	}
	line = mark + line + t.styled(bold, code)
	left := seconds(r) - t.now.Unix()%seconds(r)
	gap := strings.Repeat(" ", l.gap)
	if l.left+l.bar+l.next > 0 {
		line += strings.Repeat(" ", l.code-len(code))
	}
	if l.left > 0 {
		line += gap + fmt.Sprintf("%*s", l.left, secondsLeft(left))
	}
	if l.bar > 0 {
		line += gap + bar(left, seconds(r), barCells)
	}
	if l.next > 0 {
		line += gap + t.styled(dim, group(t.codeOf(r, 1)))
	}
	return line
}

// bare returns a code where there is no room for more. It never cuts one.
func (t *table) bare(code string) string {
	for _, form := range []string{code, strings.ReplaceAll(code, " ", "")} {
		if len(form) <= t.columns {
			return t.styled(bold, form)
		}
	}
	return ""
}

func (t *table) nameIn(l layout, name string, chosen bool) string {
	text := filled(name, l.name)
	plainText := isASCII(text)
	if leftward(text) {
		text += leftToRight
	}
	if chosen {
		text = t.styled(bold, text)
	}
	if !plainText {
		text += fmt.Sprintf(toColumn, len(marker)+l.name+1)
	}
	return text
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > '~' })
}

// foot returns the last line: at its left the filter, what was done, or the keys; at
// its right which row is chosen.
func (t *table) foot() string {
	place := fmt.Sprintf("%d/%d", min(t.cursor+1, len(t.found)), len(t.found))
	text := t.prompt()
	if told := t.told(); told != "" {
		text = strings.TrimLeft(text+"  "+told, " ")
	}
	if text == "" {
		text = "/ find  Enter copy  q quit"
	}
	room := t.columns - len(place) - 1
	if t.note.text != "" || room < 3 {
		return cut(text, t.columns)
	}
	return filled(text, room) + " " + place
}

func (t *table) prompt() string {
	if t.filtering {
		return "/" + t.filter
	}
	return ""
}

// told returns the note. While its code is good, it says how long that is.
func (t *table) told() string {
	n := t.note
	switch left := n.until.Unix() - t.now.Unix(); {
	case n.text == "" || n.until.IsZero():
		return n.text
	case left <= 0:
		return ""
	default:
		return fmt.Sprintf("%s, %d s left: %s", n.text, left, n.about)
	}
}

func (t *table) styled(style, text string) string {
	return Config{Color: t.color}.styled(style, text)
}
