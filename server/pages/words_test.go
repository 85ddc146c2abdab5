package pages

import (
	"html"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

func TestAResultTellsTheWaitThatItStarts(t *testing.T) {
	c := catalogues(t)[0]
	for want, v := range map[string]verifier.Verdict{
		"The code is good.": {Valid: true},
		"This code is not valid. Is the clock of your phone right?":                                  {Reason: verifier.ReasonInvalid},
		"This code is not valid. Is the clock of your phone right? Wait 30 seconds, then try again.": {Reason: verifier.ReasonInvalid, RetryAfter: 30 * time.Second},
		"This code was right 4 minutes ago. If your app shows it now, your phone's clock is that slow: set it to automatic. Wait 30 seconds, then try again.": {
			Reason: verifier.ReasonInvalid, Clock: -4 * time.Minute, RetryAfter: 30 * time.Second},
		"This code will be right in 60 seconds: your phone's clock is that far ahead. Set it to automatic.": {Reason: verifier.ReasonInvalid, Clock: time.Minute},
		"Too many wrong codes. Wait 3 minutes, then try again.":                                             {Reason: verifier.ReasonThrottled, RetryAfter: 150 * time.Second},
		"That is not a code: a code has 6 digits.":                                                          {Reason: verifier.ReasonMalformed},
	} {
		if got, err := c.result(&Result{Verdict: v, Digits: 6}); html.UnescapeString(string(got)) != want || err != nil {
			t.Errorf("%+v: %q, %v, want %q", v, got, err, want)
		}
	}
}
