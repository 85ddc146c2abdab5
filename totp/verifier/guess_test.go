package verifier

import (
	"math"
	"testing"
	"time"

	"totpctl/totp"
)

// candidates is how many codes are good at a time: one a step, skew steps each
// side of the present one.
func candidates(skew int) float64 { return float64(2*skew + 1) }

// A guess is right with this probability: candidates / 10^digits.
func guessProbability(digits, skew int) float64 {
	return candidates(skew) / math.Pow10(digits)
}

// The README states this bound. It is the union bound: guesses before the
// account stops × candidates / 10^digits.
func TestAGuesserSucceedsWithProbabilityUnder3In10000BeforeTheAccountStops(t *testing.T) {
	guesses := countGuesses(t, 365*24*time.Hour)
	if guesses != maxFailures {
		t.Fatalf("%d guesses are evaluated in a year, want the account to stop after %d", guesses, maxFailures)
	}
	if p := float64(guesses) * guessProbability(totp.DefaultDigits, totp.DefaultSkew); p > 3e-4+1e-15 {
		t.Errorf("probability %g, want at most 3e-4", p)
	}
}

// The README states this rate: a user who logs in once a day clears the failures,
// so that a guesser who never stops has, each day, as many guesses as the waits
// leave room for.
func TestAGuesserOfADailyUserHas32GuessesADay(t *testing.T) {
	guesses := countGuesses(t, 24*time.Hour)
	daily := float64(guesses) * guessProbability(totp.DefaultDigits, totp.DefaultSkew)
	yearly := 1 - math.Pow(1-guessProbability(totp.DefaultDigits, totp.DefaultSkew), float64(365*guesses))
	t.Logf("%d guesses a day: %.3g a day, %.3g a year", guesses, daily, yearly)
	if guesses != 32 {
		t.Errorf("%d guesses a day, want 32", guesses)
	}
	if math.Abs(daily-9.6e-5) > 1e-7 || math.Abs(yearly-0.0344) > 1e-4 {
		t.Errorf("probabilities %g a day and %g a year, want 9.6e-5 and 0.0344", daily, yearly)
	}
}

// countGuesses has the rules judge wrong codes, each offered as soon as the wait
// after the one before is over, and counts those evaluated within the time.
func countGuesses(t *testing.T, within time.Duration) (evaluated int) {
	t.Helper()
	r, s := testRules(t), State{}
	for now := moment; now.Before(moment.Add(within)); {
		var v Verdict
		s, v = r.decide(s, r.badCode(now), now)
		switch v.Reason {
		case Invalid:
			evaluated++
		case Throttled:
			now = now.Add(v.RetryAfter)
		case Stopped:
			return evaluated
		default:
			t.Fatalf("a wrong code: %+v", v)
		}
	}
	return evaluated
}
