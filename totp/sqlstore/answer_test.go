package sqlstore

import (
	"testing"
	"time"

	"totpctl/totp/verifier"
)

func TestTheColumnOfAnAnswerKeepsItsText(t *testing.T) {
	const head = `{"Request":"0100000000000000000000000000000000000000000000000000000000000000","At":"2026-03-01T12:00:05.123Z","Verdict":`
	for text, v := range map[string]verifier.Verdict{
		`{"valid":true,"skew_steps":-1,"failures":2}}`:         {Valid: true, SkewSteps: -1, Failures: 2},
		`{"valid":true,"recovery":true,"recovery_left":9}}`:    {Valid: true, Recovery: true, RecoveryLeft: 9},
		`{"valid":false,"reason":"invalid"}}`:                  {Reason: verifier.ReasonInvalid},
		`{"valid":false,"reason":"throttled","failures":100}}`: {Reason: verifier.ReasonThrottled, Failures: 100},
	} {
		a := verifier.Answer{Request: verifier.RequestID{1}, At: time.Date(2026, 3, 1, 12, 0, 5, 123e6, time.UTC), Verdict: v}
		if got, err := marshalAnswer(a); string(got) != head+text || err != nil {
			t.Errorf("%+v is stored as %s, %v; want %s", v, got, err, head+text)
		}
		if got, err := unmarshalAnswer([]byte(head + text)); got != a || err != nil {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
	}
	now := verifier.Verdict{Reason: verifier.ReasonThrottled, RetryAfter: time.Minute, Repeated: true}
	if got, _ := marshalAnswer(verifier.Answer{Verdict: now}); string(got) != `{"Request":"0000000000000000000000000000000000000000000000000000000000000000","At":"0001-01-01T00:00:00Z","Verdict":{"valid":false,"reason":"throttled"}}` {
		t.Errorf("what holds for the moment is stored: %s", got)
	}
}
