package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

// verdicts are what Check promises of the default account.
var verdicts = []test{
	{"one of 100 who offer a code is accepted", oneAccepted},
	{"a used code stays used after a new start", usedAfterRestart},
	{"a storm of guesses around a good code", guessStorm},
	{"a wait goes on after a new start", waitAfterRestart},
	{"a repeated request gets its first verdict", repeatedRequest},
	{"a repetition is told from another request", otherRequest},
	{"a new key starts anew, the old is remembered", newKey},
	{"a good code and a new key do not clear the count of 30 days", tally},
}

func oneAccepted(t *testing.T, open Open) {
	k, c := key(t), newClock()
	a, b := newVerifier(t, open(t), k, c), newVerifier(t, open(t), k, c)
	good := code(t, k, c)
	var accepted, replayed atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			v := a
			if i%2 == 1 {
				v = b
			}
			switch got := check(t, v, verifier.Attempt{Code: good}); {
			case got.Valid:
				accepted.Add(1)
			case got.Reason == verifier.ReasonReplayed:
				replayed.Add(1)
			}
		})
	}
	all.Wait()
	if accepted.Load() != 1 || replayed.Load() != 99 {
		t.Errorf("%d accepted and %d replayed, want 1 and 99", accepted.Load(), replayed.Load())
	}
}

func usedAfterRestart(t *testing.T, open Open) {
	k, c := key(t), newClock()
	good := code(t, k, c)
	if got := check(t, newVerifier(t, open(t), k, c), verifier.Attempt{Code: good}); !got.Valid {
		t.Fatalf("first offer: %+v", got)
	}
	if got := check(t, newVerifier(t, open(t), k, c), verifier.Attempt{Code: good}); got.Reason != verifier.ReasonReplayed {
		t.Errorf("second offer after a new start: %+v, want replayed", got)
	}
}

// guessStorm lets a good code compete with wrong ones. Either the good code comes before
// the third wrong one, or it is not evaluated.
func guessStorm(t *testing.T, open Open) {
	k, c := key(t), newClock()
	s := open(t)
	a, b := newVerifier(t, s, k, c), newVerifier(t, open(t), k, c)
	var counts sync.Map
	count := func(v verifier.Verdict) {
		n, _ := counts.LoadOrStore(v.Reason, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
	}
	var all sync.WaitGroup
	for i, guess := range wrong(k, c, 200) {
		v := a
		if i%2 == 1 {
			v = b
		}
		all.Go(func() { count(check(t, v, verifier.Attempt{Code: guess})) })
	}
	var right verifier.Verdict
	all.Go(func() { right = check(t, a, verifier.Attempt{Code: code(t, k, c)}) })
	all.Wait()
	// A success in between clears the failures before it: two and three more.
	budget := int32(3)
	if right.Valid {
		budget += int32(right.Failures)
	} else if right.Reason != verifier.ReasonThrottled {
		t.Errorf("the good code got %+v", right)
	}
	n, _ := counts.LoadOrStore(verifier.ReasonInvalid, new(atomic.Int32))
	if got := n.(*atomic.Int32).Load(); got != budget {
		t.Errorf("%d guesses were evaluated, want %d", got, budget)
	}
}

func waitAfterRestart(t *testing.T, open Open) {
	k, c := key(t), newClock()
	v := newVerifier(t, open(t), k, c)
	for _, guess := range wrong(k, c, 3) {
		if got := check(t, v, verifier.Attempt{Code: guess}); got.Reason != verifier.ReasonInvalid {
			t.Fatalf("guess: %+v, want invalid", got)
		}
	}
	v = newVerifier(t, open(t), k, c)
	c.advance(29 * time.Second)
	want := verifier.Verdict{Reason: verifier.ReasonThrottled, RetryAfter: time.Second}
	if got := check(t, v, verifier.Attempt{Code: code(t, k, c)}); got != want {
		t.Errorf("good code during the wait: %+v, want %+v", got, want)
	}
	c.advance(time.Second)
	want = verifier.Verdict{Valid: true, Failures: 3}
	if got := check(t, v, verifier.Attempt{Code: code(t, k, c)}); got != want {
		t.Errorf("good code after the wait: %+v, want %+v", got, want)
	}
}

func repeatedRequest(t *testing.T, open Open) {
	k, c := key(t), newClock()
	v := newVerifier(t, open(t), k, c)
	good := verifier.Attempt{Code: code(t, k, c), Request: verifier.NewRequestID("bearer", "1")}
	first := check(t, v, good)
	if !first.Valid {
		t.Fatalf("first: %+v", first)
	}
	first.Repeated = true
	c.advance(5*time.Minute - time.Second)
	v = newVerifier(t, open(t), k, c)
	if got := check(t, v, good); got != first {
		t.Errorf("repeated within 5 minutes: %+v, want %+v", got, first)
	}
	c.advance(time.Second)
	if got := check(t, v, good); got.Valid {
		t.Errorf("repeated after 5 minutes: %+v, want it refused", got)
	}
}

func otherRequest(t *testing.T, open Open) {
	k, c := key(t), newClock()
	v := newVerifier(t, open(t), k, c)
	good := verifier.Attempt{Code: code(t, k, c), Request: verifier.NewRequestID("bearer", "1")}
	check(t, v, good)
	good.Request = verifier.NewRequestID("bearer", "2")
	if got := check(t, v, good); got.Reason != verifier.ReasonReplayed {
		t.Errorf("under another request id: %+v, want replayed", got)
	}
	good.Request = verifier.RequestID{}
	if got := check(t, v, good); got.Reason != verifier.ReasonReplayed {
		t.Errorf("without a request id: %+v, want replayed", got)
	}
	guess := verifier.Attempt{Code: wrong(k, c, 1)[0], Request: verifier.NewRequestID("bearer", "3")}
	for range 5 {
		if got := check(t, v, guess); got.Reason != verifier.ReasonInvalid {
			t.Errorf("a repeated wrong code: %+v, want invalid each time, charged once", got)
		}
	}
}

func newKey(t *testing.T, open Open) {
	old, c := key(t), newClock()
	s := open(t)
	used := verifier.Attempt{Code: code(t, old, c)}
	check(t, newVerifier(t, s, old, c), used)
	fresh := newVerifier(t, s, key(t), c)
	if enrolled, err := fresh.Enrolled(t.Context()); err != nil || enrolled {
		t.Errorf("with a new key Enrolled is %v, %v, want false", enrolled, err)
	}
	again := newVerifier(t, s, old, c)
	if enrolled, err := again.Enrolled(t.Context()); err != nil || !enrolled {
		t.Errorf("back at the old key Enrolled is %v, %v, want true", enrolled, err)
	}
	if got := check(t, again, used); got.Reason != verifier.ReasonReplayed {
		t.Errorf("back at the old key, its used code: %+v, want replayed", got)
	}
}

func tally(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	k, _ := enrol(t, v, c, "alice")
	begin := c.now().UTC()
	want := func(what string, want verifier.Tally) {
		t.Helper()
		info, err := v.Show(t.Context(), "alice")
		if err != nil || info.Recent != want {
			t.Errorf("%s: %+v, %v; want %+v", what, info.Recent, err, want)
		}
	}
	guess := func() {
		wantReason(t, v, verifier.Attempt{Account: "alice", Code: wrong(k, c, 1)[0]}, verifier.ReasonInvalid)
	}
	want("before", verifier.Tally{})
	for range 3 {
		guess()
		guess()
		c.advance(time.Hour)
		check(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)})
	}
	want("six wrong codes between good ones", verifier.Tally{Failures: 6, Since: begin})
	if err := v.Unlock(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
	if e, err := v.Rekey(t.Context(), "alice", true); err != nil {
		t.Error(err)
	} else {
		k = e.Entry.Key
		confirm(t, v, c, "alice", k)
	}
	want("after an unlock and a new key", verifier.Tally{Failures: 6, Since: begin})
	guess()
	want("after another guess", verifier.Tally{Failures: 7, Since: begin})
	c.advance(verifier.RecentTime)
	want("30 days later", verifier.Tally{})
	guess()
	want("the first guess afterwards", verifier.Tally{Failures: 1, Since: c.now().UTC()})
	c.advance(-time.Hour)
	want("when the clock was ahead by an hour", verifier.Tally{})
}
