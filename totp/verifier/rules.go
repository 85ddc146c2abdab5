package verifier

import (
	"time"

	"totpctl/totp"
)

// A Reason says why a code is not valid.
type Reason string

// The reasons, as HTTP answers spell them.
const (
	ReasonInvalid   Reason = "invalid"   // no step near the present one has this code
	ReasonReplayed  Reason = "replayed"  // its step is not later than the last accepted one
	ReasonMalformed Reason = "malformed" // not the ASCII digits of a code
	ReasonThrottled Reason = "throttled" // a wait, during which no code is evaluated
	ReasonPending   Reason = "pending"   // the account has not been confirmed
	ReasonStopped   Reason = "stopped"   // the key was ended by 100 failures in a row, or revoked
	ReasonDisabled  Reason = "disabled"  // the account was disabled by a person
)

// A Verdict says whether an Attempt is good.
type Verdict struct {
	Valid        bool
	Reason       Reason        // why not; empty if Valid
	RetryAfter   time.Duration // how long from now no code is evaluated: with ReasonThrottled, and with the ReasonInvalid that starts a wait
	SkewSteps    int           // of a good code: steps between the server's clock and the code's
	Failures     int           // of a good code: wrong ones since the last good one
	Recovery     bool          // a recovery code was used
	RecoveryLeft int           // with Recovery: how many are left
	Repeated     bool          // given before, for the same request
	// RekeyedAt is when a recovery code, at Recover, gave the account the key that it has: told
	// with good codes for RekeyedTime, zero otherwise.
	RekeyedAt time.Time
	// Clock is how far the clock that made a wrong code differs from the server's, in whole
	// steps: positive if that clock is ahead, 0 if it is not known. It is told to pages that
	// show the secret, because it would help a guesser.
	Clock time.Duration
}

// decide returns the verdict on an attempt and the state after it. Only a wrong
// code is charged; throttled and replayed ones leave the state as it is. The skew is
// in steps each side.
func (a Account) decide(t Attempt, skew int, now time.Time) (State, Verdict) {
	s := a.State.bounded(now)
	switch {
	case s.Last.isFor(t.Request, now):
		return s, s.Last.Verdict.again().waiting(s.wait(now))
	case s.Disabled:
		return s, Verdict{Reason: ReasonDisabled}
	case a.Key.IsZero() && !s.Revoked:
		return s, Verdict{Reason: ReasonPending}
	case t.RecoveryCode != "":
		return s.recover(a.Recovery, t, now)
	case s.stopped():
		return s, Verdict{Reason: ReasonStopped}
	case s.wait(now) > 0:
		return s, throttled(s.wait(now))
	case !a.Key.IsCode(t.Code):
		return s, Verdict{Reason: ReasonMalformed}
	}
	return s.try(a.Key, t, skew, now)
}

// try evaluates a code of the live key.
func (s State) try(k totp.Key, t Attempt, skew int, now time.Time) (State, Verdict) {
	verdict := Verdict{Reason: ReasonInvalid}
	step, matched := k.Match(t.Code, now, skew)
	switch {
	case !matched:
		s.Throttle, s.Recent = s.Throttle.fail(now), s.Recent.fail(now)
	case step <= s.LastStep:
		return s, Verdict{Reason: ReasonReplayed}
	default:
		verdict, s.LastStep, s.Throttle = good(k, step, s.Throttle, now), step, Throttle{}
	}
	s.Last = newAnswer(t.Request, now, verdict)
	if t.ShowsSecret {
		verdict = verdict.explained(k, t.Code, skew, now)
	}
	return s, verdict.waiting(s.wait(now))
}

// clockRange is how far a clock may be off for Verdict.Clock.
const clockRange = 10 * time.Minute

// explained returns the verdict on a wrong code with what it tells of a clock.
func (v Verdict) explained(k totp.Key, code string, skew int, now time.Time) Verdict {
	if v.Reason == ReasonInvalid {
		steps, _ := k.Drift(code, now, skew, clockRange)
		v.Clock = time.Duration(steps) * k.Period()
	}
	return v
}

// waiting returns the verdict on a wrong code with the wait that this code has started. A
// good code starts none. An Answer is stored without its wait, which goes by.
func (v Verdict) waiting(left time.Duration) Verdict {
	if v.Reason == ReasonInvalid {
		v.RetryAfter = left
	}
	return v
}

// good returns the verdict on the code of a step, which k.Match has found at now.
func good(k totp.Key, step int64, before Throttle, now time.Time) Verdict {
	present, _ := k.Step(now) // no error: Match has computed it
	return Verdict{Valid: true, SkewSteps: int(step - present), Failures: before.Failures}
}

// tallies returns the state that an account begins a new key with: it remembers the counts
// alone, which no key ends.
func (s State) tallies() State { return State{Recent: s.Recent, RecentRecovery: s.RecentRecovery} }

// stopped reports whether the live key has ended: no code of it is good.
func (s State) stopped() bool { return s.Revoked || s.Throttle.Failures >= maxFailures }

// wait returns how long no code of the live key is evaluated: 0 of a stopped key, which
// time does not bring back.
func (s State) wait(now time.Time) time.Duration {
	if s.stopped() {
		return 0
	}
	return s.Throttle.left(now)
}

// bounded returns the state without times that no clock near now can have written. An
// answer of a server whose clock was far ahead would otherwise be repeated for years.
func (s State) bounded(now time.Time) State {
	s.Throttle = s.Throttle.bounded(now)
	if ahead := s.Last.At.Sub(now); ahead >= retryWindow {
		s.Last = Answer{}
	} else if ahead > 0 { // a replica's clock may be a little ahead of this one
		s.Last.At = millisecond(now)
	}
	return s
}

func throttled(left time.Duration) Verdict {
	return Verdict{Reason: ReasonThrottled, RetryAfter: left}
}

func millisecond(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
