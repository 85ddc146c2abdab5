package verifier

import (
	"context"
	"errors"
	"time"

	"totpctl/totp"
)

// ParseAccount checks the name of a stored account: totp.ParseName, and neither
// "." nor "..", which mean something else in a URL.
func ParseAccount(name string) (string, error) {
	if name == "." || name == ".." {
		return "", errors.New("is a path")
	}
	return totp.ParseName(name)
}

// An Enrolment is what the owner of a pending key needs: it reveals the secret.
type Enrolment struct {
	Key   totp.Key
	Until time.Time
	Token string // of the enrolment link

	Browser string // with Open: the value of the cookie that the link is bound to
}

// Add makes an account with a fresh key, pending until a code of it verifies. An
// account whose time for that has passed is replaced, unless it is disabled; any
// other is ErrExists.
func (v *Verifier) Add(ctx context.Context, name string) (Enrolment, error) {
	if _, err := ParseAccount(name); err != nil {
		return Enrolment{}, err
	}
	e, pending, err := v.newPending(name)
	if err != nil {
		return Enrolment{}, err
	}
	err = v.config.Store.Add(ctx, Account{ID: name, Created: millisecond(v.config.Clock()), Pending: pending})
	if errors.Is(err, ErrExists) {
		err = v.config.Store.Edit(ctx, name, func(a Account) (Account, error) {
			if !a.Key.IsZero() || a.Pending.Until.After(v.config.Clock()) || a.State.Disabled {
				return a, ErrExists
			}
			a.State, a.Pending = State{}, pending
			return a, nil
		})
	}
	return e, err
}

// Rekey gives an account a pending second key, in place of one that was pending
// already; the live one goes on working until a code of the new verifies.
func (v *Verifier) Rekey(ctx context.Context, name string) (Enrolment, error) {
	e, pending, err := v.newPending(name)
	if err != nil {
		return Enrolment{}, err
	}
	return e, v.edit(ctx, name, func(a Account) (Account, error) {
		a.Pending = pending
		return a, nil
	})
}

func (v *Verifier) newPending(name string) (Enrolment, Pending, error) {
	p := v.config.New
	p.Account = name
	key, err := totp.GenerateKey(p)
	if err != nil {
		return Enrolment{}, Pending{}, err
	}
	until := millisecond(v.config.Clock().Add(v.config.PendingTime))
	token := newToken()
	return Enrolment{Key: key, Until: until, Token: token}, Pending{Key: key, Until: until, Token: tokenHash(token)}, nil
}

// Confirm offers a code of the pending key. A good one is used up: it makes that
// key the live one, voids the old recovery codes and returns fresh ones, all at
// once. ErrNotPending says that there is no key to confirm.
func (v *Verifier) Confirm(ctx context.Context, name, code string) (Verdict, []string, error) {
	return v.confirm(ctx, name, code, func(Pending) error { return nil })
}

func (v *Verifier) confirm(ctx context.Context, name, code string, allowed func(Pending) error) (Verdict, []string, error) {
	var verdict Verdict // not a result: after a cancelled edit it may still be written
	fresh, stored := newRecovery(name)
	err := v.edit(ctx, name, func(a Account) (Account, error) {
		if err := allowed(a.Pending); err != nil {
			return a, err
		}
		var err error
		verdict, err = a.confirm(code, v.config.Skew, v.config.Clock(), stored)
		return a, err
	})
	switch {
	case err != nil:
		return Verdict{}, nil, err
	case !verdict.Valid:
		return verdict, nil, nil
	}
	return verdict, fresh, nil
}

func (a *Account) confirm(code string, skew int, now time.Time, recovery string) (Verdict, error) {
	p := &a.Pending
	switch {
	case p.Key.IsZero() || !p.Until.After(now):
		return Verdict{}, ErrNotPending
	case a.State.Disabled:
		return Verdict{Reason: Disabled}, nil
	case !p.Key.IsCode(code):
		return Verdict{Reason: Malformed}, nil
	case p.WaitUntil.After(now):
		return throttled(p.WaitUntil.Sub(now)), nil
	}
	step, ok := p.Key.Match(code, now, skew)
	if !ok {
		p.Failures++
		p.WaitUntil = waitUntil(p.Failures, now)
		return Verdict{Reason: Invalid}, nil
	}
	present, _ := p.Key.Step(now)
	verdict := Verdict{Valid: true, SkewSteps: int(step - present), Failures: p.Failures}
	a.Key, a.Recovery, a.State, a.Pending = p.Key, recovery, State{LastStep: step}, Pending{}
	return verdict, nil
}

// RecoveryCodes voids the recovery codes of a confirmed account and returns
// fresh ones.
func (v *Verifier) RecoveryCodes(ctx context.Context, name string) ([]string, error) {
	codes, stored := newRecovery(name)
	return codes, v.edit(ctx, name, func(a Account) (Account, error) {
		if a.Key.IsZero() {
			return a, ErrPending
		}
		a.Recovery, a.State.RecoveryUsed = stored, 0
		return a, nil
	})
}

// Unlock forgets the failures of an account and enables it. What was used stays
// used. The empty name is the default account.
func (v *Verifier) Unlock(ctx context.Context, name string) error {
	return v.edit(ctx, name, func(a Account) (Account, error) {
		a.State.Failures, a.State.WaitUntil, a.State.Disabled = 0, time.Time{}, false
		a.Pending.Failures, a.Pending.WaitUntil = 0, time.Time{}
		return a, nil
	})
}

// Disable stops an account: no code of it is good until Unlock, not even one
// whose request is repeated. The empty name is the default account.
func (v *Verifier) Disable(ctx context.Context, name string) error {
	return v.edit(ctx, name, func(a Account) (Account, error) {
		a.State.Disabled, a.State.Last = true, Answer{}
		return a, nil
	})
}

// Remove deletes a stored account, with all that is remembered of it.
func (v *Verifier) Remove(ctx context.Context, name string) error {
	if _, err := ParseAccount(name); err != nil {
		return ErrNoAccount
	}
	defer v.waits.forget(name)
	return v.config.Store.Remove(ctx, name)
}

// Keys returns a stored account's live key and the one that waits for its first
// code; the one that there is not is the zero Key. With neither it returns
// ErrNotPending.
func (v *Verifier) Keys(ctx context.Context, name string) (live, pending totp.Key, err error) {
	id, err := v.id(name)
	if err != nil {
		return live, pending, err
	}
	err = v.decide(ctx, id, func(a Account) (State, bool) {
		live, pending = v.keyOf(a), totp.Key{}
		if a.Pending.Until.After(v.config.Clock()) {
			pending = a.Pending.Key
		}
		return a.State, false
	})
	if err == nil && live.IsZero() && pending.IsZero() {
		err = ErrNotPending
	}
	for _, k := range []*totp.Key{&live, &pending} {
		if err == nil && !k.IsZero() {
			*k, err = v.issued(*k)
		}
	}
	return live, pending, err
}

// issued gives a key of the store the issuer, which is not stored.
func (v *Verifier) issued(k totp.Key) (totp.Key, error) {
	return totp.ParseKey(totp.Parameters{
		Issuer: v.config.New.Issuer, Account: k.Account(), Secret: k.Secret(),
		Algorithm: k.Algorithm(), Digits: k.Digits(), Period: k.Period(),
	})
}

// edit makes the default account's row, too, when it is named.
func (v *Verifier) edit(ctx context.Context, name string, edit func(Account) (Account, error)) error {
	id, err := v.id(name)
	if err != nil {
		return err
	}
	if id == v.defaultID {
		if _, err := v.Enrolled(ctx); err != nil {
			return err
		}
	}
	defer v.waits.forget(id)
	return v.config.Store.Edit(ctx, id, edit)
}
