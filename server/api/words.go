package api

import (
	"cmp"
	"fmt"

	"totpctl/totp/verifier"
)

// Clause returns why a code is not valid, for the command line: what follows "not valid: ".
// A later server may give a reason that clause lacks; Clause then returns the reason itself.
func (v Verdict) Clause() string {
	text := clause(v.reason())
	switch {
	case text == "":
		return string(v.Reason)
	case v.Reason == verifier.ReasonThrottled:
		return fmt.Sprintf("%s, wait %d s", text, v.RetryAfter)
	case v.RetryAfter > 0:
		return fmt.Sprintf("%s; wait %d s", text, v.RetryAfter)
	}
	return text
}

// clause returns the words for a reason, "" for one that is not known.
func clause(r verifier.Reason) string {
	return map[verifier.Reason]string{
		verifier.ReasonInvalid:   "wrong code",
		verifier.ReasonReplayed:  "this code, or a later one, has been used already",
		verifier.ReasonMalformed: "not a code of this account: want 6 to 8 digits, as it has, or the 24 letters and digits of a recovery code",
		verifier.ReasonThrottled: "too many wrong codes",
		verifier.ReasonPending:   "the account is not confirmed yet",
		verifier.ReasonStopped:   "the account's key is stopped: a recovery code is good, or the first code of a new key",
		verifier.ReasonDisabled:  "the account is disabled",
	}[r]
}

// reason returns the reason why a code is not valid. The prototype's server gives none;
// what it refuses is then a wrong code, ReasonInvalid.
func (v Verdict) reason() verifier.Reason { return cmp.Or(v.Reason, verifier.ReasonInvalid) }
