package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

// maxText is how many characters of a server's text an error shows.
const maxText = 200

// A Result is a server's verdict.
type Result struct {
	api.Verdict

	// ClockOffset is how far the server's clock is ahead of this one, give or take
	// half a second and half the time that the answer took. It is nil unless the
	// code is wrong and the answer has a date.
	ClockOffset *time.Duration `json:"-"`
}

// A failure is an error with a hint, which may be empty.
type failure struct{ text, hint string }

func (f failure) Error() string { return f.text }

// Hint returns what the user can do.
func (f failure) Hint() string { return f.hint }

// A Kind is why a Check has no verdict.
type Kind int

// The kinds of an Error.
const (
	NoAnswer   Kind = iota // the server does not answer, is not totpctl, or has no verdict now
	NoAccount              // the server has no such account (404 with the code no_account)
	BadAccount             // no account can have that name (400 with the code bad_account)
	Refused                // the server refuses the bearer (401 or 403)
)

// An Error is what Check returns where the server was asked and gave no verdict.
type Error struct {
	failure
	Kind Kind
}

// An answer is what came back for one request. The zero answer is none.
type answer struct {
	status         int
	date           string
	body           []byte
	sent, received time.Time
}

// whole returns the body, or nil if that is longer than maxAnswer and so cut off.
func (a answer) whole() []byte {
	if len(a.body) > maxAnswer {
		return nil
	}
	return a.body
}

// unknownRoute reports whether the server has no POST /check.
func (a answer) unknownRoute() bool {
	_, ours := a.errorText()
	return !ours && (a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed)
}

// unavailable reports whether asking again may soon bring a verdict.
func (a answer) unavailable() bool {
	return a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable || a.status == http.StatusGatewayTimeout
}

// errorText returns the text of totpctl's {"error": …}.
func (a answer) errorText() (text string, ok bool) { return a.text("error") }

// text returns a member of the answer that is a string.
func (a answer) text(name string) (text string, ok bool) {
	members, err := api.Members(a.whole())
	if err != nil {
		return "", false
	}
	return api.Text(members[name])
}

func (a answer) result() (Result, error) {
	verdict, err := api.ParseVerdict(a.whole())
	throttled := a.status == http.StatusTooManyRequests && verdict.Reason == verifier.ReasonThrottled
	switch {
	case err == nil && (a.status == http.StatusOK || throttled):
		r := Result{Verdict: verdict}
		if !r.Status && (r.Reason == "" || r.Reason == verifier.ReasonInvalid) {
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

// kind returns the kind of an answer that is no verdict. Any 404 without totpctl's own code
// may be a wrong path, or another program's.
func (a answer) kind() Kind {
	code, _ := a.text("code")
	switch {
	case a.status == http.StatusNotFound && code == "no_account":
		return NoAccount
	case a.status == http.StatusBadRequest && code == "bad_account":
		return BadAccount
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return Refused
	}
	return NoAnswer
}

func (a answer) hint() string {
	code, _ := a.text("code") // an older server sends none
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

// clockOffset estimates how far the server's clock is ahead. A Date is cut to a second,
// so the server's clock is taken to have been half a second later, in the middle between
// sending and receiving.
func (a answer) clockOffset() *time.Duration {
	date, err := http.ParseTime(a.date)
	if err != nil {
		return nil
	}
	middle := a.sent.Add(a.received.Sub(a.sent) / 2)
	return new(date.Add(time.Second / 2).Sub(middle))
}

// explain makes an Error of a failure. It adds whom the client asked, and takes out the
// bearer, the code and what a terminal would not print.
func (c *Client) explain(err error, kind Kind, code string) error {
	f, ok := errors.AsType[failure](err)
	if !ok {
		return err
	}
	f.text = strings.ReplaceAll(f.text, c.config.Bearer, "[redacted]")
	if len(code) >= totp.MinDigits { // what is shorter is no code, and in the text of many an error
		f.text = strings.ReplaceAll(f.text, code, "[redacted]")
	}
	return Error{failure{"asking " + c.server + ": " + clean(f.text), f.hint}, kind}
}

// clean returns the first maxText characters of a text, and escapes those that a terminal
// would not print.
func clean(text string) string {
	quoted := fmt.Sprintf("%.*q", maxText, text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
