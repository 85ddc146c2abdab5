package verifier

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// retryWindow is how long a repeated request gets its first answer.
const retryWindow = 5 * time.Minute

// A RequestID is the same for a request and its repetition, and for no other request.
type RequestID [sha256.Size]byte

// NewRequestID returns a hash of what makes a request: who asks, for which account, with
// which code, under which Idempotency-Key.
func NewRequestID(parts ...string) RequestID {
	h := sha256.New()
	for _, p := range parts {
		binary.Write(h, binary.BigEndian, uint64(len(p)))
		h.Write([]byte(p))
	}
	return RequestID(h.Sum(nil))
}

// KeyedRequest returns what is stored of a request's id. It is a fingerprint, so that a
// reader of the database cannot test guesses of a code or of a short bearer.
func KeyedRequest(fingerprint func(text string) string, id RequestID) RequestID {
	if id == (RequestID{}) {
		return id
	}
	var keyed RequestID
	copy(keyed[:], fingerprint("request "+hex.EncodeToString(id[:])))
	return keyed
}

// MarshalText writes the ID in hex.
func (id RequestID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads what MarshalText writes.
func (id *RequestID) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(id) {
		return errors.New("request id has another length")
	}
	_, err := hex.Decode(id[:], text)
	return err
}

// An Answer is a verdict kept for the request that may repeat.
type Answer struct {
	Request RequestID // zero where the request could not repeat
	At      time.Time
	Verdict Verdict
}

// answer returns the verdict as it is kept; the zero Answer for a request that
// can't repeat.
func answer(r RequestID, now time.Time, v Verdict) Answer {
	if r == (RequestID{}) {
		return Answer{}
	}
	return Answer{Request: r, At: millisecond(now), Verdict: v}
}

// repeats reports whether the answer is that of an earlier attempt of the request.
func (a Answer) repeats(request RequestID, now time.Time) bool {
	return request != (RequestID{}) && a.Request == request && now.Sub(a.At) < retryWindow
}

// again returns the verdict as a repetition of its request gets it.
func (v Verdict) again() Verdict {
	v.Repeated = true
	return v
}
