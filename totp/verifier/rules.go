package verifier

import (
	"time"

	"totpctl/totp"
)

// The throttle: the third failure in a row starts a wait, each further one a
// wait twice as long, and the hundredth stops the key (RFC 4226 section 7.3
// asks for one of these; NIST SP 800-63B-4 section 3.2.2 for at most 100 failures
// in a row).
const (
	freeFailures = 2
	firstWait    = 30 * time.Second
	maxWait      = time.Hour
	maxFailures  = 100
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
	NotYet    Reason = "pending"   // the account has not been confirmed
	Stopped   Reason = "stopped"   // the key: by 100 failures in a row, or revoked; recovery codes and a new key's first code are good
	Disabled  Reason = "disabled"  // the account: by a person
)

// A Verdict is the answer to an Attempt.
type Verdict struct {
	Valid        bool          `json:"valid"`
	Reason       Reason        `json:"reason,omitempty"`        // why not; empty if Valid
	RetryAfter   time.Duration `json:"-"`                       // with Throttled: how long from now
	SkewSteps    int           `json:"skew_steps,omitempty"`    // of a good code: steps between the server's clock and the code's
	Failures     int           `json:"failures,omitempty"`      // of a good code: wrong ones since the last good one
	Recovery     bool          `json:"recovery,omitempty"`      // a recovery code was used
	RecoveryLeft int           `json:"recovery_left,omitempty"` // with Recovery: how many are left
	Repeated     bool          `json:"-"`                       // given before, for the same request
}

type rules struct {
	key      totp.Key
	skew     int
	recovery string // the account's
}

// decide returns the verdict on a and the state after it. Only a wrong code is
// charged; throttled and replayed ones leave the state as it is.
func (r rules) decide(s State, a Attempt, now time.Time) (State, Verdict) {
	s = s.bounded(now)
	switch {
	case s.Last.repeats(a.Request, now):
		return s, s.Last.Verdict.again()
	case s.Disabled:
		return s, Verdict{Reason: Disabled}
	case r.key.IsZero() && !s.Revoked:
		return s, Verdict{Reason: NotYet}
	case a.RecoveryCode != "":
		return r.recover(s, a, now)
	case s.stopped():
		return s, Verdict{Reason: Stopped}
	case s.WaitUntil.After(now):
		return s, throttled(s.WaitUntil.Sub(now))
	case !r.key.IsCode(a.Code):
		return s, Verdict{Reason: Malformed}
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
	s.LastStep, s.Failures, s.WaitUntil = step, 0, time.Time{}
	s.Last = answer(a, now, verdict)
	return s, verdict
}

func (s State) fail(a Attempt, now time.Time) (State, Verdict) {
	verdict := Verdict{Reason: Invalid}
	s.Failures++
	s.WaitUntil = waitUntil(s.Failures, now)
	s.Last = answer(a, now, verdict)
	return s, verdict
}

// stopped reports whether no code of the live key is good, whatever the time.
func (s State) stopped() bool { return s.Revoked || s.Failures >= maxFailures }

// bounded returns the state without times that no clock near now can have
// written. A server whose clock was far ahead would otherwise keep an account
// waiting for years, or repeat an answer as long.
func (s State) bounded(now time.Time) State {
	s.WaitUntil = earlier(s.WaitUntil, now.Add(maxWait))
	if ahead := s.Last.At.Sub(now); ahead >= retryWindow {
		s.Last = Answer{}
	} else if ahead > 0 { // a replica's clock may be a little ahead of this one
		s.Last.At = millisecond(now)
	}
	return s
}

func earlier(t, limit time.Time) time.Time {
	if t.After(limit) {
		return millisecond(limit)
	}
	return t
}

// again returns the verdict as a repetition of its request gets it.
func (v Verdict) again() Verdict {
	v.Repeated = true
	return v
}

func waitUntil(failures int, now time.Time) time.Time {
	if w := wait(failures); w > 0 {
		return millisecond(now.Add(w))
	}
	return time.Time{}
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

// repeats reports whether the answer is that of an earlier attempt of the request.
func (a Answer) repeats(request RequestID, now time.Time) bool {
	return request != (RequestID{}) && a.Request == request && now.Sub(a.At) < retryWindow
}

func millisecond(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
