package totp

import (
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"github.com/xlzd/gotp"
)

// DefaultSkew is one step each side: RFC 6238 section 5.2 recommends at most one
// for the delay of the network.
const DefaultSkew = 1

// MaxSkew is the widest skew that Match takes: two steps each side.
const MaxSkew = 2

// ErrBeforeEpoch says that a time lies before 1970, where TOTP has no steps
// (RFC 6238 section 4.2 counts them from T0 = 0).
var ErrBeforeEpoch = errors.New("the clock is before 1970")

// Step returns the number of the step that t falls in (RFC 6238 section 4.2, T),
// or ErrBeforeEpoch.
func (k Key) Step(t time.Time) (int64, error) {
	if t.Unix() < 0 {
		return 0, ErrBeforeEpoch
	}
	return t.Unix() / k.seconds(), nil
}

// Start returns the moment at which a step begins.
func (k Key) Start(step int64) time.Time { return time.Unix(step*k.seconds(), 0) }

// Code returns the code at t: Digits ASCII digits, or five of Steam's letters. It returns
// ErrBeforeEpoch before 1970.
func (k Key) Code(t time.Time) (string, error) {
	step, err := k.Step(t)
	if err != nil {
		return "", err
	}
	return k.code(step), nil
}

// IsCode reports whether s has the form of a code that Match takes: exactly Digits ASCII
// digits. It reports false for every code of Steam.
func (k Key) IsCode(s string) bool {
	return !k.scheme.Steam && len(s) == k.scheme.Digits && strings.Trim(s, "0123456789") == ""
}

// Match looks for code among the steps from skew before the step of t to skew after it
// (RFC 6238 sections 5.2 and 6). It brings skew into the range of 0 to MaxSkew. It
// returns the step that matched and true, or false. If two steps have the code, Match
// returns the later one: accepting the earlier one would leave the same digits good for
// the later. The time that Match takes tells nothing of the candidates.
func (k Key) Match(code string, t time.Time, skew int) (step int64, ok bool) {
	now, err := k.Step(t)
	if err != nil || !k.IsCode(code) {
		return 0, false
	}
	skew = inRange(skew)
	matched := -1
	for i := range 2*skew + 1 {
		equal := subtle.ConstantTimeCompare([]byte(k.code(now+int64(i-skew))), []byte(code))
		matched = subtle.ConstantTimeSelect(equal, i, matched)
	}
	return now + int64(matched-skew), matched >= 0
}

// inRange takes a skew that is out of its range for the nearest in it.
func inRange(skew int) int { return min(max(skew, 0), MaxSkew) }

// Drift looks for code among the steps that Match with the skew leaves out, up to the given
// time before and after t. It returns how many steps the code lies after that of t, negative
// if it lies before, and true; or false. Of several steps that have the code, Drift returns
// the nearest, and of two as near the earlier one. A code that Drift finds is not good: it
// tells whoever may see the secret that a clock is wrong. The time that Drift takes tells
// nothing of the candidates.
func (k Key) Drift(code string, t time.Time, skew int, within time.Duration) (steps int, ok bool) {
	now, err := k.Step(t)
	if err != nil || !k.IsCode(code) {
		return 0, false
	}
	for n := int(within / k.scheme.Period); n > inRange(skew); n-- {
		for _, off := range []int{n, -n} {
			equal := subtle.ConstantTimeCompare([]byte(k.code(now+int64(off))), []byte(code))
			steps = subtle.ConstantTimeSelect(equal, off, steps)
		}
	}
	return steps, steps != 0
}

// code is HOTP(K, step) of RFC 4226 section 5.3. A negative step has no code:
// gotp would panic on it.
func (k Key) code(step int64) string {
	if step < 0 {
		return ""
	}
	if k.scheme.Steam {
		return steamCode(k.decimal(step, wholeDigits))
	}
	return k.decimal(step, k.scheme.Digits)
}

// decimal returns the last digits of the number that the dynamic truncation of RFC 4226
// section 5.3 gives.
func (k Key) decimal(step int64, digits int) string {
	// An interval of one second makes gotp's timestamp the step itself, as an
	// int64 on every machine.
	hasher := &gotp.Hasher{HashName: k.scheme.Algorithm.String(), Digest: k.scheme.Algorithm.hash()}
	return gotp.NewTOTP(k.secret.padded(), digits, 1, hasher).At(step)
}

func (k Key) seconds() int64 { return int64(k.scheme.Period / time.Second) }
