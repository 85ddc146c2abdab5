package verifier

import (
	"math/rand/v2"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/totptest"
)

var moment = time.Unix(1_111_111_109, 0)

// rules are an account's, whose key has the secret of RFC 6238 appendix B.
type rules struct{ key totp.Key }

func (r rules) decide(s State, a Attempt, now time.Time) (State, Verdict) {
	return Account{Key: r.key, State: s}.decide(a, 1, now)
}

func (r rules) newAccount(name string) NewAccount {
	return NewAccount{Name: name, Entry: totp.Entry{Account: name, Key: r.key}}
}

func testRules(t *testing.T) rules {
	t.Helper()
	secret, err := totp.NewSecret([]byte("12345678901234567890"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := totp.NewKey(secret, totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	return rules{k}
}

func (r rules) codeAt(now time.Time, offset int) Attempt {
	code, _ := r.key.Code(now.Add(time.Duration(offset) * r.key.Period()))
	return Attempt{Code: code}
}

// badCode is good at no step near now.
func (r rules) badCode(now time.Time) Attempt { return Attempt{Code: totptest.WrongCode(r.key, now)} }

func TestWaitsDoubleFromTheThirdFailureToAnHour(t *testing.T) {
	want := []time.Duration{0, 0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
		16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour}
	for failures, w := range want {
		if got := wait(failures); got != w {
			t.Errorf("wait after %d failures is %v, want %v", failures, got, w)
		}
	}
	if got := wait(1 << 40); got != time.Hour {
		t.Errorf("wait after very many failures is %v", got)
	}
}

func TestOnlyALaterStepIsAccepted(t *testing.T) {
	r := testRules(t)
	for _, v := range []struct {
		first, second int
		want          Verdict
	}{
		{0, 0, Verdict{Reason: ReasonReplayed}},
		{0, -1, Verdict{Reason: ReasonReplayed}},
		{1, 0, Verdict{Reason: ReasonReplayed}},
		{0, 1, Verdict{Valid: true, SkewSteps: 1}},
		{-1, 0, Verdict{Valid: true}},
	} {
		s, got := r.decide(State{}, r.codeAt(moment, v.first), moment)
		if !got.Valid || got.SkewSteps != v.first {
			t.Fatalf("code of step %+d: %+v", v.first, got)
		}
		after, got := r.decide(s, r.codeAt(moment, v.second), moment)
		if got != v.want {
			t.Errorf("code of step %+d, then of %+d: %+v, want %+v", v.first, v.second, got, v.want)
		}
		if got.Reason == ReasonReplayed && after != s {
			t.Errorf("a replayed code changed the state to %+v", after)
		}
	}
}

func TestAThrottledCodeIsNotLookedAt(t *testing.T) {
	r := testRules(t)
	s := State{Throttle: Throttle{5, moment.Add(2 * time.Minute)}}
	for _, a := range []Attempt{r.codeAt(moment, 0), r.badCode(moment)} {
		after, got := r.decide(s, a, moment.Add(time.Minute))
		if want := (Verdict{Reason: ReasonThrottled, RetryAfter: time.Minute}); got != want || after != s {
			t.Errorf("during the wait: %+v, state %+v, want %+v and no change", got, after, want)
		}
	}
}

func TestAGoodCodeClearsTheFailuresAndTellsThem(t *testing.T) {
	r := testRules(t)
	s := State{Throttle: Throttle{7, moment}}
	after, got := r.decide(s, r.codeAt(moment, 0), moment)
	if want := (Verdict{Valid: true, Failures: 7}); got != want {
		t.Errorf("verdict %+v, want %+v", got, want)
	}
	step, _ := r.key.Step(moment)
	if after != (State{LastStep: step}) {
		t.Errorf("state after %+v", after)
	}
}

func TestARepetitionGetsTheFirstVerdictEvenWhileThrottled(t *testing.T) {
	r := testRules(t)
	a := r.badCode(moment)
	a.Request = NewRequestID("bearer", a.Code, "key")
	s := State{Throttle: Throttle{Failures: 2}}
	s, first := r.decide(s, a, moment)
	if first.Reason != ReasonInvalid || s.Throttle.Until.IsZero() {
		t.Fatalf("third failure: %+v, state %+v", first, s)
	}
	after, got := r.decide(s, a, moment.Add(time.Second))
	if want := first.again().waiting(firstWait - time.Second); got != want || after != s {
		t.Errorf("repeated: %+v, want %+v and no change", got, want)
	}
	other := a
	other.Request = NewRequestID("bearer", a.Code, "other key")
	if _, got := r.decide(s, other, moment.Add(time.Second)); got.Reason != ReasonThrottled {
		t.Errorf("another request: %+v, want throttled", got)
	}
	s, _ = r.decide(s, r.badCode(moment), moment.Add(time.Hour))
	if _, got := r.decide(s, a, moment.Add(time.Hour)); got.Reason != ReasonThrottled {
		t.Errorf("after a later verdict: %+v, want no answer from before it", got)
	}
}

// A server whose clock was ahead has written them.
func TestTimesFromTheFutureAreBounded(t *testing.T) {
	r := testRules(t)
	a := r.badCode(moment)
	a.Request = NewRequestID("bearer", a.Code, "key")
	for ahead, repeated := range map[time.Duration]bool{time.Second: true, retryWindow - time.Millisecond: true, retryWindow: false, 240 * time.Hour: false} {
		s := State{Last: Answer{a.Request, moment.Add(ahead), Verdict{Reason: ReasonInvalid}}}
		s, got := r.decide(s, a, moment)
		if got.Repeated != repeated {
			t.Errorf("an answer from %v ahead: %+v, want repeated %v", ahead, got, repeated)
		}
		if _, got := r.decide(s, a, moment.Add(retryWindow)); got.Repeated {
			t.Errorf("an answer from %v ahead is repeated for longer than %v", ahead, retryWindow)
		}
	}
	for _, ahead := range []time.Duration{maxWait + time.Hour, 1e6 * time.Hour} {
		s, got := r.decide(State{Throttle: Throttle{3, moment.Add(ahead)}}, r.codeAt(moment, 0), moment)
		if want := (Verdict{Reason: ReasonThrottled, RetryAfter: maxWait}); got.Reason != want.Reason || got.RetryAfter > maxWait || got.RetryAfter < maxWait-time.Second {
			t.Errorf("a wait of %v: %+v, want %+v", ahead, got, want)
		}
		later := moment.Add(maxWait)
		if _, got := r.decide(s, r.codeAt(later, 0), later); !got.Valid {
			t.Errorf("after the longest wait: %+v, want valid", got)
		}
	}
}

func TestRequestIDsOfDifferentPartsDiffer(t *testing.T) {
	if NewRequestID("ab", "c") == NewRequestID("a", "bc") || NewRequestID("a") == NewRequestID("a", "") {
		t.Error("parts run into each other")
	}
}

// Whatever is offered in whatever order, accepted steps only grow, at most
// three wrong codes are evaluated before the first wait, and only a good code
// clears failures.
func TestInvariantsHoldForRandomHistories(t *testing.T) {
	r := testRules(t)
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		s, now := State{}, moment
		for range 200 {
			now = now.Add(time.Duration(random.IntN(40_000)) * time.Millisecond)
			a := r.codeAt(now, random.IntN(7)-3)
			if random.IntN(2) == 0 {
				a = r.badCode(now)
			}
			next, v := r.decide(s, a, now)
			checkInvariants(t, s, next, v, now)
			s = next
		}
	}
}

func checkInvariants(t *testing.T, s, next State, v Verdict, now time.Time) {
	t.Helper()
	waiting := s.Throttle.Until.After(now)
	switch {
	case v.Valid:
		if waiting || next.LastStep <= s.LastStep || next.Throttle.Failures != 0 || v.Failures != s.Throttle.Failures {
			t.Fatalf("accepted %+v -> %+v (%+v)", s, next, v)
		}
	case v.Reason == ReasonInvalid:
		if waiting || next.LastStep != s.LastStep || next.Throttle.Failures != s.Throttle.Failures+1 || next.Throttle.Failures >= 3 && next.Throttle.Until.Sub(now) < 30*time.Second-time.Millisecond {
			t.Fatalf("charged %+v -> %+v (%+v)", s, next, v)
		}
	case v.Reason == ReasonThrottled:
		if !waiting || next != s {
			t.Fatalf("throttled %+v -> %+v (%+v)", s, next, v)
		}
	case v.Reason != ReasonReplayed || next != s:
		t.Fatalf("%+v -> %+v (%+v)", s, next, v)
	}
}

// TestTheWrongCodeThatStartsAWaitTellsIt wants that nobody learns of a wait only by the next,
// perhaps good, code.
func TestTheWrongCodeThatStartsAWaitTellsIt(t *testing.T) {
	r, s, now := testRules(t), State{}, moment
	for failures, want := range []time.Duration{0, 0, 30 * time.Second, time.Minute} {
		a := r.badCode(now)
		a.Request = NewRequestID("bearer", "key", now.String(), string(rune(failures)))
		var got Verdict
		if s, got = r.decide(s, a, now); got != (Verdict{Reason: ReasonInvalid, RetryAfter: want}) {
			t.Errorf("wrong code %d: %+v, want a wait of %v", failures+1, got, want)
		}
		if _, again := r.decide(s, a, now.Add(time.Second)); again != (Verdict{Reason: ReasonInvalid, RetryAfter: max(0, want-time.Second), Repeated: true}) {
			t.Errorf("wrong code %d, repeated a second later: %+v", failures+1, again)
		}
		now = now.Add(want)
	}
	s.Throttle = Throttle{Failures: maxFailures - 1}
	if _, got := r.decide(s, r.badCode(now), now); got != (Verdict{Reason: ReasonInvalid}) {
		t.Errorf("the code that stops the key: %+v, want no wait, because waiting is in vain", got)
	}
}

// TestOnlyAPageThatShowsTheSecretIsToldOfTheClock wants that the answer helps no guesser: a
// code that would be right at another time costs as much as any, and tells so to who sees
// the secret anyway.
func TestOnlyAPageThatShowsTheSecretIsToldOfTheClock(t *testing.T) {
	r := testRules(t)
	for off, clock := range map[int]time.Duration{-20: -10 * time.Minute, -8: -4 * time.Minute, 2: time.Minute, 21: 0} {
		a := r.codeAt(moment, off)
		want := Verdict{Reason: ReasonInvalid}
		charged, got := r.decide(State{}, a, moment)
		if got != want || charged.Throttle.Failures != 1 {
			t.Errorf("a check with a code of step %+d: %+v", off, got)
		}
		a.ShowsSecret, want.Clock = true, clock
		if after, got := r.decide(State{}, a, moment); got != want || after != charged {
			t.Errorf("the page with a code of step %+d: %+v, want %+v and the same charge", off, got, want)
		}
		waiting := State{Throttle: Throttle{5, moment.Add(time.Minute)}}
		if _, got := r.decide(waiting, a, moment); got != throttled(time.Minute) {
			t.Errorf("during a wait: %+v", got)
		}
	}
}
