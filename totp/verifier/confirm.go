package verifier

import (
	"context"
	"time"
)

// Confirm offers a code of the pending key. A good one is used up: it makes that
// key the live one, ends what had stopped the old one, voids the old recovery codes
// and returns fresh ones, all at once. The same request, repeated within 5 minutes,
// gets the same answer, codes included; the zero RequestID is never repeated.
// ErrNotPending says that there is no key to confirm. Confirm does not end with
// ctx, because what it has committed must be told.
func (v *Verifier) Confirm(ctx context.Context, name, code string, request RequestID) (Verdict, []string, error) {
	request = KeyedRequest(v.fingerprint, request)
	return v.confirm(ctx, name, code, confirmation{
		kept: Kept{Request: request},
		time: retryWindow,
		done: func(a Account, now time.Time) bool {
			return request != RequestID{} && a.Kept.Request == request && a.Kept.lasts(now)
		},
		may: func(Account, time.Time) bool { return true },
	})
}

// A confirmation is how a code for a pending key came.
type confirmation struct {
	kept Kept                          // whom the result is kept for
	time time.Duration                 // how long
	done func(Account, time.Time) bool // reports whether the result is there already
	may  func(Account, time.Time) bool // reports whether the caller may try; ErrLink if not
}

func (v *Verifier) confirm(ctx context.Context, name, code string, c confirmation) (Verdict, []string, error) {
	codes, stored := newRecovery(name)
	c.kept.Codes = codes
	var verdict Verdict // not results: after a cancelled edit they may still be written
	var told []string
	err := v.edit(context.WithoutCancel(ctx), name, func(a Account, now time.Time) (Account, error) {
		told = nil
		switch {
		case a.State.Disabled && c.may(a, now):
			verdict = Verdict{Reason: ReasonDisabled}
			return a, nil
		case c.done(a, now):
			verdict, told = a.Kept.Verdict.again(), a.Kept.Codes
			return a, nil
		case a.State.Last.repeats(c.kept.Request, now):
			verdict = a.State.Last.Verdict.again()
			return a, nil
		case !c.may(a, now):
			return a, ErrLink
		case !a.Pending.lasts(now):
			return a, ErrNotPending
		}
		var err error
		verdict, err = a.tryPending(code, v.config.Skew, now)
		if verdict.Valid {
			a.Recovery, told = stored, codes
		}
		a.remember(c, verdict, now)
		return a, err
	})
	if err != nil {
		return Verdict{}, nil, err
	}
	return verdict, told, nil
}

// pendingBound is the longest that a key can be pending from now on, as far as
// clocks differ that are right enough for codes.
const pendingBound = 24 * time.Hour

// lasts reports whether the confirmation may be told again. What lasts for longer
// than any should was kept by a clock that was ahead.
func (k Kept) lasts(now time.Time) bool {
	longest := KeepTime
	if k.Token == "" {
		longest = retryWindow
	}
	return k.Until.After(now) && !k.Until.After(now.Add(longest+clockDrift))
}

// lasts reports whether the key waits for its first code now. A key that waits for
// longer than any should was written by a clock that was ahead, or planted.
func (p Pending) lasts(now time.Time) bool {
	return !p.Key.IsZero() && p.Until.After(now) && (now.Unix() < 0 || !p.Until.After(now.Add(pendingBound)))
}

// tryPending makes the pending key the live one if the code is good, and charges
// the pending key if the code is wrong.
func (a *Account) tryPending(code string, skew int, now time.Time) (Verdict, error) {
	p := &a.Pending
	p.Throttle = p.Throttle.bounded(now)
	if err := afterEpoch(now); err != nil {
		return Verdict{}, err
	}
	switch {
	case !p.Key.IsCode(code):
		return Verdict{Reason: ReasonMalformed}, nil
	case p.Throttle.left(now) > 0:
		return throttled(p.Throttle.left(now)), nil
	}
	step, ok := p.Key.Match(code, now, skew)
	if !ok {
		p.Throttle = p.Throttle.fail(now)
		return Verdict{Reason: ReasonInvalid}, nil
	}
	verdict := good(p.Key, step, p.Throttle, now)
	a.Key, a.State, a.Pending = p.Key, State{LastStep: step}, Pending{}
	return verdict, nil
}

// remember keeps what a repeated request is to be told: with a good code the
// recovery codes, else an answer as any other of the account.
func (a *Account) remember(c confirmation, verdict Verdict, now time.Time) {
	switch {
	case verdict.Valid && (c.kept.Token != "" || c.kept.Request != RequestID{}):
		a.Kept = c.kept
		a.Kept.Verdict, a.Kept.Until = verdict, millisecond(now.Add(c.time))
	case verdict.Reason == ReasonInvalid && c.kept.Request != RequestID{}:
		a.State.Last = answer(c.kept.Request, now, verdict)
	}
}
