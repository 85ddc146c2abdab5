package audit

import (
	"bytes"
	"encoding/json"
	"time"

	"totpctl/totp/verifier"
)

// A line is an event as the log has it. Package audit's comment documents the fields.
type line struct {
	Time      string `json:"time"`
	Event     string `json:"event"`
	Account   string `json:"account,omitempty"`
	Default   bool   `json:"default,omitempty"`
	To        string `json:"to,omitempty"`
	Valid     *bool  `json:"valid,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Recovery  bool   `json:"recovery,omitempty"`
	Repeated  bool   `json:"repeated,omitempty"`
	SkewSteps *int   `json:"skew_steps,omitempty"`
	Failures  *int   `json:"failures,omitempty"`
	By        string `json:"by,omitempty"`
	Client    string `json:"client,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	Count     int    `json:"count,omitempty"`
	Lost      int    `json:"lost,omitempty"`
}

// kindOpen is the event of the Log itself.
const kindOpen = "audit.open"

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }

func lineOf(e verifier.Event) line {
	l := line{
		Time: stamp(e.Time), Event: string(e.Kind), Account: e.Account, To: e.To, Reason: string(e.Refusal), Recovery: e.Recovery,
		By: e.Origin.By, Client: e.Origin.Client, RequestID: e.Origin.RequestID,
	}
	if e.Refusal != "" {
		l.Account = "" // whatever the caller has typed
		return l
	}
	l.Default = e.Account == "" && e.IsOfAccount()
	if e.IsVerdict() {
		l.Valid, l.Reason, l.Repeated, l.Failures = &e.Verdict.Valid, string(e.Verdict.Reason), e.Verdict.Repeated, &e.Failures
	}
	if e.Verdict.Valid && !e.Verdict.Recovery {
		l.SkewSteps = &e.Verdict.SkewSteps
	}
	return l
}

// appendTo appends the line, and its newline. An encoder escapes what could end a line.
func (l line) appendTo(text []byte) []byte {
	b := bytes.NewBuffer(text)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.Encode(l) // no error: strings, numbers and truth values
	return b.Bytes()
}
