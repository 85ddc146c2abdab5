package api

import (
	"fmt"

	"totpctl/totp/verifier"
)

// clauses has what follows "not valid: " on the command line, for each reason. The verb of
// a text takes the wait.
var clauses = map[verifier.Reason]string{
	verifier.ReasonInvalid:   "wrong code",
	verifier.ReasonReplayed:  "this code, or a later one, has been used already",
	verifier.ReasonMalformed: "not a code of this account: want 6 to 8 digits, as it has, or the 24 letters and digits of a recovery code",
	verifier.ReasonThrottled: "too many wrong codes, wait %d s",
	verifier.ReasonPending:   "the account is not confirmed yet",
	verifier.ReasonStopped:   "the account's key is stopped: a recovery code is good, or the first code of a new key",
	verifier.ReasonDisabled:  "the account is disabled",
}

// Clause returns why a code is not valid, for the command line. A later server may give
// a reason that clauses lacks; the clause then is the reason itself.
func (v Verdict) Clause() string {
	switch text := clauses[v.reason()]; {
	case text == "":
		return string(v.Reason)
	case v.Reason == verifier.ReasonThrottled:
		return fmt.Sprintf(text, v.RetryAfter)
	case v.RetryAfter > 0:
		return fmt.Sprintf("%s; wait %d s", text, v.RetryAfter)
	default:
		return text
	}
}

// reason returns the reason why a code is not valid. The prototype's server gives none;
// what it refuses is then a wrong code, ReasonInvalid.
func (v Verdict) reason() verifier.Reason {
	if v.Reason == "" {
		return verifier.ReasonInvalid
	}
	return v.Reason
}
