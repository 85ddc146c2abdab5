package verifier

import (
	"time"

	"totpctl/totp"
)

// The throttle of DESIGN's contract: the third failure in a row starts a wait,
// each further one a wait twice as long (RFC 4226 section 7.3 asks for one of
// these; NIST SP 800-63B-4 section 3.2.2 allows growing waits).
const (
	freeFailures = 2
	firstWait    = 30 * time.Second
	maxWait      = time.Hour
)

// retryWindow is how long a repeated request gets its first verdict.
const retryWindow = 5 * time.Minute

// A Reason says why a code is not valid.
type Reason string

// The reasons, as HTTP answers spell them.
const (
	Invalid   Reason = "invalid"   // no step near the present one has this code
	Replayed  Reason = "replayed"  // its step is not later than the last accepted one
	Malformed Reason = "malformed" // not the ASCII digits of a code
	Throttled Reason = "throttled" // too many failures: not looked at
)

// A Verdict is the answer to an Attempt.
type Verdict struct {
	Valid      bool          `json:"valid"`
	Reason     Reason        `json:"reason,omitempty"`     // why not; empty if Valid
	RetryAfter time.Duration `json:"-"`                    // with Throttled: how long from now
	SkewSteps  int           `json:"skew_steps,omitempty"` // with Valid: steps between the server's clock and the code's
	Failures   int           `json:"failures,omitempty"`   // with Valid: wrong codes since the last good one
}

type rules struct {
	key  totp.Key
	skew int
}

// decide returns the verdict on a and the state after it. Only a wrong code is
// charged; throttled and replayed ones leave the state as it is.
func (r rules) decide(s State, a Attempt, now time.Time) (State, Verdict) {
	if s.Last.repeats(a.Request, now) {
		return s, s.Last.Verdict
	}
	if left := s.WaitUntil.Sub(now); left > 0 {
		return s, throttled(left)
	}
	step, matched := r.key.Match(a.Code, now, r.skew)
	switch {
	case !matched:
		return s.fail(a, now)
	case step <= s.LastStep:
		return s, Verdict{Reason: Replayed}
	}
	return r.accept(s, a, now, step)
}

func (r rules) accept(s State, a Attempt, now time.Time, step int64) (State, Verdict) {
	present, _ := r.key.Step(now) // Match has computed it from the same time
	verdict := Verdict{Valid: true, SkewSteps: int(step - present), Failures: s.Failures}
	return State{LastStep: step, Last: answer(a, now, verdict)}, verdict
}

func (s State) fail(a Attempt, now time.Time) (State, Verdict) {
	verdict := Verdict{Reason: Invalid}
	s.Failures++
	s.WaitUntil = time.Time{}
	if w := wait(s.Failures); w > 0 {
		s.WaitUntil = millisecond(now.Add(w))
	}
	s.Last = answer(a, now, verdict)
	return s, verdict
}

// wait is how long the given number of failures in a row keeps an account
// waiting.
func wait(failures int) time.Duration {
	if failures <= freeFailures {
		return 0
	}
	w := firstWait
	for range failures - freeFailures - 1 {
		if w *= 2; w >= maxWait {
			return maxWait
		}
	}
	return w
}

func throttled(left time.Duration) Verdict {
	return Verdict{Reason: Throttled, RetryAfter: left}
}

func answer(a Attempt, now time.Time, v Verdict) Answer {
	if a.Request == (RequestID{}) {
		return Answer{}
	}
	return Answer{Request: a.Request, At: millisecond(now), Verdict: v}
}

// repeats takes an answer from the future for a repeated one, too: the replica
// that gave it may have a clock ahead of this one.
func (a Answer) repeats(request RequestID, now time.Time) bool {
	return request != (RequestID{}) && a.Request == request && now.Sub(a.At) < retryWindow
}

func millisecond(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
