package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	maxText   = 200 // characters of a server's text that an error shows
	maxReason = 32
	minCode   = 6 // digits: what is shorter is no code, and in the text of many an error
	maxDigits = 8
)

// A Result is a server's verdict. Its JSON is POST /check's.
type Result struct {
	Status     bool          // the code is valid
	Reason     string        // why not: lower-case letters and _; empty if valid or not told
	RetryAfter time.Duration // with "throttled": how long from now, whole seconds
	SkewSteps  *int          // if valid: steps between the server's clock and the code's; nil if not told
	Failures   *int          // if valid: wrong codes since the last good one; nil if not told
	Left       *int          // if a recovery code was valid: how many are left; nil if not told

	// ClockOffset is how far the server's clock is ahead of this one, give or
	// take half a second and half the time the answer took. It is nil unless the
	// code is wrong and the answer dated.
	ClockOffset *time.Duration
}

type verdictBody struct {
	Status     *bool  `json:"status"`
	Reason     string `json:"reason,omitempty"`
	RetryAfter uint32 `json:"retry_after,omitempty"` // seconds
	SkewSteps  *int   `json:"skew_steps,omitempty"`
	Failures   *int   `json:"failures,omitempty"`
	Left       *int   `json:"recovery_codes_left,omitempty"`
}

// MarshalJSON writes the members of a verdict that totpctl knows.
func (r Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(verdictBody{&r.Status, r.Reason, uint32(r.RetryAfter / time.Second), r.SkewSteps, r.Failures, r.Left})
}

// A failure is an error with a way out.
type failure struct{ text, hint string }

func (f failure) Error() string { return f.text }

// Hint tells the user what to do; it may be empty.
func (f failure) Hint() string { return f.hint }

// An answer is what came back for one request; the zero answer is none.
type answer struct {
	status         int
	date           string
	body           []byte
	sent, received time.Time
}

// unknownRoute tells whether the answer is a server's that has no POST /check.
func (a answer) unknownRoute() bool {
	_, ours := a.errorText()
	return !ours && (a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed)
}

// unavailable tells whether the server, or a proxy before it, may soon have a
// verdict.
func (a answer) unavailable() bool {
	return a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable || a.status == http.StatusGatewayTimeout
}

// errorText returns the text of totpctl's {"error": …}.
func (a answer) errorText() (text string, ok bool) { return a.text("error") }

// text returns a member of the answer that is a string.
func (a answer) text(name string) (text string, ok bool) {
	raw, ok := members(a.body)[name]
	return text, ok && json.Unmarshal(raw, &text) == nil
}

func (a answer) result() (Result, error) {
	r, err := parseVerdict(a.body)
	throttled := a.status == http.StatusTooManyRequests && r.Reason == "throttled"
	switch {
	case err == nil && (a.status == http.StatusOK || throttled):
		if !r.Status && (r.Reason == "" || r.Reason == "invalid") {
			r.ClockOffset = a.clockOffset()
		}
		return r, nil
	case a.status == http.StatusOK:
		return Result{}, failure{err.Error(), "something other than totpctl may answer, such as a proxy's log-in page: is TOTPCTL_URL right?"}
	}
	text := fmt.Sprintf("answer is %d %s", a.status, strings.ToLower(http.StatusText(a.status)))
	if said, ok := a.errorText(); ok {
		text += ": " + said
	}
	return Result{}, failure{text, a.hint()}
}

func (a answer) hint() string {
	code, _ := a.text("code") // of an older server: none
	switch {
	case code == "bad_account":
		return "is the account's name right? No account can have this one"
	case code == "no_account":
		return "are the account's name and TOTPCTL_URL right?"
	case code == "no_route":
		return "is the path in TOTPCTL_URL right?"
	case a.status == http.StatusUnauthorized:
		return "BEARER must be one of the server's"
	case a.status == http.StatusForbidden:
		return "BEARER must be one that may check codes"
	case a.unknownRoute():
		return "is TOTPCTL_URL right, its path included? The prototype's server knows no accounts"
	case a.status == http.StatusNotFound:
		return "are the account's name and the path in TOTPCTL_URL right?"
	case a.status == http.StatusRequestEntityTooLarge:
		return "a code has 6 to 8 digits"
	case a.status == http.StatusTooManyRequests:
		return "a proxy may limit requests: try again later"
	case a.status >= http.StatusInternalServerError:
		return "the log of the server, or of a proxy before it, says why; try again later"
	}
	return "is TOTPCTL_URL right, http or https included?"
}

// clockOffset takes the server's clock to have been half a second past its Date,
// which is cut to a second, midway between sending and receiving.
func (a answer) clockOffset() *time.Duration {
	date, err := http.ParseTime(a.date)
	if err != nil {
		return nil
	}
	middle := a.sent.Add(a.received.Sub(a.sent) / 2)
	return new(date.Add(time.Second / 2).Sub(middle))
}

// parseVerdict refuses what contradicts itself or can be read in two ways.
func parseVerdict(body []byte) (Result, error) {
	all, v := members(body), verdictBody{}
	for name, into := range map[string]any{
		"status": &v.Status, "reason": &v.Reason, "retry_after": &v.RetryAfter, "skew_steps": &v.SkewSteps, "failures": &v.Failures, "recovery_codes_left": &v.Left,
	} {
		if raw, ok := all[name]; ok && json.Unmarshal(raw, into) != nil {
			return Result{}, errors.New("answer has a " + name + " of the wrong type")
		}
	}
	_, failed := all["error"]
	oddReason := len(v.Reason) > maxReason || strings.Trim(v.Reason, "abcdefghijklmnopqrstuvwxyz_") != ""
	switch {
	case v.Status == nil:
		return Result{}, errors.New("answer is not a verdict in JSON")
	case failed, oddReason, *v.Status && v.Reason != "":
		return Result{}, errors.New("answer contradicts itself")
	}
	return Result{Status: *v.Status, Reason: v.Reason, RetryAfter: time.Duration(v.RetryAfter) * time.Second, SkewSteps: v.SkewSteps, Failures: v.Failures, Left: v.Left}, nil
}

// members are those of a JSON object of at most 64 KiB that has no name twice, or
// nil. encoding/json alone would let Status stand for status, and the last of two
// win.
func members(body []byte) map[string]json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, _ := d.Token(); open != json.Delim('{') || len(body) > maxAnswer || !json.Valid(body) {
		return nil
	}
	all := map[string]json.RawMessage{}
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if _, twice := all[name]; twice || d.Decode(&value) != nil {
			return nil
		}
		all[name] = value
	}
	return all
}

// explain says whom the client asked, and makes err, a failure or nil, fit for a
// terminal and a log.
func (c *Client) explain(err error, code string) error {
	f, ok := errors.AsType[failure](err)
	if !ok {
		return err
	}
	f.text = strings.ReplaceAll(f.text, c.config.Bearer, "[redacted]")
	if len(code) >= minCode {
		f.text = strings.ReplaceAll(f.text, code, "[redacted]")
	}
	return failure{"asking " + c.base.String() + ": " + clean(f.text), f.hint}
}

// clean cuts text and escapes what a terminal would not print.
func clean(text string) string {
	quoted := fmt.Sprintf("%.*q", maxText, text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
