package pages

import (
	"html/template"
	"slices"
	"strings"
	"time"

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
	Valid  bool
	Reason verifier.Reason // why not
	Wait   int             // seconds from now in which no code is looked at
	Clock  int             // seconds that the phone's clock is ahead; negative if it is slow, 0 if that is not known
	Now    time.Time       // on the server's clock
	Digits int             // of the account's codes
}

// AsksClock reports whether the page asks for the phone's clock, and tells the server's.
func (r Result) AsksClock() bool { return !r.Valid && r.Reason == verifier.ReasonInvalid }

// Explains reports whether there is a sentence for a reason.
func Explains(r verifier.Reason) bool {
	return slices.Contains([]verifier.Reason{
		verifier.ReasonInvalid, verifier.ReasonReplayed, verifier.ReasonMalformed, verifier.ReasonThrottled,
		verifier.ReasonPending, verifier.ReasonStopped, verifier.ReasonDisabled,
	}, r)
}

// result returns the sentence of a Result. It is "" of an attempt that had to wait: the page
// tells the wait itself.
func (c catalogue) result(r *Result) (template.HTML, error) {
	switch {
	case r.Valid:
		return c.text("verdict.valid")
	case r.Reason == verifier.ReasonMalformed:
		return c.text("verdict.malformed", "n", r.Digits)
	case r.Reason == verifier.ReasonThrottled:
		return "", nil
	case r.Reason == verifier.ReasonInvalid && r.Clock < 0:
		return c.withDuration("verdict.slow", -r.Clock)
	case r.Reason == verifier.ReasonInvalid && r.Clock > 0:
		return c.withDuration("verdict.fast", r.Clock)
	}
	return c.text("verdict." + string(r.Reason))
}

func (c catalogue) withDuration(key string, seconds int) (template.HTML, error) {
	time, err := c.duration(seconds)
	if err != nil {
		return "", err
	}
	return c.text(key, "time", time)
}

// qr returns the drawing of a QR code, whose title is in the page's language.
func (c catalogue) qr(svg template.HTML) (template.HTML, error) {
	before, rest, found := strings.Cut(string(svg), "<title>")
	_, after, ended := strings.Cut(rest, "</title>")
	if !found || !ended {
		return svg, nil
	}
	title, err := c.text("setup.qr")
	return template.HTML(before) + "<title>" + title + "</title>" + template.HTML(after), err
}

// clock returns a time of day. Scripts put it into the browser's time zone.
func clock(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(t.Format(`<time dir="auto" datetime="2006-01-02T15:04:05Z">15:04:05 UTC</time>`))
}

// day returns a day as every language reads it (ISO 8601).
func day(t time.Time) template.HTML {
	return template.HTML(t.UTC().Format(`<time dir="ltr">2006-01-02</time>`))
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
