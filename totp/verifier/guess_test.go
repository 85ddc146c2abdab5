package verifier

import (
	"fmt"
	"math"
	"os"
	"strings"
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

// The manual states this bound. It is the union bound: guesses before the
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

// days are the year of the manual's table.
const days = 365

// guessesADay is how many guesses the waits leave room for if the owner's good code
// clears the failures once in each interval.
func guessesADay(t *testing.T, interval time.Duration) int {
	return countGuesses(t, interval) * int(24*time.Hour/interval)
}

// opens is how likely that many guesses open an account.
func opens(guesses, digits int) float64 {
	return 1 - math.Pow(1-guessProbability(digits, totp.DefaultSkew), float64(guesses))
}

func percent(p float64) string { return fmt.Sprintf("%.2g %%", 100*p) }

// The manual's table of the long-run rate is these rows.
func TestTheManualsGuessingRatesAreThoseOfTheRules(t *testing.T) {
	table := "| the owner's good code comes every | guesses a day | opens the account within a year: 6 digits | 8 digits |\n|---|---|---|---|\n"
	for _, row := range []struct {
		every string
		time.Duration
	}{{"24 h", 24 * time.Hour}, {"6 h", 6 * time.Hour}, {"1 h", time.Hour}, {"15 min", 15 * time.Minute}} {
		guesses := guessesADay(t, row.Duration)
		table += fmt.Sprintf("| %s | %d | %s | %s |\n", row.every, guesses, percent(opens(days*guesses, 6)), percent(opens(days*guesses, 8)))
	}
	wantInManual(t, table+"\n")
}

// freeFailures are the guesses at an account that start no wait.
func TestTheManualsCostOfSprayingIsThatOfTheRules(t *testing.T) {
	const accounts = 10_000
	wantInManual(t, fmt.Sprintf("%d guesses at each of 10,000 accounts open one with a probability of %s.",
		freeFailures, percent(opens(freeFailures*accounts, totp.DefaultDigits))))
}

func wantInManual(t *testing.T, want string) {
	t.Helper()
	text, err := os.ReadFile("../../cmd/manual/security.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Join(strings.Fields(string(text)), " "); !strings.Contains(lines, strings.Join(strings.Fields(want), " ")) {
		t.Errorf("the manual's page security lacks\n%s", want)
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
		case ReasonInvalid:
			evaluated++
		case ReasonThrottled:
			now = now.Add(v.RetryAfter)
		case ReasonStopped:
			return evaluated
		default:
			t.Fatalf("a wrong code: %+v", v)
		}
	}
	return evaluated
}
