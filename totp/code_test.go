package totp

import (
	"errors"
	"math"
	"sync"
	"testing"
	"time"
)

func testKey(t testing.TB) Key { return newKey(t, seed(t, 20), DefaultScheme()) }

func TestStepsBeginAtWholePeriods(t *testing.T) {
	k := testKey(t)
	for _, v := range []struct {
		at   time.Time
		step int64
	}{
		{time.Unix(0, 0), 0}, {time.Unix(29, 999_999_999), 0}, {time.Unix(30, 0), 1}, {time.Unix(1<<32+30, 0), 143165577},
	} {
		if got, err := k.Step(v.at); err != nil || got != v.step {
			t.Errorf("step at %v is %d, %v, want %d", v.at.UTC(), got, err, v.step)
		}
		if start := k.Start(v.step); start.After(v.at) || !k.Start(v.step+1).After(v.at) {
			t.Errorf("step %d starts at %v and the next at %v, not around %v", v.step, start.UTC(), k.Start(v.step+1).UTC(), v.at.UTC())
		}
	}
}

func TestNoCodeBeforeTheEpochOrAtTheEndOfTime(t *testing.T) {
	k := testKey(t)
	for _, at := range []time.Time{time.Unix(-1, 0), time.Unix(0, -1), time.Unix(-31, 0), time.Unix(math.MinInt64, 0)} {
		if code, err := k.Code(at); !errors.Is(err, ErrBeforeEpoch) || code != "" {
			t.Errorf("code at %d is %q, %v, want ErrBeforeEpoch", at.Unix(), code, err)
		}
		if _, ok := k.Match("755224", at, MaxSkew); ok {
			t.Errorf("a code matches at %d", at.Unix())
		}
	}
	if _, ok := k.Match("", time.Unix(0, 0), MaxSkew); ok {
		t.Error("the empty code matches a step before the epoch")
	}
	far := time.Unix(math.MaxInt64-62135596800, 0) // the last that package time holds
	for _, period := range []time.Duration{MinPeriod, MaxPeriod} {
		code, err := newKey(t, k.secret, Scheme{SHA1, 6, period, false}).Code(far)
		if err != nil || len(code) != 6 {
			t.Errorf("code at the end of time is %q, %v", code, err)
		}
	}
}

func TestMatchFindsTheStepWithinTheSkewAndNoFurther(t *testing.T) {
	k := testKey(t)
	now := time.Unix(1111111109, 0)
	present, _ := k.Step(now)
	for skew := range MaxSkew + 1 {
		for offset := int64(-3); offset <= 3; offset++ {
			code := k.code(present + offset)
			step, ok := k.Match(code, now, skew)
			if want := offset >= int64(-skew) && offset <= int64(skew); ok != want || ok && step != present+offset {
				t.Errorf("code of step %+d at skew %d: step %+d, %v, want %v", offset, skew, step-present, ok, want)
			}
		}
	}
}

func TestMatchRefusesWhatIsNotACode(t *testing.T) {
	k := testKey(t)
	now := time.Unix(59, 0)
	for _, code := range []string{"", "28708", "2870820", "28708 ", " 287082", "287 082", "-87082", "+87082", "28708a", "２８７０８２", "287082\x00", "\xff87082"} {
		if k.IsCode(code) {
			t.Errorf("%q has the form of a code", code)
		}
		if _, ok := k.Match(code, now, MaxSkew); ok {
			t.Errorf("%q matches", code)
		}
	}
	if !k.IsCode("287082") {
		t.Error("287082 has not the form of a code")
	}
}

func TestMatchTakesASkewOutOfRangeForTheNearestInIt(t *testing.T) {
	k := testKey(t)
	now := time.Unix(1111111109, 0)
	present, _ := k.Step(now)
	if _, ok := k.Match(k.code(present+1), now, -5); ok {
		t.Error("a negative skew accepts the next step")
	}
	if _, ok := k.Match(k.code(present+3), now, 100); ok {
		t.Error("a skew of 100 accepts a step 3 away")
	}
}

// Two neighbours that share a code are one in a million: a search found these.
// Accepting the earlier would leave the same digits good for the later.
func TestMatchReturnsTheLaterOfTwoStepsWithOneCode(t *testing.T) {
	k := testKey(t)
	const later = 910738
	code := k.code(later)
	if code != k.code(later-1) {
		t.Fatal("the two steps have different codes")
	}
	for _, present := range []int64{later - 1, later} {
		if got, ok := k.Match(code, k.Start(present), 1); !ok || got != later {
			t.Errorf("at step %d the code matches step %d, %v, want %d", present, got, ok, later)
		}
	}
}

func TestAKeyIsSafeForConcurrentUse(t *testing.T) {
	// A secret whose base32 needs padding: gotp's own padding is a data race.
	e := Entry{"issuer", "account", newKey(t, seed(t, 17), DefaultScheme())}
	want, _ := e.Key.Code(time.Unix(59, 0))
	uri := e.URI()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 50 {
				if got, err := e.Key.Code(time.Unix(59, 0)); got != want || err != nil {
					t.Errorf("code is %s, %v, want %s", got, err, want)
				}
				if e.URI() != uri {
					t.Error("the URI changed")
				}
			}
		})
	}
	all.Wait()
}

// TestDriftFindsTheStepsThatMatchLeavesOut wants that a code tells how wrong a clock is, and
// nothing where Match would have taken it or where no clock is that wrong.
func TestDriftFindsTheStepsThatMatchLeavesOut(t *testing.T) {
	secret, _ := NewSecret([]byte("12345678901234567890"))
	k, err := NewKey(secret, DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_111_111_109, 0)
	for off, found := range map[int]bool{-21: false, -20: true, -8: true, -2: true, -1: false, 0: false, 1: false, 2: true, 20: true, 21: false} {
		code, err := k.Code(now.Add(time.Duration(off) * k.Period()))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if found {
			want = off
		}
		if steps, ok := k.Drift(code, now, 1, 10*time.Minute); steps != want || ok != found {
			t.Errorf("a code of step %+d: %+d, %t", off, steps, ok)
		}
	}
	first, _ := k.Code(time.Unix(30, 0))
	if steps, ok := k.Drift(first, time.Unix(90, 0), 1, 10*time.Minute); steps != -2 || !ok {
		t.Errorf("near 1970: %+d, %t", steps, ok)
	}
	for _, bad := range []string{"", "1", "12345a", "1234567"} {
		if _, ok := k.Drift(bad, now, 1, time.Hour); ok {
			t.Errorf("%q is a code", bad)
		}
	}
	if _, ok := k.Drift(first, time.Unix(-1, 0), 1, time.Hour); ok {
		t.Error("a clock before 1970 explains a code")
	}
}
