package authenticator

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWithNextTheCodeOfTheNextStepFollowsEachCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{Entry: testEntry(t, 6, 30*time.Second), Next: true}, &recorder{}, "2026-03-01T12:00:10.5Z")
		time.Sleep(time.Minute)
		got := s.out.take()
		if len(got) != 3 {
			t.Fatalf("%d writes, want 3", len(got))
		}
		for _, w := range got {
			if want := codeAt(t, s.key, w.at) + " " + codeAt(t, s.key, w.at.Add(30*time.Second)) + "\n"; w.text != want {
				t.Errorf("at %v: %q, want %q", w.at, w.text, want)
			}
		}
		s.stop()
	})
}

// The codes are RFC 6238 appendix B's for 1111111109 and 1111111111 seconds, which lie in
// neighbouring steps.
func TestAnObjectHasBothCodesAndTheName(t *testing.T) {
	out := &recorder{clock: &wallClock{}}
	c := Config{Entry: testEntry(t, 8, 30*time.Second), Name: "GitHub:alice", Display: JSON,
		Clock: func() time.Time { return time.Unix(1111111109, 0) }, Out: out}
	err := Once(c)
	if want := `"step":37037036,"next":"14050471","name":"GitHub:alice"}` + "\n"; err != nil || !strings.HasPrefix(out.writes[0].text, `{"code":"07081804",`) || !strings.HasSuffix(out.writes[0].text, want) {
		t.Errorf("%v, %v, want it to end with %s", out.writes, err, want)
	}
}

func TestTheLiveLineShowsTheNextCodeAndNotInWhatIsPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second), Next: true}, 80, "2026-03-01T12:00:20.25Z")
		first, second, third := v.grouped("2026-03-01T12:00:00Z"), v.grouped("2026-03-01T12:00:30Z"), v.grouped("2026-03-01T12:01:00Z")
		v.sees(first + "  [##########....................]  10 s  next " + second)
		time.Sleep(10 * time.Second)
		v.sees(first, second+"  [##############################]  30 s  next "+third)
		v.stop()
		v.sees(first, second, "")
	})
}

func TestTheNextCodeStaysLongestInANarrowTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for columns, want := range map[int]string{
			80: "%s  [##########....................]  10 s  next %s",
			38: "%s  [##...]  10 s  next %s",
			37: "%s  10 s  next %s",
			29: "%s  10 s  next %s",
			20: "%s  %s",
			18: "%s  %s",
			17: "%.7s  10 s",
			14: "%.7s",
		} {
			v := watch(t, Config{Entry: testEntry(t, 6, 30*time.Second), Next: true, Color: columns%2 == 0}, columns, "2026-03-01T12:00:20Z")
			first, second := v.grouped("2026-03-01T12:00:00Z"), v.grouped("2026-03-01T12:00:30Z")
			codes := []any{first, second}
			v.sees(fmt.Sprintf(want, codes[:strings.Count(want, "%")]...))
			v.terminal.Write([]byte("^C"))
			v.stop()
			if columns > 14 {
				v.sees(first, "")
			}
		}
	})
}

func TestGroupsAreThoseOfEveryLength(t *testing.T) {
	for code, want := range map[string]string{"2GK7M": "2GK7M", "123456": "123 456", "1234567": "123 4567", "12345678": "1234 5678"} {
		if got := group(code); got != want {
			t.Errorf("%q is grouped as %q, want %q", code, got, want)
		}
	}
}
