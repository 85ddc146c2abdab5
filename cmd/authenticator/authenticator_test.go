package authenticator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/totp"
)

func TestLinesComeAtOnceAndThenAtTheBoundariesToTheNanosecond(t *testing.T) {
	for period, moments := range map[time.Duration][]string{
		time.Second: {"2026-03-01T12:00:10.123456789Z", "2026-03-01T12:00:11Z", "2026-03-01T12:00:12Z", "2026-03-01T12:00:13Z"},
		7 * time.Second: {"2026-03-01T12:00:10.999999999Z", "2026-03-01T12:00:14Z", "2026-03-01T12:00:21Z", "2026-03-01T12:00:28Z",
			"2026-03-01T12:00:35Z"},
		15 * time.Second: {"2026-03-01T12:00:15Z", "2026-03-01T12:00:30Z", "2026-03-01T12:00:45Z"},
		30 * time.Second: {"2026-03-01T12:00:29.999Z", "2026-03-01T12:00:30Z", "2026-03-01T12:01:00Z"},
		24 * time.Hour:   {"2026-03-01T12:00:00.5Z", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"},
	} {
		t.Run(period.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, Config{Entry: testEntry(t, 6, period)}, &recorder{}, moments[0])
				time.Sleep(at(t, moments[len(moments)-1]).Sub(at(t, moments[0])))
				s.sees(moments...)
				s.stop()
				s.sees()
			})
		})
	}
}

func TestADayHasEachStepOnceAndTheClockIsAskedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{Entry: testEntry(t, 8, 30*time.Second)}, &recorder{}, "2026-03-01T00:00:07.25Z")
		time.Sleep(24 * time.Hour)
		got := s.out.take()
		if want := 24*120 + 1; len(got) != want {
			t.Fatalf("%d writes, want %d", len(got), want)
		}
		for i, w := range got[1:] {
			want := at(t, "2026-03-01T00:00:30Z").Add(time.Duration(i) * 30 * time.Second)
			if !w.at.Equal(want) || w.text != codeAt(t, s.key, want)+"\n" {
				t.Fatalf("%q at %v, want the code of %v", w.text, w.at, want)
			}
		}
		if asked, seconds := s.clock.asked.Load(), int64(24*3600); asked > seconds+1 {
			t.Errorf("the clock was asked %d times in %d seconds", asked, seconds)
		}
		s.stop()
	})
}

func TestAJumpOfTheClockIsNoticedWithinASecond(t *testing.T) {
	for name, v := range map[string]struct {
		jump    time.Duration
		moments []string
	}{
		// From 12:00:10.25 the timer ends at 11.0, wherever the wall clock is by then.
		"forward within the step": {15 * time.Second, []string{"2026-03-01T12:00:30Z"}},
		"forward over one step":   {30 * time.Second, []string{"2026-03-01T12:00:41Z", "2026-03-01T12:01:00Z"}},
		"forward over many steps": {8*time.Hour + 500*time.Millisecond, []string{"2026-03-01T20:00:11.5Z", "2026-03-01T20:00:30Z"}},
		"forward to a boundary":   {19 * time.Second, []string{"2026-03-01T12:00:30Z"}},
		"forward past a boundary": {19*time.Second + time.Millisecond, []string{"2026-03-01T12:00:30.001Z", "2026-03-01T12:01:00Z"}},
		"back within the step":    {-9 * time.Second, []string{"2026-03-01T12:00:30Z"}},
		"back one step":           {-20 * time.Second, []string{"2026-03-01T11:59:51Z", "2026-03-01T12:00:00Z"}},
		"back many steps":         {-365*24*time.Hour - time.Millisecond, []string{"2025-03-01T12:00:10.999Z", "2025-03-01T12:00:30Z"}},
		"back by a fraction":      {-(20*time.Second + 900*time.Millisecond), []string{"2026-03-01T11:59:50.1Z", "2026-03-01T12:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, &recorder{}, "2026-03-01T12:00:10Z")
				time.Sleep(250 * time.Millisecond)
				s.sees("2026-03-01T12:00:10Z")
				s.clock.jump(v.jump)
				end := at(t, v.moments[len(v.moments)-1])
				time.Sleep(end.Sub(s.clock.now()))
				s.sees(v.moments...)
				s.stop()
			})
		})
	}
}

func TestASleepingMachineShowsTheNewCodeWithinASecondOfWaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{Entry: testEntry(t, 6, time.Hour)}, &recorder{}, "2026-03-01T12:00:10Z")
		time.Sleep(100*time.Second + 400*time.Millisecond)
		s.sees("2026-03-01T12:00:10Z")
		// Timers stand still for the night; 0.6 s of this one are left.
		s.clock.set(at(t, "2026-03-02T07:30:00.7Z"))
		time.Sleep(time.Second)
		s.sees("2026-03-02T07:30:01.3Z")
		time.Sleep(at(t, "2026-03-02T08:00:00Z").Sub(s.clock.now()))
		s.sees("2026-03-02T08:00:00Z")
		s.stop()
	})
}

func TestManySmallJumpsNeverRepeatAStepOrSkipTheClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{Entry: testEntry(t, 6, 15*time.Second)}, &recorder{}, "2026-03-01T12:00:00Z")
		last := int64(-1)
		for i := range 5000 {
			s.clock.jump(time.Duration(i*7919%4001-2000) * 10 * time.Millisecond)
			time.Sleep(time.Second + time.Duration(i*31%997)*time.Millisecond)
			for _, w := range s.out.take() {
				step, _ := s.key.Step(w.at)
				if w.text != codeAt(t, s.key, w.at)+"\n" || step == last {
					t.Fatalf("%q at %v, after a line for step %d", w.text, w.at, last)
				}
				last = step
			}
			// At least a second has passed since the jump.
			if step, _ := s.key.Step(s.clock.now()); step != last {
				t.Fatalf("at %v the last line is of step %d, want %d", s.clock.now(), last, step)
			}
		}
		s.stop()
	})
}

func TestASlowReaderMissesCodesButNoBoundaryAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &recorder{delay: 500 * time.Millisecond}
		s := start(t, Config{Entry: testEntry(t, 6, 30*time.Second)}, out, "2026-03-01T12:00:29.7Z")
		time.Sleep(65 * time.Second)
		// The first write lasts until 30.2, over the boundary.
		s.sees("2026-03-01T12:00:29.7Z", "2026-03-01T12:00:30.2Z", "2026-03-01T12:01:00Z", "2026-03-01T12:01:30Z")
		s.stop()
	})
}

func TestAWriteErrorEndsTheRunAndIsReturned(t *testing.T) {
	for _, display := range []Display{Lines, JSON, Live} {
		synctest.Test(t, func(t *testing.T) {
			out := &recorder{failAt: 2}
			s := start(t, Config{Entry: testEntry(t, 6, 30*time.Second), Display: display}, out, "2026-03-01T12:00:10Z")
			time.Sleep(time.Minute)
			synctest.Wait()
			select {
			case err := <-s.done:
				if !errors.Is(err, syscall.EPIPE) || !strings.HasPrefix(err.Error(), "writing code: ") {
					t.Errorf("Run ends with %v, want writing code: EPIPE", err)
				}
			default:
				t.Error("Run goes on after a write error")
				s.cancel()
			}
			if got := s.out.take(); len(got) != 1 {
				t.Errorf("%d writes, want the one before the error", len(got))
			}
		})
	}
}

func TestAPipeThatIsClosedEndsIt(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	c := Config{Entry: testEntry(t, 6, 30*time.Second), Clock: time.Now, Out: w}
	if err := Once(c); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Once returns %v, want EPIPE", err)
	}
	if err := Run(t.Context(), c); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Run returns %v, want EPIPE", err)
	}
}

func TestTheEndOfTheContextEndsItAtOnceWithoutAWrite(t *testing.T) {
	for _, display := range []Display{Lines, JSON} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, Config{Entry: testEntry(t, 6, 30*time.Second), Display: display}, &recorder{}, "2026-03-01T12:00:10.1Z")
			time.Sleep(300 * time.Millisecond)
			s.out.take()
			s.stop()
			if got := s.out.take(); len(got) != 0 {
				t.Errorf("the end wrote %v", got)
			}
		})
	}
}

func TestAContextThatHasEndedShowsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, display := range []Display{Lines, JSON, Live} {
		var out bytes.Buffer
		err := Run(ctx, Config{Entry: testEntry(t, 6, 30*time.Second), Clock: time.Now, Out: &out, Display: display})
		if err != nil || out.Len() > 0 {
			t.Errorf("display %d: %q, %v", display, out.String(), err)
		}
	}
}

func TestAClockBefore1970IsAnError(t *testing.T) {
	for _, display := range []Display{Lines, JSON, Live} {
		var out bytes.Buffer
		c := Config{Entry: testEntry(t, 6, 30*time.Second), Clock: func() time.Time { return time.Unix(-1, 0) }, Out: &out, Display: display}
		for name, err := range map[string]error{"Once": Once(c), "Run": Run(t.Context(), c)} {
			if !errors.Is(err, totp.ErrBeforeEpoch) || err.Error() != "reading clock: the clock is before 1970" {
				t.Errorf("%s returns %q", name, err)
			}
		}
		if out.Len() > 0 {
			t.Errorf("it wrote %q", out.String())
		}
	}
}

func TestAClockThatFallsBefore1970EndsTheRun(t *testing.T) {
	for display, want := range map[Display]string{Lines: "", Live: "\n"} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, Config{Entry: testEntry(t, 6, 30*time.Second), Display: display}, &recorder{}, "2026-03-01T12:00:10Z")
			s.out.take()
			s.clock.set(time.Unix(-1000, 0))
			time.Sleep(time.Second)
			var text string
			for _, w := range s.out.take() {
				text += w.text
			}
			if !strings.HasSuffix(text, want) || want == "" && text != "" {
				t.Errorf("display %d ends with %q", display, text)
			}
			select {
			case err := <-s.done:
				if !errors.Is(err, totp.ErrBeforeEpoch) {
					t.Errorf("Run ends with %v", err)
				}
			default:
				t.Error("Run goes on")
				s.cancel()
			}
		})
	}
}

// The code is RFC 6238 appendix B's for 59 seconds.
func TestOnceWritesOneLineWithOneWrite(t *testing.T) {
	for display, want := range map[Display]string{
		Lines: "94287082\n",
		Live:  "94287082\n",
		JSON: `{"code":"94287082","valid_from":"1970-01-01T00:00:30Z","expires_at":"1970-01-01T00:01:00Z","period":30,` +
			`"issuer":"A&B <C>","account":"é` + "\u200d" + `@example.com","step":1,"next":"37359152"}` + "\n",
	} {
		out := &recorder{clock: &wallClock{}}
		c := Config{Entry: testEntry(t, 8, 30*time.Second), Clock: func() time.Time { return time.Unix(59, 999) }, Out: out, Display: display}
		if err := Once(c); err != nil || len(out.writes) != 1 || out.writes[0].text != want {
			t.Errorf("display %d: %v, %v, want %q", display, out.writes, err, want)
		}
	}
}

func TestJSONHasOneObjectAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Config{Entry: testEntry(t, 7, time.Minute), Display: JSON}, &recorder{}, "2026-03-01T12:00:10.5Z")
		time.Sleep(5 * time.Minute)
		got := s.out.take()
		if len(got) != 6 {
			t.Fatalf("%d writes, want 6", len(got))
		}
		for i, w := range got {
			var o struct {
				Code, Next            string
				ValidFrom             time.Time `json:"valid_from"`
				ExpiresAt             time.Time `json:"expires_at"`
				Period, Step          int
				Issuer, Account, Else string
			}
			d := json.NewDecoder(strings.NewReader(w.text))
			d.DisallowUnknownFields()
			if err := d.Decode(&o); err != nil || strings.Count(w.text, "\n") != 1 || !strings.HasSuffix(w.text, "}\n") {
				t.Fatalf("%q: %v", w.text, err)
			}
			from := at(t, "2026-03-01T12:00:00Z").Add(time.Duration(i) * time.Minute)
			if o.Code != codeAt(t, s.key, from) || o.Next != codeAt(t, s.key, from.Add(time.Minute)) || !o.ValidFrom.Equal(from) || !o.ExpiresAt.Equal(from.Add(time.Minute)) ||
				o.Period != 60 || int64(o.Step) != from.Unix()/60 || o.Issuer != "A&B <C>" || o.Account != "é\u200d@example.com" {
				t.Errorf("%s is not of the step that begins at %v", w.text, from)
			}
			if i > 0 && !w.at.Equal(from) {
				t.Errorf("written at %v, want %v", w.at, from)
			}
		}
		s.stop()
	})
}
