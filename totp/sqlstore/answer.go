package sqlstore

import (
	"encoding/json"
	"time"

	"totpctl/totp/verifier"
)

// An answerColumn is a verifier.Answer as its column has it. The names are the
// column's, whatever those of verifier and of the wire are: older databases hold them.
type answerColumn struct {
	Request verifier.RequestID
	At      time.Time
	Verdict verdictColumn
}

// A verdictColumn has the fields of verifier.Verdict, to be converted to it. What holds
// for the moment alone is not stored.
type verdictColumn struct {
	Valid        bool            `json:"valid"`
	Reason       verifier.Reason `json:"reason,omitempty"`
	RetryAfter   time.Duration   `json:"-"`
	SkewSteps    int             `json:"skew_steps,omitempty"`
	Failures     int             `json:"failures,omitempty"`
	Recovery     bool            `json:"recovery,omitempty"`
	RecoveryLeft int             `json:"recovery_left,omitempty"`
	Repeated     bool            `json:"-"`
	RekeyedAt    time.Time       `json:"-"`
	Clock        time.Duration   `json:"-"`
}

func marshalAnswer(a verifier.Answer) ([]byte, error) {
	return json.Marshal(answerColumn{a.Request, a.At, verdictColumn(a.Verdict)})
}

func unmarshalAnswer(text []byte) (verifier.Answer, error) {
	var c answerColumn
	err := json.Unmarshal(text, &c)
	return verifier.Answer{Request: c.Request, At: c.At, Verdict: verifier.Verdict(c.Verdict)}, err
}
