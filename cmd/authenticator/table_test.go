package authenticator

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
)

const tableMoment = "2026-03-01T12:00:13Z"

// rowsOf returns rows of these names. The secrets differ, and every second period is a
// minute.
func rowsOf(t testing.TB, names ...string) (rows []Row) {
	t.Helper()
	for i, name := range names {
		scheme := totp.DefaultScheme()
		if i%2 == 1 {
			scheme.Period = time.Minute
		}
		rows = append(rows, rowOf(t, name, scheme))
	}
	return rows
}

func rowOf(t testing.TB, name string, scheme totp.Scheme) Row {
	t.Helper()
	secret, err := totp.NewSecret([]byte(fmt.Sprintf("%-20.20s", name)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := totp.NewKey(secret, scheme)
	if err != nil {
		t.Fatal(err)
	}
	return Row{Name: name, Shown: name, Entry: totp.Entry{Issuer: "ACME", Account: name, Key: key}}
}

func numbered(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("account-%05d", i))
	}
	return names
}

func tableOf(t testing.TB, columns, lines int, rows []Row) *table {
	t.Helper()
	v := newTable(rows, false)
	v.tick(at(t, tableMoment))
	v.resize(columns, lines)
	return v
}

func (t *table) types(keys ...key) (last action) {
	for _, k := range keys {
		last = t.press(k)
	}
	return last
}

func keysOf(text string) (keys []key) {
	for _, r := range text {
		keys = append(keys, key(r))
	}
	return keys
}

var column = regexp.MustCompile(`\x1b\[(\d+)G`)

// screenOf returns what a terminal shows of the view. A control sequence to a column
// must lead to where the cursor is already.
func screenOf(t testing.TB, v *table) (lines []string) {
	t.Helper()
	for _, line := range v.view() {
		if m := column.FindStringSubmatchIndex(line); m != nil {
			to, _ := strconv.Atoi(line[m[2]:m[3]])
			if at := cells(line[:m[0]]) + 1; at != to {
				t.Errorf("%q: the cursor goes from column %d to %d", line, at, to)
			}
			line = line[:m[0]] + line[m[1]:]
		}
		line = strings.ReplaceAll(line, leftToRight, "")
		if strings.Contains(line, "\x1b") {
			t.Errorf("%q has a style", line)
		}
		if n := cells(line); n > v.columns {
			t.Errorf("%q takes %d of %d columns", line, n, v.columns)
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	if len(lines) != v.lines {
		t.Errorf("%d lines, want %d", len(lines), v.lines)
	}
	return lines
}

func wants(t *testing.T, v *table, want ...string) {
	t.Helper()
	if got := screenOf(t, v); !slices.Equal(got, want) {
		t.Errorf("the screen shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (t *table) groupedCode(row, later int) string { return group(t.codeOf(t.rows[row], later)) }

func TestATableShowsEachCodeWithItsOwnCountdown(t *testing.T) {
	v := tableOf(t, 80, 6, rowsOf(t, "alice", "GitHub:bob"))
	wants(t, v,
		"  ACCOUNT     CODE     LEFT                NEXT",
		"> alice       "+v.groupedCode(0, 0)+"  17 s  [######....]  "+v.groupedCode(0, 1),
		"  GitHub:bob  "+v.groupedCode(1, 0)+"  47 s  [########..]  "+v.groupedCode(1, 1),
		"", "",
		"/ find  Enter copy  q quit                                                   1/2")
	before := v.groupedCode(0, 1)
	v.tick(at(t, "2026-03-01T12:00:30Z"))
	if got := v.groupedCode(0, 0); got != before || !strings.Contains(v.view()[1], got+"  30 s") {
		t.Errorf("the next step shows %q, want %s", v.view()[1], before)
	}
}

func TestANarrowTableDropsTheBarTheNextCodeAndTheTimeBeforeTheName(t *testing.T) {
	for columns, want := range map[int]string{
		200: "> a-name-of-24-characters-  CODE  17 s  [######....]  NEXT",
		67:  "> a-name-of-24-characters-  CODE  17 s  [######....]  NEXT",
		50:  "> a-name-of-24-characters-  CODE  17 s  NEXT",
		40:  "> a-name-of-24-character…  CODE  17 s",
		30:  "> a-name-of-24-c… CODE 17 s",
		20:  "> a-name-of… CODE",
		13:  "> a-… CODE",
		12:  "> CODE",
		8:   "CODE",
		6:   "CODE",
		5:   "",
	} {
		v := tableOf(t, columns, 2, rowsOf(t, "a-name-of-24-characters-"))
		code := v.groupedCode(0, 0)
		if columns < len(code) {
			code = strings.ReplaceAll(code, " ", "")
		}
		want = strings.NewReplacer("CODE", code, "NEXT", v.groupedCode(0, 1)).Replace(want)
		if got := screenOf(t, v)[0]; got != want {
			t.Errorf("%d columns show %q, want %q", columns, got, want)
		}
	}
}

func TestEveryLineFitsItsTerminalAndNoCodeIsCut(t *testing.T) {
	steam := rowOf(t, "Steam", totp.SteamScheme())
	long := rowOf(t, "eight", totp.Scheme{Algorithm: totp.SHA256, Digits: 8, Period: 24 * time.Hour})
	rows := append(rowsOf(t, "alice", "GitHub:bob", "東京:太郎", "e\u0301ve", "😀", "שלום", strings.Repeat("w", 128)), steam, long)
	for _, columns := range []int{1, 5, 6, 7, 8, 9, 10, 12, 13, 15, 19, 20, 21, 25, 30, 39, 40, 41, 55, 70, 80, 200} {
		for _, lines := range []int{1, 2, 4, 5, 14} {
			v := tableOf(t, columns, lines, rows)
			for range rows {
				shown := strings.ReplaceAll(strings.Join(screenOf(t, v), "\n"), " ", "")
				r, _ := v.chosen()
				code := v.codeOf(r, 0)
				if columns >= len(code) && !strings.Contains(shown, code) {
					t.Fatalf("%d×%d: the chosen code %s is not in\n%s", columns, lines, code, shown)
				}
				v.press(keyDown)
			}
		}
	}
}

func TestCodesAreAlignedBesideNamesOfAllScripts(t *testing.T) {
	v := tableOf(t, 80, 12, rowsOf(t, "alice", "東京:太郎", "e\u0301ve", "😀", "שלום", "אבג:1", "한국"))
	want := 0
	for i, line := range screenOf(t, v)[1:8] {
		begins := cells(line[:strings.Index(line, v.groupedCode(i, 0))])
		if want == 0 {
			want = begins
		}
		if begins != want {
			t.Errorf("%q: the code begins in column %d, want %d", line, begins, want)
		}
	}
}

func TestBehindARightToLeftNameDigitsRunLeftToRight(t *testing.T) {
	v := tableOf(t, 80, 4, rowsOf(t, "שלום", "alice"))
	if lines := v.view(); !regexp.MustCompile("ם *\u200e").MatchString(lines[0]) || strings.Contains(lines[1], "\u200e") {
		t.Errorf("the lines are %q", lines)
	}
}

func TestMoreRowsThanLinesScroll(t *testing.T) {
	v := tableOf(t, 60, 12, rowsOf(t, numbered(100)...)) // ten rows
	for _, test := range []struct {
		keys       []key
		first, row int
	}{
		{nil, 0, 0},
		{keysOf("jjjk"), 0, 2},
		{[]key{keyPageDown}, 3, 12},
		{[]key{keyUp, keyUp}, 3, 10},
		{[]key{keyEnd}, 90, 99},
		{[]key{keyDown, keyDown}, 90, 99},
		{[]key{keyPageUp}, 89, 89},
		{[]key{keyHome}, 0, 0},
		{[]key{keyUp, keyPageUp}, 0, 0},
		{keysOf("G"), 90, 99},
		{keysOf("g"), 0, 0},
	} {
		v.types(test.keys...)
		lines := screenOf(t, v)
		if !strings.Contains(lines[1], fmt.Sprintf(" account-%05d ", test.first)) || !strings.HasSuffix(lines[11], fmt.Sprintf(" %d/100", test.row+1)) {
			t.Fatalf("after %v the screen is\n%s\nwant row %d from row %d on", test.keys, strings.Join(lines, "\n"), test.row, test.first)
		}
		if chosen := lines[1+test.row-test.first]; !strings.HasPrefix(chosen, fmt.Sprintf("> account-%05d ", test.row)) {
			t.Fatalf("after %v the chosen row is %q", test.keys, chosen)
		}
	}
}

func TestTheChosenRowStaysVisibleWhileTheTerminalChangesItsSize(t *testing.T) {
	v := tableOf(t, 80, 40, rowsOf(t, numbered(100)...))
	v.types(keyEnd, keyUp, keyUp)
	for _, lines := range []int{3, 1, 50, 2, 200, 5, 4} {
		v.resize(80, lines)
		if got := strings.Join(screenOf(t, v), "\n"); !strings.Contains(got, "> account-00097 ") {
			t.Errorf("%d lines show\n%s", lines, got)
		}
	}
	v.resize(80, 200)
	if got := screenOf(t, v); !strings.Contains(got[1], "account-00000") {
		t.Errorf("there is room for all, and the first one is %q", got[1])
	}
}

func TestASlashNarrowsTheTable(t *testing.T) {
	rows := rowsOf(t, "alice", "GitHub:bob", "GitHub:ÉVE", "mail")
	rows = append(rows, Row{Shown: "(default)", Entry: totp.Entry{Issuer: "Umbrella", Account: "me", Key: rows[0].Entry.Key}})
	v := tableOf(t, 80, 10, rows)
	finds := func(want string) {
		t.Helper()
		var names []string
		for _, i := range v.found {
			names = append(names, v.rows[i].Shown)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("filter %q finds %q, want %q", v.filter, got, want)
		}
	}
	v.types(keysOf("/g")...)
	finds("GitHub:bob GitHub:ÉVE")
	v.types(keysOf("ITHUB:éV")...)
	finds("GitHub:ÉVE")
	v.types(keyBackspace, keyBackspace)
	finds("GitHub:bob GitHub:ÉVE")
	if v.types(keysOf("qjkG/")...) != actNone {
		t.Error("what is typed into the filter ends the table")
	}
	finds("")
	if got := screenOf(t, v); got[1] != "no account matches" || got[9] != "/gITHUB:qjkG/"+strings.Repeat(" ", 64)+"0/0" {
		t.Errorf("the screen is %q", got)
	}
	if r, ok := v.chosen(); ok {
		t.Errorf("%v is chosen", r)
	}
	v.types(keyClear)
	v.types(keysOf("umbr")...)
	finds("(default)")
	if v.types(keyEscape) != actNone {
		t.Error("leaving the filter ends the table")
	}
	finds("alice GitHub:bob GitHub:ÉVE mail (default)")
	if r, _ := v.chosen(); r.Shown != "(default)" {
		t.Errorf("after the filter %q is chosen", r.Shown)
	}
	v.types('/', keyBackspace)
	if v.types('q') != actQuit {
		t.Error("q does not end the table after Backspace left the filter")
	}
}

func TestKeysEndCopyAndSuspend(t *testing.T) {
	for k, want := range map[key]action{
		'q': actQuit, keyEscape: actQuit, keyInterrupt: actQuit, keyEnter: actCopy, keySuspend: actSuspend, keyRedraw: actRedraw, 'x': actNone, keyNone: actNone,
	} {
		v := tableOf(t, 80, 10, rowsOf(t, "alice"))
		if got := v.press(k); got != want {
			t.Errorf("key %d: action %d, want %d", k, got, want)
		}
	}
	v := tableOf(t, 80, 10, rowsOf(t, "alice"))
	if v.types('/', 'a', keyEnter) != actCopy || v.types(keyInterrupt) != actQuit {
		t.Error("Enter and Ctrl-C mean something else in the filter")
	}
}

func TestWhatWasCopiedIsToldWhileItsCodeLasts(t *testing.T) {
	v := tableOf(t, 60, 3, rowsOf(t, "alice"))
	v.say(note{text: "copied (xclip)", about: "alice", until: at(t, "2026-03-01T12:00:30Z")})
	for moment, want := range map[string]string{
		tableMoment:            "copied (xclip), 17 s left: alice",
		"2026-03-01T12:00:29Z": "copied (xclip), 1 s left: alice",
		"2026-03-01T12:00:30Z": "",
	} {
		v.tick(at(t, moment))
		if got := screenOf(t, v)[2]; want != "" && got != want || want == "" && strings.Contains(got, "copied") {
			t.Errorf("at %s it says %q, want %q", moment, got, want)
		}
	}
	v.tick(at(t, tableMoment))
	v.press(keyDown)
	if got := screenOf(t, v)[2]; strings.Contains(got, "copied") {
		t.Errorf("after a key it still says %q", got)
	}
}

func TestWithColourCodesAreBoldAndNextCodesDim(t *testing.T) {
	v := newTable(rowsOf(t, "alice", "bob"), true)
	v.tick(at(t, tableMoment))
	v.resize(80, 6)
	lines := v.view()
	if !strings.HasPrefix(lines[0], dim) || !strings.Contains(lines[2], bold+v.groupedCode(1, 0)+plain) || !strings.HasSuffix(lines[2], dim+v.groupedCode(1, 1)+plain) {
		t.Errorf("the lines are %q", lines)
	}
	if !strings.Contains(lines[1], bold+"alice"+plain) || strings.Contains(lines[2], bold+"bob") {
		t.Errorf("not the chosen name alone is bold: %q", lines)
	}
}

// Codes of all rows would take seconds here, those of the visible ones milliseconds.
func TestTenThousandAccountsAreFluid(t *testing.T) {
	rows := rowsOf(t, numbered(10_000)...)
	SortRows(rows)
	v := tableOf(t, 80, 50, rows)
	begin := time.Now()
	for range 50 {
		v.types(append(keysOf("/9"), keyBackspace, keyEscape, keyPageDown)...)
		v.view()
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("50 drawings with 4 searches each took %v", took)
	}
}

func TestRowsAreSortedWithoutRegardToCase(t *testing.T) {
	rows := rowsOf(t, "github:bob", "alice", "(default)", "GitHub:Alice", "Éve", "ALICE", "Zoe")
	SortRows(rows)
	var names []string
	for _, r := range rows {
		names = append(names, r.Shown)
	}
	if got := strings.Join(names, " "); got != "(default) ALICE alice GitHub:Alice github:bob Zoe Éve" {
		t.Errorf("the order is %s", got)
	}
}

func TestAllCodesAreOneWriteOfOneMoment(t *testing.T) {
	rows := rowsOf(t, "alice", "GitHub:bob")
	rows = append(rows, Row{Shown: "(default)", Entry: rows[0].Entry})
	moment := at(t, tableMoment)
	asked := 0
	clock := func() time.Time { asked++; return moment.Add(time.Duration(asked) * time.Minute) }
	var out writes
	if err := OnceAll(rows, clock, &out, false); err != nil {
		t.Fatal(err)
	}
	code := func(i int) string { return codeAt(t, rows[i].Entry.Key, moment.Add(time.Minute)) }
	if got, want := out, fmt.Sprintf("alice %s\nGitHub:bob %s\n(default) %s\n", code(0), code(1), code(2)); len(got) != 1 || got[0] != want {
		t.Errorf("it writes %q, want %q", got, want)
	}
	out, asked = nil, 0
	if err := OnceAll(rows, clock, &out, true); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.Join(out, ""), "\n"); len(lines) != 4 || !isObject(lines[1], code(1), `,"name":"GitHub:bob"}`) || !isObject(lines[2], code(2), `,"default":true}`) {
		t.Errorf("it writes %q", out)
	}
	err := OnceAll(rows, func() time.Time { return time.Unix(-1, 0) }, &bytes.Buffer{}, false)
	if !errors.Is(err, totp.ErrBeforeEpoch) {
		t.Errorf("before 1970: %v", err)
	}
}

func isObject(line, code, end string) bool {
	return strings.HasPrefix(line, `{"code":"`+code+`",`) && strings.HasSuffix(line, end)
}

type writes []string

func (w *writes) Write(p []byte) (int, error) { *w = append(*w, string(p)); return len(p), nil }
