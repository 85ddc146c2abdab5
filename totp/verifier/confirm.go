package verifier

import (
	"context"
	"time"
)

// Confirm offers the first code of the pending key. A good one makes that key the live
// key, ends whatever has stopped the old key, voids the old recovery codes and returns
// fresh ones, all at once; it is used up. The same request, repeated within 5 minutes,
// gets the same verdict and codes; the zero RequestID never repeats. Confirm returns
// ErrNotPending if no key is pending. It does not end with ctx, because what it has
// committed must be told.
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

// A confirmation is the way by which a code for a pending key came.
type confirmation struct {
	kept Kept                          // for whom a good result is kept
	time time.Duration                 // how long it is kept
	done func(Account, time.Time) bool // reports whether a good result is kept already
	may  func(Account, time.Time) bool // reports whether the caller may try; if not, ErrLink
	// showsSecret is as in Attempt.
	showsSecret bool
}

func (v *Verifier) confirm(ctx context.Context, name, code string, c confirmation) (Verdict, []string, error) {
	ctx, err := v.begin(context.WithoutCancel(ctx))
	if err != nil {
		return Verdict{}, nil, err
	}
	e, codes, err := v.tryConfirm(ctx, name, code, c)
	if err == nil {
		err = v.tell(ctx, e)
	}
	if err != nil {
		return Verdict{}, nil, err
	}
	return e.Verdict, codes, nil
}

// tryConfirm returns the event of the verdict, and the recovery codes after a good code.
func (v *Verifier) tryConfirm(ctx context.Context, name, code string, c confirmation) (Event, []string, error) {
	codes, stored := newRecovery(name)
	c.kept.Codes = codes
	var verdict Verdict // no results: after a cancelled edit these may still be written
	var told []string
	var before, after Throttle
	err := v.edit(ctx, name, func(a Account, now time.Time) (Account, error) {
		told, before = nil, a.Pending.Throttle
		after = before
		switch {
		case a.State.Disabled && c.may(a, now):
			verdict = Verdict{Reason: ReasonDisabled}
			return a, nil
		case c.done(a, now):
			verdict, told = a.Kept.Verdict.again(), a.Kept.Codes
			return a, nil
		case a.State.Last.isFor(c.kept.Request, now):
			verdict = a.State.Last.Verdict.again().waiting(a.Pending.Throttle.bounded(now).left(now))
			return a, nil
		case !c.may(a, now):
			return a, ErrLink
		case !a.Pending.lasts(now):
			return a, ErrNotPending
		}
		var err error
		tried := a.Pending.Key
		verdict, err = a.tryPending(code, v.config.Skew, now)
		after = a.Pending.Throttle
		if verdict.Valid {
			a.Recovery, told = stored, codes
		}
		a.remember(c, verdict, now)
		if c.showsSecret {
			verdict = verdict.explained(tried, code, v.config.Skew, now)
		}
		verdict = verdict.waiting(after.left(now))
		return a, err
	})
	if err != nil {
		return Event{}, nil, err
	}
	e := Event{Kind: KindConfirm, Account: name, Verdict: verdict, Failures: after.Failures}
	if verdict.Valid {
		e.Failures = verdict.Failures
	}
	e.Free = !verdict.Valid && after.Failures == before.Failures
	return e, told, nil
}

// lasts reports whether the confirmation may be told again. One that would last too long
// was kept while the clock was ahead.
func (k Kept) lasts(now time.Time) bool {
	longest := KeepTime
	switch {
	case k.Token == "":
		longest = retryWindow
	case k.Cookie == "": // no browser has opened the link for new recovery codes
		longest = MaxPendingTime
	}
	return k.Until.After(now) && !k.Until.After(now.Add(longest+clockDrift))
}

// lasts reports whether the key waits for its first code now.
func (p Pending) lasts(now time.Time) bool {
	return !p.Key.IsZero() && pendingLasts(p.Until, p.Cookie != "", now)
}

// pendingLasts reports whether a key that is pending until then is pending now. One that would
// be for too long was made while the clock was ahead, or planted.
func pendingLasts(until time.Time, opened bool, now time.Time) bool {
	longest := MaxPendingTime
	if opened {
		longest = OpenTime
	}
	return until.After(now) && (now.Unix() < 0 || !until.After(now.Add(longest+clockDrift)))
}

// tryPending makes the pending key the live key if the code is good, and charges the
// pending key if the code is wrong.
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
	if a.Rekeyed = (time.Time{}); p.Recovered {
		a.Rekeyed = millisecond(now)
	}
	a.Key, a.State, a.Pending = p.Key, a.State.tallies(), Pending{}
	a.State.LastStep = step
	return verdict, nil
}

// remember keeps what a repeated request is told: the confirmation after a good code, an
// answer after a wrong one.
func (a *Account) remember(c confirmation, verdict Verdict, now time.Time) {
	switch {
	case verdict.Valid && (c.kept.Token != "" || c.kept.Request != RequestID{}):
		a.Kept = c.kept
		a.Kept.Verdict, a.Kept.Until = verdict, millisecond(now.Add(c.time))
	case verdict.Reason == ReasonInvalid && c.kept.Request != RequestID{}:
		a.State.Last = newAnswer(c.kept.Request, now, verdict)
	}
}
