package pages

import (
	"html/template"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// duration returns a number of seconds with its unit. From 120 seconds on, the unit is
// minutes, rounded up.
func (c catalogue) duration(seconds int) (template.HTML, error) {
	if seconds < 120 {
		return c.text("time.seconds", "n", seconds)
	}
	return c.text("time.minutes", "n", (seconds+59)/60)
}

// A Result is what a page says of a code that was typed into its form.
type Result struct {
	verifier.Verdict
	Digits int // of the account's codes
}

// result returns what a page says of a Result: a sentence, and a second one with the wait
// that a wrong code has started.
func (c catalogue) result(r *Result) (template.HTML, error) {
	text, err := c.verdict(r)
	if err != nil || r.Reason != verifier.ReasonInvalid || r.RetryAfter <= 0 {
		return text, err
	}
	wait, err := c.duration(api.Seconds(r.RetryAfter))
	if err != nil {
		return "", err
	}
	then, err := c.text("verdict.wait", "time", wait)
	return text + " " + then, err
}

func (c catalogue) verdict(r *Result) (template.HTML, error) {
	switch {
	case r.Valid:
		return c.text("verdict.valid")
	case r.Reason == verifier.ReasonMalformed:
		return c.text("verdict.malformed", "n", r.Digits)
	case r.Reason == verifier.ReasonThrottled:
		wait, err := c.duration(api.Seconds(r.RetryAfter))
		if err != nil {
			return "", err
		}
		return c.text("verdict.throttled", "time", wait)
	case r.Clock != 0:
		off, err := c.duration(api.Seconds(r.Clock.Abs()))
		if err != nil {
			return "", err
		}
		if r.Clock > 0 {
			return c.text("verdict.invalid.ahead", "time", off)
		}
		return c.text("verdict.invalid.slow", "time", off)
	}
	return c.text("verdict." + string(r.Reason))
}

// name returns a name that people have given: its direction is its own, and no browser
// translates it.
func name(text string) template.HTML {
	return `<bdi translate="no">` + template.HTML(template.HTMLEscapeString(text)) + `</bdi>`
}

// code returns what is typed or configured as it stands, such as a command.
func code(text string) template.HTML {
	return `<code dir="ltr" translate="no">` + template.HTML(template.HTMLEscapeString(text)) + `</code>`
}
