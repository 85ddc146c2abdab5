package verifier

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrRecover is what Recover returns of everything that it refuses: an account that does not
// exist, is disabled, damaged or has no recovery codes, and a code that is wrong or used. It
// does not say which, by its text or by its time.
var ErrRecover = errors.New("account and recovery code do not belong together")

// ErrBusy says that Recover is asked too often at once. It does not depend on what accounts
// there are.
var ErrBusy = errors.New("too many recoveries at once")

// How many calls of Recover may be under way, in all and from one network, because strangers
// may call it. A refusal takes Config.RefusalTime, so these bound the refusals of a second as
// well. One name has no bound of its own: whoever used it up would keep the owner out.
const (
	maxRecoveries     = 16
	maxRecoveriesEach = 4
)

// DefaultRefusalTime is how long Recover takes to refuse.
const DefaultRefusalTime = time.Second

// RekeyedTime is for how long verdicts tell of a key that a recovery code has brought in.
const RekeyedTime = 7 * 24 * time.Hour

// Recover lets the owner of an account that lost its authenticator enrol another one: for one
// of the account's recovery codes it returns a new pending key with a link that is opened
// already, by the cookie of the Enrolment. It replaces whatever was pending. The live key works
// until the first code of the new one. The recovery code is used up by the statement that
// stores the pending key.
//
// Whoever has a recovery code has the account, so Recover belongs behind another factor (NIST
// SP 800-63B-4 section 4.2.2.2). From the first code on, good verdicts tell RekeyedAt for
// RekeyedTime. Recover returns ErrRecover, ErrBusy, ErrWitness or the store's error. The
// default account cannot be recovered, because its key is in Config. Recover does not end with
// ctx, because what it has committed must be told.
func (v *Verifier) Recover(ctx context.Context, account, code string) (Enrolment, error) {
	network := originOf(ctx).Network()
	if !v.recoveries.enter(network) {
		return Enrolment{}, ErrBusy
	}
	defer v.recoveries.leave(network)
	ctx, err := v.begin(context.WithoutCancel(ctx))
	if err != nil {
		return Enrolment{}, err
	}
	pace := time.NewTicker(v.config.RefusalTime)
	defer pace.Stop()
	e, event, err := v.tryRecover(ctx, account, code)
	if told := v.tell(ctx, event...); told != nil {
		err = told
	}
	if errors.Is(err, ErrRecover) {
		waitForNext(pace)
	}
	if err != nil {
		return Enrolment{}, err
	}
	return e, nil
}

// waitForNext waits for the ticker's next tick, so that what was done before takes a whole
// number of periods.
func waitForNext(t *time.Ticker) {
	select {
	case <-t.C:
	default:
	}
	<-t.C
}

// tryRecover returns the pending key, or ErrRecover with the event of why.
func (v *Verifier) tryRecover(ctx context.Context, id, code string) (Enrolment, []Event, error) {
	if _, err := ParseAccount(id); err != nil { // "" is the default account elsewhere
		return Enrolment{}, refusedRecovery(RefusedName), ErrRecover
	}
	pending, token, err := v.newPending()
	if err != nil {
		return Enrolment{}, nil, err
	}
	cookie := NewCookie()
	pending.Cookie, pending.Recovered = cookieHash(cookie), true
	var e Enrolment
	var event Event
	err = v.edit(ctx, id, func(a Account, now time.Time) (_ Account, err error) {
		if err = afterEpoch(now); err != nil {
			return a, err
		}
		a, event = a.offer(code, pending, now)
		if event.Verdict.Valid {
			e, err = v.enrolment(a, token, cookie)
		}
		return a, err
	})
	switch {
	case errors.Is(err, ErrNoAccount):
		return Enrolment{}, refusedRecovery(RefusedNoAccount), ErrRecover
	case errors.Is(err, context.DeadlineExceeded): // the store may not be asked again: that took Timeout
		return Enrolment{}, nil, err
	case err != nil:
		if events := v.refusedAnyway(ctx, id, code); events != nil {
			return Enrolment{}, events, ErrRecover
		}
		return Enrolment{}, nil, err
	case !event.Verdict.Valid:
		return Enrolment{}, []Event{event}, ErrRecover
	}
	return e, []Event{event}, nil
}

// offer returns the account after a recovery code was offered at Recover, and the event of
// that. A good code makes the key pending.
func (a Account) offer(code string, pending Pending, now time.Time) (Account, Event) {
	before := a
	var verdict Verdict
	a.State, verdict = a.State.bounded(now).recover(a.Recovery, Attempt{Account: a.ID, RecoveryCode: code}, now)
	if a.State.Disabled {
		a, verdict = before, Verdict{Reason: ReasonDisabled}
	}
	if verdict.Valid {
		pending.Until = millisecond(now.Add(OpenTime))
		a.Pending, a.Kept = pending, Kept{}
	}
	return a, Event{Kind: KindRecover, Account: a.ID, Verdict: verdict, Recovery: true, Free: !verdict.Valid,
		Failures: a.State.Throttle.Failures, Recent: a.State.RecentRecovery.at(now).Failures}
}

// refusedRecovery returns the event of a recovery that no account was asked for.
func refusedRecovery(why Refusal) []Event {
	return []Event{{Kind: KindRecover, Refusal: why, Free: true}}
}

// refusedAnyway returns the event of why a recovery that the store has failed would be refused,
// none if it would not be or if the store does not answer. A store that can be read and not
// written refuses accounts that do not exist; an error for others would tell which do.
func (v *Verifier) refusedAnyway(ctx context.Context, id, code string) []Event {
	page, err := ask(ctx, v.store, func(ctx context.Context, s Store) ([]Loaded, error) { return s.LoadPage(ctx, id, 1) })
	if err != nil || len(page) == 0 || page[0].Account.ID != id {
		return nil
	}
	switch a := page[0].Account; {
	case page[0].Err != nil:
		return refusedRecovery(RefusedDamaged)
	case a.State.Disabled:
		return []Event{{Kind: KindRecover, Account: id, Verdict: Verdict{Reason: ReasonDisabled}, Recovery: true, Free: true}}
	case !isRecoveryCode(id, a.Recovery, code):
		return []Event{{Kind: KindRecover, Account: id, Verdict: Verdict{Reason: ReasonInvalid}, Recovery: true, Free: true}}
	}
	return nil
}

// rekeyedAt returns when a recovery code brought in the account's key, if verdicts tell so.
func (a Account) rekeyedAt(now time.Time) time.Time {
	if age := now.Sub(a.Rekeyed); a.Rekeyed.IsZero() || age >= RekeyedTime || age < -clockDrift {
		return time.Time{}
	}
	return a.Rekeyed
}

// recoveries counts the calls of Recover under way. The zero recoveries has none.
type recoveries struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by network
}

// enter reports whether another call may begin. After true, leave must be called.
func (r *recoveries) enter(network string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= maxRecoveries || r.of[network] >= maxRecoveriesEach {
		return false
	}
	if r.of == nil {
		r.of = map[string]int{}
	}
	r.all++
	r.of[network]++
	return true
}

func (r *recoveries) leave(network string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.of[network]--; r.of[network] == 0 {
		delete(r.of, network)
	}
}
