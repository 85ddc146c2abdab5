package authenticator

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/totp"
)

// freshAt runs Fresh on a clock that shows moment at first. It returns what that clock
// shows at the end and what Fresh has told that it waits.
func freshAt(t *testing.T, moment string, atLeast time.Duration, clock *wallClock) (end time.Time, told []time.Duration) {
	t.Helper()
	clock.set(at(t, moment))
	c := Config{Entry: testEntry(t, 6, 30*time.Second), Clock: clock.now}
	if err := Fresh(t.Context(), c, atLeast, func(d time.Duration) { told = append(told, d) }); err != nil {
		t.Errorf("at %s: %v", moment, err)
	}
	return clock.now().UTC(), told
}

func TestAFreshCodeIsWaitedForOnlyIfTooLittleIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for moment, v := range map[string]struct{ end, wait string }{
			"2026-03-01T12:00:00Z":    {"2026-03-01T12:00:00Z", ""},
			"2026-03-01T12:00:22Z":    {"2026-03-01T12:00:22Z", ""}, // exactly 8 s are left
			"2026-03-01T12:00:22.01Z": {"2026-03-01T12:00:30Z", "7.99s"},
			"2026-03-01T12:00:29.9Z":  {"2026-03-01T12:00:30Z", "100ms"},
			"2026-03-01T12:00:30Z":    {"2026-03-01T12:00:30Z", ""},
		} {
			end, told := freshAt(t, moment, 8*time.Second, &wallClock{})
			if !end.Equal(at(t, v.end)) || (v.wait == "") != (len(told) == 0) || len(told) > 0 && (len(told) != 1 || told[0].String() != v.wait) {
				t.Errorf("at %s it ends at %v and tells %v, want %v", moment, end, told, v)
			}
		}
	})
}

func TestACodeThatHasJustBegunIsFreshHoweverMuchIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &wallClock{}
		time.AfterFunc(1500*time.Millisecond, func() { clock.jump(100 * time.Millisecond) }) // as if the process woke late
		if end, _ := freshAt(t, "2026-03-01T12:00:28Z", 30*time.Second-time.Millisecond, clock); !end.Equal(at(t, "2026-03-01T12:00:30.1Z")) {
			t.Errorf("it ends at %v", end)
		}
	})
}

func TestWaitingForAFreshCodeFollowsAClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &wallClock{}
		time.AfterFunc(1500*time.Millisecond, func() { clock.jump(-10 * time.Second) })
		end, told := freshAt(t, "2026-03-01T12:00:24Z", 8*time.Second, clock)
		if want := at(t, "2026-03-01T12:00:16Z"); !end.Equal(want) || len(told) != 1 {
			t.Errorf("it ends at %v and tells %v, want %v", end, told, want)
		}
	})
}

func TestWaitingForAFreshCodeEndsWithItsContextAndShowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &wallClock{}
		clock.set(at(t, "2026-03-01T12:00:25Z"))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := Fresh(ctx, Config{Entry: testEntry(t, 6, 30*time.Second), Clock: clock.now}, 8*time.Second, func(time.Duration) {})
		if !errors.Is(err, context.DeadlineExceeded) || !clock.now().Equal(at(t, "2026-03-01T12:00:27Z")) {
			t.Errorf("%v at %v", err, clock.now())
		}
	})
}

func TestNoCodeBefore1970IsWaitedFor(t *testing.T) {
	c := Config{Entry: testEntry(t, 6, 30*time.Second), Clock: func() time.Time { return time.Unix(-1, 0) }}
	if err := Fresh(t.Context(), c, time.Second, func(time.Duration) {}); !errors.Is(err, totp.ErrBeforeEpoch) {
		t.Errorf("Fresh returns %v", err)
	}
}
