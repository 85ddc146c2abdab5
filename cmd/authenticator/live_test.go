package authenticator

import (
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A terminal shows what is written to it, as a terminal in its usual mode does:
// newline returns the carriage, a line that is full wraps with the next
// character. It fails the test for any other control than Live may use.
type terminal struct {
	t       *testing.T
	columns int
	rows    []string // characters, and styles beside them
	styles  []string
	column  int
	style   byte // 0, 1 bold, 2 dim
	wraps   int
	up      int // rows that the cursor has left, until they are erased
}

func newTerminal(t *testing.T, columns int) *terminal {
	return &terminal{t: t, columns: columns, rows: []string{""}, styles: []string{""}}
}

var sequence = regexp.MustCompile(`^\x1b\[([0-9]*)([A-Za-z])`)

func (s *terminal) Write(p []byte) (int, error) {
	for text := string(p); text != ""; {
		switch m := sequence.FindStringSubmatch(text); {
		case m != nil:
			s.control(m[1] + m[2])
			text = text[len(m[0]):]
		case text[0] == '\r':
			s.column, text = 0, text[1:]
		case text[0] == '\n':
			s.newline()
			text = text[1:]
		case text[0] >= ' ' && text[0] <= '~':
			s.put(text[0])
			text = text[1:]
		default:
			s.t.Fatalf("the terminal got %q", text)
		}
	}
	return len(p), nil
}

func (s *terminal) control(c string) {
	last := len(s.rows) - 1
	if s.up > 0 && c != "J" {
		s.t.Fatalf("%d rows below the cursor are still there", s.up)
	}
	switch c {
	case "J":
		last -= s.up
		s.rows, s.styles, s.up = append(s.rows[:last], ""), append(s.styles[:last], ""), 0
	case "1A", "2A", "3A", "4A", "5A", "6A", "7A", "8A", "9A":
		s.up = int(c[0] - '0')
	case "K":
		// In a full line the cursor is still on the last character.
		cut := min(s.column, s.columns-1, len(s.rows[last]))
		s.rows[last], s.styles[last] = s.rows[last][:cut], s.styles[last][:cut]
	case "0m", "1m", "2m":
		s.style = c[0] - '0'
	default:
		s.t.Fatalf("the terminal got control sequence %q", c)
	}
}

// narrow breaks rows that are too long, as most terminals do, and leaves the cursor at the
// end.
func (s *terminal) narrow(columns int) {
	var rows, styles []string
	for i, row := range s.rows {
		for style := s.styles[i]; len(row) > columns; row, style = row[columns:], style[columns:] {
			rows, styles = append(rows, row[:columns]), append(styles, style[:columns])
			s.styles[i] = style[columns:]
		}
		rows, styles = append(rows, row), append(styles, s.styles[i])
	}
	s.rows, s.styles, s.columns, s.column = rows, styles, columns, len(rows[len(rows)-1])
}

func (s *terminal) newline() {
	s.rows, s.styles, s.column = append(s.rows, ""), append(s.styles, ""), 0
}

func (s *terminal) put(b byte) {
	if s.column == s.columns {
		s.wraps++
		s.newline()
	}
	set := func(row *string, b byte) {
		padded := []byte(*row + strings.Repeat(" ", max(0, s.column+1-len(*row))))
		padded[s.column] = b
		*row = string(padded)
	}
	last := len(s.rows) - 1
	set(&s.rows[last], b)
	set(&s.styles[last], '0'+s.style)
	s.column++
}

func (s *terminal) shows(want ...string) {
	s.t.Helper()
	if got := strings.Join(s.rows, "\n"); got != strings.Join(want, "\n") {
		s.t.Errorf("the screen shows\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if s.wraps > 0 {
		s.t.Errorf("%d lines wrapped", s.wraps)
	}
	if s.style != 0 {
		s.t.Error("a style was left on")
	}
}

// A viewer is a Live session and its terminal. Its width is what Live is told.
type viewer struct {
	*session
	*terminal
	width atomic.Int64
}

func watch(t *testing.T, c Config, columns int, moment string) *viewer {
	t.Helper()
	v := &viewer{terminal: newTerminal(t, columns)}
	v.resize(columns)
	c.Display, c.Width = Live, func() int { return int(v.width.Load()) }
	v.session = start(t, c, &recorder{}, moment)
	return v
}

// resize to 0 columns leaves the terminal as wide as it is, and nobody knowing.
func (v *viewer) resize(columns int) {
	v.width.Store(int64(columns))
	if columns > 0 {
		v.columns = columns
	}
}

// sees feeds the terminal what was written since, and checks the screen.
func (v *viewer) sees(want ...string) {
	v.terminal.t.Helper()
	for _, w := range v.out.take() {
		v.terminal.Write([]byte(w.text))
	}
	v.shows(want...)
}

func (v *viewer) grouped(moment string) string {
	code := codeAt(v.terminal.t, v.key, at(v.terminal.t, moment))
	return code[:len(code)/2] + " " + code[len(code)/2:]
}

func TestTheLiveLineCountsDownAndPastCodesStayAbove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, 80, "2026-03-01T12:00:20.25Z")
		first, second, third := v.grouped("2026-03-01T12:00:00Z"), v.grouped("2026-03-01T12:00:30Z"), v.grouped("2026-03-01T12:01:00Z")
		v.sees(first + "  [##########....................]  10 s")
		time.Sleep(749 * time.Millisecond) // 20.999
		v.sees(first + "  [##########....................]  10 s")
		time.Sleep(time.Millisecond)
		v.sees(first + "  [#########.....................]   9 s")
		time.Sleep(8 * time.Second)
		v.sees(first + "  [#.............................]   1 s")
		time.Sleep(time.Second)
		v.sees(first, second+"  [##############################]  30 s")
		time.Sleep(30 * time.Second)
		v.sees(first, second, third+"  [##############################]  30 s")
		time.Sleep(1500 * time.Millisecond)
		v.stop()
		v.sees(first, second, third, "")
	})
}

func TestTheLiveLineIsDrawnOnceASecondOnTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, 80, "2026-03-01T12:00:20.25Z")
		time.Sleep(time.Hour)
		got := v.out.take()
		if len(got) != 3601 {
			t.Fatalf("%d writes in an hour", len(got))
		}
		for i, w := range got[1:] {
			want := at(t, "2026-03-01T12:00:21Z").Add(time.Duration(i) * time.Second)
			left := 30 - want.Unix()%30
			if !w.at.Equal(want) || !strings.HasSuffix(w.text, fmt.Sprintf("  %2d s", left)) {
				t.Fatalf("%q at %v, want %d s at %v", w.text, w.at, left, want)
			}
		}
		v.stop()
	})
}

func TestMissedCodesAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, 80, "2026-03-01T12:00:20Z")
		a, b, c := v.grouped("2026-03-01T12:00:20Z"), v.grouped("2026-03-01T21:00:22Z"), v.grouped("2026-03-01T12:00:03Z")
		time.Sleep(500 * time.Millisecond)
		v.clock.set(at(t, "2026-03-01T21:00:22.1Z"))
		time.Sleep(500 * time.Millisecond) // 22.6
		v.sees(a, b+"  [########......................]   8 s")
		time.Sleep(500 * time.Millisecond) // 23.1
		v.sees(a, b+"  [#######.......................]   7 s")
		v.clock.set(at(t, "2026-03-01T12:00:03Z"))
		time.Sleep(time.Second)
		v.sees(a, b, c+"  [##########################....]  26 s")
		v.stop()
	})
}

func TestAJumpWithinTheStepChangesTheCountdownAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, 80, "2026-03-01T12:00:20Z")
		v.clock.jump(-15 * time.Second)
		time.Sleep(time.Second)
		v.sees(v.grouped("2026-03-01T12:00:20Z") + "  [########################......]  24 s")
		v.stop()
	})
}

func TestTheLiveLineNeverWraps(t *testing.T) {
	shapes := []struct {
		digits int
		period time.Duration
		forms  map[int]string // by columns: the cells of the bar, or what is left
	}{
		{6, 30 * time.Second, map[int]string{49: "30", 48: "29", 24: "5", 23: "seconds", 15: "seconds", 14: "grouped", 7: "grouped", 6: "bare", 5: "", 1: ""}},
		{7, 30 * time.Second, map[int]string{50: "30", 49: "29", 25: "5", 24: "seconds", 16: "seconds", 15: "grouped", 8: "grouped", 7: "bare", 6: ""}},
		{8, 24 * time.Hour, map[int]string{54: "30", 53: "29", 29: "5", 28: "seconds", 20: "seconds", 19: "grouped", 9: "grouped", 8: "bare", 7: ""}},
	}
	for _, shape := range shapes {
		synctest.Test(t, func(t *testing.T) {
			for columns := 1; columns <= 90; columns++ {
				v := watch(t, Config{Entry: testEntry(t, shape.digits, shape.period), Color: columns%2 == 0}, columns, "2026-03-01T00:00:00.5Z")
				time.Sleep(2 * time.Second)
				for _, w := range v.out.take() {
					v.terminal.Write([]byte(w.text))
				}
				if len(v.rows) != 1 || v.wraps > 0 {
					t.Fatalf("%d columns: the screen shows %q", columns, v.rows)
				}
				if form, ok := shape.forms[columns]; ok && describe(v.rows[0], shape.digits) != form {
					t.Errorf("%d digits, %d columns: %q, want %s", shape.digits, columns, v.rows[0], form)
				}
				v.stop()
				if columns < shape.digits {
					continue // a past line may wrap: it is never redrawn
				}
				for _, w := range v.out.take() {
					v.terminal.Write([]byte(w.text))
				}
				if len(v.rows) != 2 || v.rows[1] != "" || v.wraps > 0 {
					t.Fatalf("%d columns: the screen ends with %q", columns, v.rows)
				}
			}
		})
	}
}

// describe tells what a live line consists of.
func describe(line string, digits int) string {
	grouped := fmt.Sprintf(`[0-9]{%d} [0-9]{%d}`, digits/2, digits-digits/2)
	matches := func(form string) []string { return regexp.MustCompile(`^` + form + `$`).FindStringSubmatch(line) }
	if m := matches(grouped + `  \[([#.]+)\]  +[0-9]+ s`); m != nil {
		return fmt.Sprint(len(m[1]))
	}
	switch {
	case matches(grouped+`  +[0-9]+ s`) != nil:
		return "seconds"
	case matches(grouped) != nil:
		return "grouped"
	case matches(fmt.Sprintf(`[0-9]{%d}`, digits)) != nil:
		return "bare"
	case line == "":
		return ""
	}
	return "something else"
}

func TestTheInterruptCharactersEchoLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for columns := 15; columns <= 60; columns++ {
			v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, columns, "2026-03-01T12:00:20Z")
			for _, w := range v.out.take() {
				v.terminal.Write([]byte(w.text))
			}
			v.terminal.Write([]byte("^C"))
			v.stop()
			v.sees(v.grouped("2026-03-01T12:00:20Z"), "")
		}
	})
}

func TestTheWidthIsAskedForEachDrawing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, 30, "2026-03-01T12:00:20Z")
		code := v.grouped("2026-03-01T12:00:20Z")
		v.sees(code + "  [####.......]  10 s")
		v.resize(60)
		time.Sleep(time.Second)
		v.sees(code + "  [#########.....................]   9 s")
		v.resize(0)
		time.Sleep(time.Second)
		v.sees(code + "  [########......................]   8 s")
		v.stop()
		v.sees(code, "")
	})
}

func TestWithoutAWidthItIsThatOf80Columns(t *testing.T) {
	c := Config{Entry: testEntry(t, 6, 30*time.Second)}
	if got := c.countdown(reading{at: time.Unix(30, 0), step: 1, code: "287082", width: c.width()}); got != "287 082  ["+strings.Repeat("#", 30)+"]  30 s" {
		t.Errorf("it shows %q", got)
	}
}

func TestWithColorThePresentCodeIsBoldAndPastCodesAreDim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second), Color: true}, 80, "2026-03-01T12:00:29Z")
		first, second := v.grouped("2026-03-01T12:00:29Z"), v.grouped("2026-03-01T12:00:30Z")
		time.Sleep(time.Second)
		v.sees(first, second+"  [##############################]  30 s")
		if v.styles[0] != "2222222" || strings.TrimRight(v.styles[1], "0") != "1111111" {
			t.Errorf("styles are %q", v.styles)
		}
		for _, w := range v.out.take() {
			t.Errorf("more was written: %v", w)
		}
		v.stop()
		v.sees(first, second, "")
	})
}

func TestWithoutColorThereIsNoStyle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, 80, "2026-03-01T12:00:29Z")
		time.Sleep(2 * time.Second)
		v.stop()
		for _, w := range v.out.take() {
			if regexp.MustCompile(`\x1b\[[0-9;]*m`).MatchString(w.text) {
				t.Errorf("%q has a style", w.text)
			}
		}
	})
}

func TestATerminalThatBecomesNarrowKeepsNoPiecesOfTheLiveLine(t *testing.T) {
	for _, next := range []bool{false, true} {
		for columns := 8; columns < 80; columns++ {
			synctest.Test(t, func(t *testing.T) {
				v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second), Next: next, Color: columns%2 == 0}, 80, "2026-03-01T12:00:28Z")
				first, second := v.grouped("2026-03-01T12:00:28Z"), v.grouped("2026-03-01T12:00:30Z")
				for _, w := range v.out.take() {
					v.terminal.Write([]byte(w.text))
				}
				v.narrow(columns)
				v.resize(columns)
				time.Sleep(time.Second)
				for _, w := range v.out.take() {
					v.terminal.Write([]byte(w.text))
				}
				if len(v.rows) != 1 || !strings.HasPrefix(v.rows[0], first) {
					t.Fatalf("%d columns: the screen shows %q", columns, v.rows)
				}
				time.Sleep(time.Second)
				for _, w := range v.out.take() {
					v.terminal.Write([]byte(w.text))
				}
				if len(v.rows) != 2 || v.rows[0] != first || !strings.HasPrefix(v.rows[1], second) {
					t.Fatalf("%d columns: the screen shows %q", columns, v.rows)
				}
				v.narrow(7) // just before the end
				v.resize(7)
				v.stop()
				v.sees(first, second, "")
			})
		}
	}
}
