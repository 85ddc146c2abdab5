package verifier

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// retryWindow is how long after its first attempt a repeated request gets the same answer.
const retryWindow = 5 * time.Minute

// A RequestID is the same for a request and its repetition, and for no other request.
type RequestID [sha256.Size]byte

// NewRequestID returns a hash of what makes a request: who asks, for which account, with
// which code, under which Idempotency-Key. Each part is hashed with its length, so that
// "ab", "c" and "a", "bc" are two requests.
func NewRequestID(parts ...string) RequestID {
	h := sha256.New()
	for _, p := range parts {
		binary.Write(h, binary.BigEndian, uint64(len(p)))
		h.Write([]byte(p))
	}
	return RequestID(h.Sum(nil))
}

// KeyedRequest returns what is stored of a request's ID: the 32 hexadecimal digits of the
// Store's fingerprint. A reader of the database cannot test guesses of a code or of a short
// bearer against them. The zero ID, which never repeats, stays zero.
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

// An Answer is a verdict that is remembered for a repetition of its request. The zero
// Answer is none.
type Answer struct {
	Request RequestID
	At      time.Time // of the verdict
	Verdict Verdict
}

// newAnswer returns the Answer that repeats a verdict of now. It is the zero Answer for the
// zero RequestID, which never repeats.
func newAnswer(r RequestID, now time.Time, v Verdict) Answer {
	if r == (RequestID{}) {
		return Answer{}
	}
	return Answer{Request: r, At: millisecond(now), Verdict: v}
}

// isFor reports whether the request repeats that of the answer, within retryWindow.
func (a Answer) isFor(request RequestID, now time.Time) bool {
	return request != (RequestID{}) && a.Request == request && now.Sub(a.At) < retryWindow
}

// again returns the verdict marked as Repeated.
func (v Verdict) again() Verdict {
	v.Repeated = true
	return v
}
