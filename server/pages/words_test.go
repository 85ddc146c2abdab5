package pages

import (
	"html"
	"testing"

	"totpctl/totp/verifier"
)

func TestAResultTellsWhatIsWrong(t *testing.T) {
	c := catalogues(t)[0]
	for want, r := range map[string]Result{
		"The code is good.": {Valid: true},
		"This code is not valid. Is the clock of your phone right?":                                                          {Reason: verifier.ReasonInvalid},
		"This code was right 4 minutes ago. If your app shows it now, your phone's clock is that slow: set it to automatic.": {Reason: verifier.ReasonInvalid, Clock: -240},
		"This code will be right in 60 seconds: your phone's clock is that far ahead. Set it to automatic.":                  {Reason: verifier.ReasonInvalid, Clock: 60},
		"That is not a code: a code has 6 digits.":                                                                           {Reason: verifier.ReasonMalformed},
		"": {Reason: verifier.ReasonThrottled, Wait: 150}, // the page tells the wait
	} {
		r.Digits = 6
		if got, err := c.result(&r); html.UnescapeString(string(got)) != want || err != nil {
			t.Errorf("%+v: %q, %v, want %q", r, got, err, want)
		}
	}
}
