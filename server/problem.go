package server

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp/verifier"
)

// A problem is an error whose text the caller is told. Its code follows from its status.
type problem struct {
	status int
	text   string
}

func (p problem) Error() string { return p.text }

// codeOf returns the code of an error body for a status, "" for one that no error has.
// Programs compare codes and cmd/manual/api.md lists them, so a code keeps its name and its
// meaning.
func codeOf(status int) string {
	return map[int]string{
		http.StatusBadRequest:            "bad_request",
		http.StatusUnauthorized:          "unauthorized",
		http.StatusForbidden:             "forbidden",
		http.StatusNotFound:              "no_route",
		http.StatusMethodNotAllowed:      "method_not_allowed",
		http.StatusRequestTimeout:        "timeout",
		http.StatusRequestEntityTooLarge: "too_large",
		http.StatusInternalServerError:   "internal",
		http.StatusServiceUnavailable:    "unavailable",
	}[status]
}

// ownCodes has the errors that a program may want to tell from others of their status.
// The caller is told the text, or that of the error where there is none.
var ownCodes = []struct {
	err    error
	status int
	code   string
	text   string
}{
	{verifier.ErrWitness, http.StatusServiceUnavailable, "no_audit", "no verdict and no change: the audit log cannot be written"},
	{verifier.ErrName, http.StatusBadRequest, "bad_account", ""},
	{verifier.ErrNoAccount, http.StatusNotFound, "no_account", ""},
	{verifier.ErrExists, http.StatusConflict, "account_exists", ""},
	{verifier.ErrNotPending, http.StatusConflict, "not_pending", ""},
	{verifier.ErrPending, http.StatusConflict, "not_confirmed", ""},
	{verifier.ErrKeyPending, http.StatusConflict, "key_pending", ""},
	{errNoLinks, http.StatusConflict, "no_links", ""},
	{verifier.ErrNoKey, http.StatusServiceUnavailable, "no_encryption_key", ""},
}

// answerTo returns the status and the body that answer for an error. An error that is
// neither a problem nor has a code of its own came out of the verifier: the store gave
// no verdict.
func answerTo(err error) (int, api.Error) {
	for _, own := range ownCodes {
		if errors.Is(err, own.err) {
			return own.status, api.Error{Error: cmp.Or(own.text, err.Error()), Code: own.code}
		}
	}
	p := problem{http.StatusServiceUnavailable, "no verdict: the store does not answer, or not for this account"}
	if body, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		p = problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("body is larger than %d KiB", body.Limit>>10)}
	}
	errors.As(err, &p)
	return p.status, api.Error{Error: p.text, Code: codeOf(p.status)}
}

// writeError answers in JSON.
func writeError(w http.ResponseWriter, _ *http.Request, err error) {
	status, body := answerTo(err)
	writeJSON(w, status, body)
}

// fail answers a person with a page, and a program in JSON.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if !fromPerson(r) {
		writeError(w, r, err)
		return
	}
	status, body := answerTo(err)
	s.showRefusal(w, r, status, pages.Problem{Status: status, Code: body.Code})
}

// fromPerson reports whether a browser asks for a page. Scripts and programs do not name
// text/html in Accept (RFC 9110 section 12.5.1).
func fromPerson(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" || strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

func badRequest(text string) error { return problem{http.StatusBadRequest, text} }

// internal returns a problem for an error of this package's own, which the log tells and
// the caller is not told.
func internal(text string, err error) error {
	return fmt.Errorf("%w: %w", problem{http.StatusInternalServerError, text}, err)
}

var errNoLinks = errors.New("there are no links for people, because PUBLIC_URL is neither https nor this machine's")

var errNoPage = problem{http.StatusNotFound, "no such page"}
