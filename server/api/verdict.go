package api

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"totpctl/totp/verifier"
)

// A Question is the body of POST /check: whether Code, or RecoveryCode in its place,
// is good for Account, which is the default one if it is empty.
type Question struct {
	Code         string `json:"code,omitempty"`
	RecoveryCode string `json:"recovery_code,omitempty"`
	Account      string `json:"account,omitempty"`
}

// A Verdict is the answer to a code, whether offered by a Question or to confirm an
// account.
type Verdict struct {
	Status     bool            `json:"status"`                // the code is good
	Reason     verifier.Reason `json:"reason,omitempty"`      // why not; empty if good or not told
	RetryAfter int             `json:"retry_after,omitempty"` // seconds from now during which no code is looked at: with verifier.ReasonThrottled, and with the verifier.ReasonInvalid that starts a wait
	SkewSteps  *int            `json:"skew_steps,omitempty"`  // if good: steps between the server's clock and the code's
	Failures   *int            `json:"failures,omitempty"`    // if good: wrong codes since the last good one
	Left       *int            `json:"recovery_codes_left,omitempty"`
	Recovery   []string        `json:"recovery_codes,omitempty"` // fresh ones, of a confirmation
	RekeyedAt  *time.Time      `json:"rekeyed_at,omitempty"`     // if good: when a recovery code gave the account its key, for 7 days
	Repeated   bool            `json:"repeated,omitempty"`       // given before, for the same Idempotency-Key
}

// VerdictOf returns what is told of a verdict. The recovery codes are those that a
// confirmation gives.
func VerdictOf(v verifier.Verdict, recovery []string) Verdict {
	told := Verdict{
		Status: v.Valid, Reason: v.Reason, RetryAfter: Seconds(v.RetryAfter),
		Recovery: recovery, Repeated: v.Repeated, RekeyedAt: optional(v.RekeyedAt),
	}
	switch {
	case v.Recovery:
		told.Left = &v.RecoveryLeft
	case v.Valid:
		told.SkewSteps, told.Failures = &v.SkewSteps, &v.Failures
	}
	return told
}

// Seconds returns a time in whole seconds, rounded up.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// maxReason is how many letters a reason has at most.
const maxReason = 32

// ParseVerdict reads a verdict, also one of the prototype's server. It refuses what
// contradicts itself: an answer that has an error, or a good code with a reason. A
// reason that it does not know is lower-case letters and _.
func ParseVerdict(text []byte) (Verdict, error) {
	var v struct {
		Verdict
		Status     *bool          `json:"status"`
		RetryAfter uint32         `json:"retry_after"`
		Error      jsontext.Value `json:"error"`
	}
	err := json.Unmarshal(text, &v)
	oddReason := len(v.Reason) > maxReason || strings.Trim(string(v.Reason), "abcdefghijklmnopqrstuvwxyz_") != ""
	switch {
	case err != nil, v.Status == nil:
		return Verdict{}, errors.New("answer is not a verdict in JSON")
	case v.Error != nil, oddReason, *v.Status && v.Reason != "":
		return Verdict{}, errors.New("answer contradicts itself")
	}
	v.Verdict.Status, v.Verdict.RetryAfter = *v.Status, int(v.RetryAfter)
	return v.Verdict, nil
}
