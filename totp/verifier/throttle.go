package verifier

import "time"

// The throttle: the third failure in a row starts a wait, each further one a
// wait twice as long, and the hundredth stops the live key (RFC 4226 section 7.3
// asks for one of these; NIST SP 800-63B-4 section 3.2.2 for at most 100 failures
// in a row).
const (
	freeFailures = 2 // in a row, without a wait
	firstWait    = 30 * time.Second
	maxWait      = time.Hour
	maxFailures  = 100 // in a row, the last of which stops the key
)

// A Throttle slows down whoever guesses the codes of a key. A good code resets it
// to the zero Throttle.
type Throttle struct {
	Failures int       // wrong codes in a row
	Until    time.Time // until then no code is evaluated
}

// left returns how long no code is evaluated; 0 if a code is evaluated now.
func (t Throttle) left(now time.Time) time.Duration { return max(0, t.Until.Sub(now)) }

// fail returns the throttle after one more wrong code.
func (t Throttle) fail(now time.Time) Throttle {
	t = Throttle{Failures: t.Failures + 1}
	if w := wait(t.Failures); w > 0 {
		t.Until = millisecond(now.Add(w))
	}
	return t
}

// bounded returns the throttle with a wait of maxWait at most. A server whose clock was
// far ahead would otherwise keep an account waiting for years.
func (t Throttle) bounded(now time.Time) Throttle {
	if limit := now.Add(maxWait); t.Until.After(limit) {
		t.Until = millisecond(limit)
	}
	return t
}

// RecentTime is how long a Tally counts.
const RecentTime = 30 * 24 * time.Hour

// A Tally counts the wrong codes of an account within RecentTime. A good code, a new key
// and an unlock do not clear it: whoever guesses now and then, between the owner's good
// codes, is seen by it. The first wrong code after RecentTime begins the next Tally.
type Tally struct {
	Failures int
	Since    time.Time // of the first of them
}

// fail returns the tally after one more wrong code.
func (t Tally) fail(now time.Time) Tally {
	if t = t.at(now); t.Failures == 0 {
		t.Since = millisecond(now)
	}
	t.Failures++
	return t
}

// maxTally is where a Tally of wrong recovery codes ends: none of them costs a wait, and a
// guesser must not have the database written for ever.
const maxTally = 999

// failUpToMax is fail that stops counting at maxTally.
func (t Tally) failUpToMax(now time.Time) Tally {
	if t.at(now).Failures >= maxTally {
		return t
	}
	return t.fail(now)
}

// at returns the tally as it counts now: the zero Tally if its time is over, or if a server
// whose clock was ahead has begun it.
func (t Tally) at(now time.Time) Tally {
	if age := now.Sub(t.Since); age >= RecentTime || age < -clockDrift {
		return Tally{}
	}
	return t
}

// wait returns how long the given number of failures in a row keeps an account
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
