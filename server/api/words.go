package api

import (
	"fmt"

	"totpctl/totp/verifier"
)

// why has the words for each reason: a clause for the command line, which follows
// "not valid: ", and a sentence for a web page. The one verb of a text takes the wait if
// the reason is throttled, and the number of digits if it is malformed.
var why = map[verifier.Reason]struct{ clause, sentence string }{
	verifier.ReasonInvalid:   {"wrong code", "This code is not valid. Is the clock of your phone right?"},
	verifier.ReasonReplayed:  {"this code, or a later one, has been used already", "This code has been used already. Wait for the next one."},
	verifier.ReasonMalformed: {"not a code of this account: want 6 to 8 digits, as it has, or the 26 letters and digits of a recovery code", "That is not a code: a code has %d digits."},
	verifier.ReasonThrottled: {"too many wrong codes, wait %d s", "Too many wrong codes. Wait %s, then try again."},
	verifier.ReasonPending:   {"the account is not confirmed yet", "This account is not set up yet."},
	verifier.ReasonStopped: {"the account's key is stopped: a recovery code is good, or the first code of a new key",
		"This account's key is stopped. Use a recovery code, or ask an administrator."},
	verifier.ReasonDisabled: {"the account is disabled", "This account is disabled. Ask an administrator to unlock it."},
}

// Clause returns why a code is not valid, for the command line. A later server may give
// a reason that why lacks; the clause then is the reason itself.
func (v Verdict) Clause() string {
	switch text := why[v.reason()].clause; {
	case text == "":
		return string(v.Reason)
	case v.Reason == verifier.ReasonThrottled:
		return fmt.Sprintf(text, v.RetryAfter)
	default:
		return text
	}
}

// Sentence returns what a web page says of a verdict. The number of digits is that of the
// account's codes. The verdict comes from this program's verifier, so why has its reason.
func (v Verdict) Sentence(digits int) string {
	switch text := why[v.reason()].sentence; {
	case v.Status:
		return "The code is good."
	case v.Reason == verifier.ReasonThrottled:
		return fmt.Sprintf(text, InWords(v.RetryAfter))
	case v.Reason == verifier.ReasonMalformed:
		return fmt.Sprintf(text, digits)
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

// Sentences returns what Sentence says for each reason, for the script of a web page.
// ReasonThrottled is left out, because the script counts the seconds down by itself.
func Sentences(digits int) map[verifier.Reason]string {
	all := map[verifier.Reason]string{}
	for reason := range why {
		if reason != verifier.ReasonThrottled {
			all[reason] = Verdict{Reason: reason}.Sentence(digits)
		}
	}
	return all
}

// InWords returns a number of seconds with its unit, such as "90 seconds". From 120
// seconds on, the unit is minutes, rounded up.
func InWords(seconds int) string {
	switch {
	case seconds == 1:
		return "1 second"
	case seconds < 120:
		return fmt.Sprintf("%d seconds", seconds)
	}
	return fmt.Sprintf("%d minutes", (seconds+59)/60)
}
