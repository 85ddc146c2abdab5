package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"totpctl/totp/verifier"
)

func writeJSON(w http.ResponseWriter, status int, body any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // it is no HTML, and people read it
	if err := e.Encode(body); err != nil {
		status, text = http.StatusInternalServerError, *bytes.NewBufferString(`{"error":"encoding the answer failed","code":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK { // net/http copies the header when it is told of the status
		w.WriteHeader(status)
	}
	w.Write(text.Bytes())
}

// A VerdictBody is a verifier.Verdict as HTTP spells it.
type VerdictBody struct {
	Status     bool            `json:"status"`
	Reason     verifier.Reason `json:"reason,omitempty"`
	RetryAfter int             `json:"retry_after,omitempty"` // seconds
	SkewSteps  *int            `json:"skew_steps,omitempty"`
	Failures   *int            `json:"failures,omitempty"`
	Left       *int            `json:"recovery_codes_left,omitempty"`
	Recovery   []string        `json:"recovery_codes,omitempty"` // fresh, of a confirmation
	Repeated   bool            `json:"repeated,omitempty"`       // given before, for the same Idempotency-Key
}

// NewVerdictBody returns what is told of a verdict. The recovery codes are those
// that a confirmation gives.
func NewVerdictBody(v verifier.Verdict, recovery []string) VerdictBody {
	body := VerdictBody{Status: v.Valid, Reason: v.Reason, Recovery: recovery, Repeated: v.Repeated}
	switch {
	case v.Recovery:
		body.Left = &v.RecoveryLeft
	case v.Valid:
		body.SkewSteps, body.Failures = &v.SkewSteps, &v.Failures
	case v.Reason == verifier.Throttled:
		body.RetryAfter = seconds(v.RetryAfter)
	}
	return body
}

// writeVerdict answers a throttled attempt with the given status: POST has one
// of its own for it, the prototype's GET has not.
func writeVerdict(w http.ResponseWriter, v verifier.Verdict, recovery []string, ifThrottled int) {
	body, status := NewVerdictBody(v, recovery), http.StatusOK
	if v.Reason == verifier.Throttled {
		status = ifThrottled
		w.Header().Set("Retry-After", strconv.Itoa(body.RetryAfter))
	}
	note(w, "verdict", verdictName(v))
	writeJSON(w, status, body)
}

func verdictName(v verifier.Verdict) string {
	if v.Valid {
		return "valid"
	}
	return string(v.Reason)
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// readStrings reads one JSON object whose members are strings of the given
// names, each at most once. encoding/json would let Code stand for code and the
// last of two accounts win, and take one name for others that are not UTF-8; what
// two readers of one body may read differently is refused.
func readStrings(body io.Reader, names ...string) (map[string]string, error) {
	text, err := readBody(body)
	if err != nil {
		return nil, err
	}
	return readMembers(text, names, '"')
}

// readMembers reads members whose values are of the kinds.
func readMembers(text []byte, names []string, kinds ...jsontext.Kind) (map[string]string, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	members, err := readObject(d, names, kinds)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, bodyError(err)
	}
	return members, nil
}

func readObject(d *jsontext.Decoder, names []string, kinds []jsontext.Kind) (map[string]string, error) {
	if _, err := readToken(d, '{'); err != nil {
		return nil, err
	}
	members := map[string]string{}
	for d.PeekKind() == '"' {
		name, err := readToken(d, '"')
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			return nil, badRequest("unknown field in the body")
		}
		if members[name], err = readToken(d, kinds...); err != nil {
			return nil, err
		}
	}
	_, err := readToken(d, '}')
	return members, err
}

// readNothing is for requests that need no body: none, or an empty object.
func readNothing(body io.Reader) error {
	text, err := readBody(body)
	if err != nil || len(text) == 0 {
		return err
	}
	_, err = readStrings(bytes.NewReader(text))
	return err
}

// readFlag is readNothing for requests whose object may have one member, true or
// false; it is false where there is none.
func readFlag(body io.Reader, name string) (bool, error) {
	text, err := readBody(body)
	if err != nil || len(text) == 0 {
		return false, err
	}
	members, err := readMembers(text, []string{name}, 't', 'f')
	return members[name] == "true", err
}

// readToken returns the next token's text, if it is of one of the kinds.
func readToken(d *jsontext.Decoder, kinds ...jsontext.Kind) (string, error) {
	token, err := d.ReadToken()
	if err != nil || !slices.Contains(kinds, token.Kind()) {
		return "", bodyError(err)
	}
	return token.String(), nil
}

func bodyError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return badRequest("repeated field in the body")
	}
	return badRequest("body is not the JSON object that this route takes, in UTF-8")
}
