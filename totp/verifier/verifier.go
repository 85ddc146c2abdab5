// Package verifier decides whether a code that is offered may be used, and keeps
// what it must remember to decide that: each code is good once (RFC 6238 section
// 5.2), wrong guesses are slowed down (RFC 4226 section 7.3, NIST SP 800-63B-4
// section 3.2.2), and a repeated request gets its first verdict.
//
// The rules are a pure function of an account's State, the attempt and the time.
// A Store applies it atomically; package sqlstore has one.
package verifier

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"totpctl/totp"
)

// ErrNoAccount says that there is no account of that name.
var ErrNoAccount = errors.New("no such account")

// Config is what a Verifier needs.
type Config struct {
	Store Store
	Clock func() time.Time
	Key   totp.Key // of the default account
	Skew  int      // steps accepted each side of the present one, 0 to totp.MaxSkew
}

// A Verifier answers for the accounts of one Store. It is safe for concurrent
// use.
type Verifier struct {
	config    Config
	defaultID string
	waits     waits
}

// New returns a Verifier. It does not touch the store, which may be unreachable
// for now.
func New(c Config) (*Verifier, error) {
	if c.Skew < 0 || c.Skew > totp.MaxSkew {
		return nil, fmt.Errorf("skew is %d: want 0 to %d", c.Skew, totp.MaxSkew)
	}
	return &Verifier{config: c, defaultID: defaultID(c.Key)}, nil
}

// defaultID begins with a character that no name may contain. It holds a
// fingerprint of everything that makes codes, so that a new secret or period
// starts from an unused state, while going back to an old one finds what was
// used of it.
func defaultID(k totp.Key) string {
	h := sha256.New()
	fmt.Fprintf(h, "totpctl default account\n%v %d %v %s", k.Algorithm(), k.Digits(), k.Period(), k.Secret().Base32())
	return "\x01default " + hex.EncodeToString(h.Sum(nil)[:16])
}

// An Attempt is one code offered for one account.
type Attempt struct {
	Account string // "" is the default account
	Code    string
	Request RequestID // zero: a repetition is a new attempt
}

// A RequestID tells whether two requests are the same one repeated.
type RequestID [sha256.Size]byte

// NewRequestID hashes what makes a request: who asks, for which account, with
// which code, under which Idempotency-Key. One part at least must be a secret of
// the caller's: the id is stored, and a code alone could be guessed from it.
func NewRequestID(parts ...string) RequestID {
	h := sha256.New()
	for _, p := range parts {
		binary.Write(h, binary.BigEndian, uint64(len(p)))
		h.Write([]byte(p))
	}
	return RequestID(h.Sum(nil))
}

// Check decides on an attempt. The verdict is durable when Check returns. An
// error means that there is no verdict: ErrNoAccount, or a store that does not
// answer, which must never be read as either yes or no.
func (v *Verifier) Check(ctx context.Context, a Attempt) (Verdict, error) {
	if a.Account != "" {
		return Verdict{}, ErrNoAccount
	}
	if !v.config.Key.IsCode(a.Code) {
		return Verdict{Reason: Malformed}, nil
	}
	if left := v.waits.left(v.defaultID, v.config.Clock()); left > 0 && a.Request == (RequestID{}) {
		return throttled(left), nil
	}
	rules := rules{v.config.Key, v.config.Skew}
	var after State
	var verdict Verdict
	err := v.update(ctx, func(s State) (State, bool) {
		after, verdict = rules.decide(s, a, v.config.Clock())
		return after, after != s
	})
	if err != nil {
		return Verdict{}, err
	}
	v.waits.remember(v.defaultID, after.WaitUntil, v.config.Clock())
	return verdict, nil
}

// Enrolled tells whether the default account has accepted a code of its present
// key.
func (v *Verifier) Enrolled(ctx context.Context) (bool, error) {
	var state State
	err := v.update(ctx, func(s State) (State, bool) {
		state = s
		return s, false
	})
	if err != nil {
		return false, err
	}
	return state.LastStep > 0, nil
}

// Ready returns an error while the store could not give a verdict.
func (v *Verifier) Ready(ctx context.Context) error {
	_, err := v.Enrolled(ctx)
	return err
}

func (v *Verifier) update(ctx context.Context, decide func(State) (State, bool)) error {
	err := v.config.Store.Update(ctx, v.defaultID, decide)
	if !errors.Is(err, ErrNoAccount) {
		return err
	}
	if err := v.config.Store.Create(ctx, v.defaultID); err != nil {
		return err
	}
	return v.config.Store.Update(ctx, v.defaultID, decide)
}
