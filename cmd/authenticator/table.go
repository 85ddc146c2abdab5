package authenticator

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"totpctl/totp"
)

// A Row is an account of a list.
type Row struct {
	Name  string // of the stored account; "" is the default account
	Shown string // the name as people see it, without control characters
	Entry totp.Entry
}

// SortRows sorts by the shown name, without regard to case. As it is
// ISSUER:ACCOUNT where there is an issuer, the accounts of one issuer stay together.
func SortRows(rows []Row) {
	folded := make(map[string]string, len(rows))
	for _, r := range rows {
		folded[r.Shown] = strings.ToLower(r.Shown)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(strings.Compare(folded[a.Shown], folded[b.Shown]), strings.Compare(a.Shown, b.Shown))
	})
}

// A table is what the live list shows. It changes by press, resize, tick and say alone,
// and knows no terminal.
type table struct {
	rows   []Row
	folded []string // what a filter looks into, by row
	color  bool

	found     []int // the rows that match the filter, in order
	cursor    int   // the chosen one of found
	top       int   // the first one of found that is visible
	filter    string
	filtering bool // keys go to the filter

	columns, lines int
	now            time.Time
	note           note

	nameCells, codeCells, leftCells int // of the widest one of all rows
}

// A note is told below the rows until its time is over, or another key is pressed.
type note struct {
	text  string
	about string // the account's name
	until time.Time
}

// An action is what a key asks of the program around the table.
type action int

const (
	actNone action = iota
	actQuit
	actCopy
	actSuspend
	actRedraw
)

// newTable wants sorted rows.
func newTable(rows []Row, color bool) *table {
	t := &table{rows: rows, color: color, folded: make([]string, len(rows))}
	for i, r := range rows {
		t.folded[i] = strings.ToLower(r.Shown + "\n" + r.Name + "\n" + r.Entry.Issuer + ":" + r.Entry.Account)
		t.nameCells = max(t.nameCells, cells(r.Shown))
		t.codeCells = max(t.codeCells, len(group(strings.Repeat("0", r.Entry.Key.Digits()))))
		t.leftCells = max(t.leftCells, len(secondsLeft(seconds(r))))
	}
	t.search("")
	return t
}

// search narrows the table to the rows that have text in them. The chosen row stays
// chosen if it is among them.
func (t *table) search(text string) {
	chosen := -1
	if len(t.found) > 0 {
		chosen = t.found[t.cursor]
	}
	t.filter, t.found, t.cursor, t.top = text, t.found[:0], 0, 0
	wanted := strings.ToLower(text)
	for i := range t.rows {
		if !strings.Contains(t.folded[i], wanted) {
			continue
		}
		if i == chosen {
			t.cursor = len(t.found)
		}
		t.found = append(t.found, i)
	}
	t.move(0)
}

// move moves the cursor by that many rows, as far as there are any, and keeps it
// visible.
func (t *table) move(by int) {
	t.cursor = max(0, min(t.cursor+by, len(t.found)-1))
	height := t.height()
	t.top = max(0, min(t.top, t.cursor, len(t.found)-height), t.cursor-height+1)
}

func (t *table) resize(columns, lines int) {
	t.columns, t.lines = max(columns, 1), max(lines, 1)
	t.move(0)
}

func (t *table) tick(now time.Time) { t.now = now.Round(0) }

func (t *table) say(n note) { t.note = n }

// chosen returns the row under the cursor; ok is false where none matches.
func (t *table) chosen() (r Row, ok bool) {
	if len(t.found) == 0 {
		return Row{}, false
	}
	return t.rows[t.found[t.cursor]], true
}

// press changes the table as a key asks, and returns what is left for the program.
func (t *table) press(k key) action {
	t.note = note{}
	switch k {
	case keyInterrupt:
		return actQuit
	case keySuspend:
		return actSuspend
	case keyRedraw:
		return actRedraw
	case keyEnter:
		return actCopy
	}
	if t.travel(k) {
		return actNone
	}
	if t.filtering {
		t.edit(k)
		return actNone
	}
	return t.command(k)
}

// travel reports whether a key is one that moves the cursor.
func (t *table) travel(k key) bool {
	switch k {
	case keyUp:
		t.move(-1)
	case keyDown:
		t.move(1)
	case keyPageUp:
		t.move(-t.height())
	case keyPageDown:
		t.move(t.height())
	case keyHome:
		t.move(-len(t.found))
	case keyEnd:
		t.move(len(t.found))
	default:
		return false
	}
	return true
}

func (t *table) command(k key) action {
	switch k {
	case 'q', keyEscape:
		return actQuit
	case '/':
		t.filtering = true
	case 'j':
		t.move(1)
	case 'k':
		t.move(-1)
	case 'g':
		t.move(-len(t.found))
	case 'G':
		t.move(len(t.found))
	}
	return actNone
}

// edit changes the filter. Escape, or Backspace in an empty filter, leaves it.
func (t *table) edit(k key) {
	switch {
	case k == keyEscape, k == keyBackspace && t.filter == "":
		t.filtering = false
		t.search("")
	case k == keyBackspace:
		all := []rune(t.filter)
		t.search(string(all[:len(all)-1]))
	case k == keyClear:
		t.search("")
	case k >= ' ' && len(t.filter) < totp.MaxName:
		t.search(t.filter + string(rune(k)))
	}
}
