package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"totpctl/totp"
)

// ParseAccount checks the name of a stored account: totp.ParseName, and neither
// "." nor "..", which mean something else in a URL. It returns ErrName, with what
// is wrong with the name.
func ParseAccount(name string) (string, error) {
	if name == "." || name == ".." {
		return "", fmt.Errorf("%w: it is a path", ErrName)
	}
	if _, err := totp.ParseName(name); err != nil {
		return "", fmt.Errorf("%w: it %w", ErrName, err)
	}
	return name, nil
}

// An Enrolment is what the owner of a pending key needs. It reveals the secret.
type Enrolment struct {
	Entry   totp.Entry // the pending key, with the names that authenticators show
	Until   time.Time
	Account string // the stored name
	Token   string // of the enrolment link
	Cookie  string // from Open: the value of the cookie that the link is bound to
	// Kind is what the link gives. With LinkCodes there is no Entry, and Peek returns the codes.
	Kind LinkKind
}

// Add makes an account with a pending key. It replaces an account that was never confirmed
// and whose link no browser has opened, or whose time is over, unless that is disabled. It
// returns ErrExists for any other.
func (v *Verifier) Add(ctx context.Context, name string) (Enrolment, error) {
	if _, err := ParseNewAccount(name); err != nil {
		return Enrolment{}, err
	}
	pending, token, err := v.newPending()
	if err != nil {
		return Enrolment{}, err
	}
	added := Account{ID: name, Created: millisecond(v.config.Clock()), Pending: pending}
	e, err := v.enrolment(added, token, "")
	if err != nil {
		return Enrolment{}, err
	}
	err = v.changing(ctx, Event{Kind: KindAdd, Account: name}, func(ctx context.Context) error { return v.addPending(ctx, added) })
	if err != nil {
		return Enrolment{}, err
	}
	return e, nil
}

// addPending adds an account with a pending key, or replaces an account that
// nobody has begun with.
func (v *Verifier) addPending(ctx context.Context, added Account) error {
	err := v.add(ctx, added)
	if !errors.Is(err, ErrExists) {
		return err
	}
	return v.edit(ctx, added.ID, func(a Account, _ time.Time) (Account, error) {
		if unopened := a.Pending.Cookie == ""; unopened {
			a.Pending = Pending{}
		}
		if !a.abandoned() {
			return a, ErrExists
		}
		a.Issuer, a.State, a.Pending = "", State{}, added.Pending
		return a, nil
	})
}

// Rekey gives an account a new pending key, in place of a pending one. The live key works
// until a code of the new key is confirmed. With revoke, Rekey deletes the live key at
// once, because its phone may be in other hands. Verdicts are then ReasonStopped, the
// recovery codes stay good until the confirmation, and Unlock does not bring the key back.
func (v *Verifier) Rekey(ctx context.Context, name string, revoke bool) (Enrolment, error) {
	if _, err := ParseAccount(name); err != nil {
		return Enrolment{}, err
	}
	pending, token, err := v.newPending()
	if err != nil {
		return Enrolment{}, err
	}
	event := Event{Kind: KindRekey, Account: name}
	if revoke {
		event.Kind = KindRevoke
	}
	var e Enrolment
	err = v.changing(ctx, event, func(ctx context.Context) error {
		return v.edit(ctx, name, func(a Account, _ time.Time) (_ Account, err error) {
			if revoke {
				a.revoke()
			}
			a.Pending, a.Kept = pending, Kept{}
			e, err = v.enrolment(a, token, "")
			return a, err
		})
	})
	if err != nil {
		return Enrolment{}, err
	}
	return e, nil
}

// revoke deletes the live key. An account without one stays as it is, because the reason
// is then ReasonPending.
func (a *Account) revoke() {
	if a.Key.IsZero() {
		return
	}
	s := a.State.tallies()
	s.Revoked, s.Disabled, s.RecoveryUsed = true, a.State.Disabled, a.State.RecoveryUsed
	a.Key, a.State = totp.Key{}, s
}

// newPending returns a pending key with a fresh secret, and the token of its link.
func (v *Verifier) newPending() (p Pending, token string, err error) {
	key, err := totp.GenerateKey(v.config.New)
	token = newToken()
	return Pending{Key: key, Until: millisecond(v.config.Clock().Add(v.config.PendingTime)), Token: TokenHash(token)}, token, err
}

// enrolment returns what the owner of the account's pending key is shown.
func (v *Verifier) enrolment(a Account, token, cookie string) (Enrolment, error) {
	entry, err := v.entry(a, a.Pending.Key)
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{entry, a.Pending.Until, a.ID, token, cookie, LinkKey}, nil
}

// RecoveryCodes voids the recovery codes of a confirmed account and returns fresh ones. A
// remembered answer goes with the old ones. It returns ErrPending for an account that
// was never confirmed, and ErrSteam for a key of Steam, in whose place no code is good.
func (v *Verifier) RecoveryCodes(ctx context.Context, name string) ([]string, error) {
	codes, stored := newRecovery(name)
	err := v.editing(ctx, KindRecoveryCodes, name, func(a Account, _ time.Time) (Account, error) {
		if err := a.mayHaveCodes(); err != nil {
			return a, err
		}
		a.renew(stored)
		a.Kept = Kept{}
		return a, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// A CodesLink is what an administrator hands over, so that the owner of an account gets new
// recovery codes.
type CodesLink struct {
	Account string
	Token   string
	Until   time.Time // until then a browser may open it
}

// RecoveryLink makes a link that shows new recovery codes to the first browser that opens it,
// until they are acknowledged or KeepTime is over, and shows nothing else. The old recovery
// codes are void from the opening on. RecoveryLink returns ErrKeyPending while a new key of
// the account is pending, because its first code gives new recovery codes anyway, and the
// errors of RecoveryCodes.
func (v *Verifier) RecoveryLink(ctx context.Context, name string) (CodesLink, error) {
	l := CodesLink{Account: name, Token: newToken(), Until: millisecond(v.config.Clock().Add(v.config.PendingTime))}
	err := v.editing(ctx, KindRecoveryLink, name, func(a Account, _ time.Time) (Account, error) {
		if err := a.mayHaveCodes(); err != nil {
			return a, err
		}
		if !a.Pending.Key.IsZero() {
			return a, ErrKeyPending
		}
		a.Kept = Kept{Token: TokenHash(l.Token), Until: l.Until}
		return a, nil
	})
	if err != nil {
		return CodesLink{}, err
	}
	return l, nil
}

// mayHaveCodes returns ErrPending for an account that was never confirmed, and ErrSteam for a
// key of Steam.
func (a Account) mayHaveCodes() error {
	if a.Key.IsZero() && !a.State.Revoked {
		return ErrPending
	}
	if a.Key.Scheme().Steam {
		return ErrSteam
	}
	return nil
}

// renew voids the recovery codes for new ones. A remembered answer goes with the old ones.
func (a *Account) renew(stored string) {
	a.Recovery, a.State.RecoveryUsed, a.State.Last = stored, 0, Answer{}
}

// clockDrift is how far the clocks of one database's servers may differ. If they differ
// more, one of them was wrong.
const clockDrift = 5 * time.Minute

// Unlock resets the throttle of an account and enables it. What was used stays used, and a
// revoked key stays revoked. If a wrong clock has left the last accepted step more than
// clockDrift ahead, Unlock lowers it to the latest step whose code is good now. The
// empty name is the default account.
func (v *Verifier) Unlock(ctx context.Context, name string) error {
	return v.editing(ctx, KindUnlock, name, func(a Account, now time.Time) (Account, error) {
		a.State.Throttle, a.State.Disabled, a.Pending.Throttle = Throttle{}, false, Throttle{}
		if key := v.keyOf(a); !key.IsZero() {
			present, err := key.Step(now)
			if err != nil {
				return a, err
			}
			if a.State.LastStep > present+int64(clockDrift/key.Period()) {
				a.State.LastStep = present + int64(v.config.Skew)
			}
		}
		return a, nil
	})
}

// Disable ends the use of an account until Unlock. None of its codes is good, not even for
// a repeated request, and its link shows nothing. The empty name is the default account.
func (v *Verifier) Disable(ctx context.Context, name string) error {
	return v.editing(ctx, KindDisable, name, func(a Account, _ time.Time) (Account, error) {
		a.State.Disabled, a.State.Last, a.Kept = true, Answer{}, Kept{}
		return a, nil
	})
}

// Remove deletes a stored account and all that is remembered of it.
func (v *Verifier) Remove(ctx context.Context, name string) error {
	if _, err := ParseAccount(name); err != nil {
		return err
	}
	defer v.waits.forget(name)
	return v.changing(ctx, Event{Kind: KindRemove, Account: name}, func(ctx context.Context) error {
		return v.store(ctx, func(ctx context.Context, s Store) error { return s.Remove(ctx, name) })
	})
}

// Keys returns a stored account's live key and pending key, with the names that
// authenticators show. It returns the zero Entry for a key that does not exist, and
// ErrNotPending if neither does.
func (v *Verifier) Keys(ctx context.Context, name string) (live, pending totp.Entry, err error) {
	if _, err := ParseAccount(name); err != nil {
		return totp.Entry{}, totp.Entry{}, err
	}
	a, err := v.load(ctx, name)
	if err != nil {
		return totp.Entry{}, totp.Entry{}, err
	}
	a = a.current(v.config.Clock())
	if a.Key.IsZero() && a.Pending.Key.IsZero() {
		return totp.Entry{}, totp.Entry{}, ErrNotPending
	}
	live, errLive := v.entry(a, a.Key)
	pending, errPending := v.entry(a, a.Pending.Key)
	if err := errors.Join(errLive, errPending); err != nil {
		return totp.Entry{}, totp.Entry{}, err
	}
	return live, pending, nil
}

// expired reports whether current would drop something of the account.
func (a Account) expired(now time.Time) bool {
	return !a.Pending.Key.IsZero() && !a.Pending.lasts(now) || !a.Kept.Until.IsZero() && !a.Kept.lasts(now)
}

// current returns the account without what has expired.
func (a Account) current(now time.Time) Account {
	if !a.Pending.lasts(now) {
		a.Pending = Pending{}
	}
	if !a.Kept.lasts(now) && now.Unix() >= 0 {
		a.Kept = Kept{}
	}
	return a
}

// editing is edit, of which the Witness is told.
func (v *Verifier) editing(ctx context.Context, kind EventKind, name string, edit func(Account, time.Time) (Account, error)) error {
	return v.changing(ctx, Event{Kind: kind, Account: name}, func(ctx context.Context) error { return v.edit(ctx, name, edit) })
}

// edit is Store.Edit of an account without what has expired. It adds the default account
// if that is named and missing.
func (v *Verifier) edit(ctx context.Context, name string, edit func(Account, time.Time) (Account, error)) error {
	id, err := v.id(name)
	if err != nil {
		return err
	}
	defer v.waits.forget(id)
	err = v.ensure(ctx, id, func(ctx context.Context, s Store) error {
		return s.Edit(ctx, id, func(a Account) (Account, error) {
			now := v.config.Clock()
			return edit(a.current(now), now)
		})
	})
	if errors.Is(err, ErrNotPending) || errors.Is(err, ErrLink) {
		v.forgetExpired(ctx, id)
	}
	return err
}

// forgetExpired deletes what has expired of an account. It drops an error, because the
// next to touch the account tries again.
func (v *Verifier) forgetExpired(ctx context.Context, id string) {
	v.store(ctx, func(ctx context.Context, s Store) error {
		return s.Edit(ctx, id, func(a Account) (Account, error) { return a.current(v.config.Clock()), nil })
	})
}

// Sweep deletes what has expired of all accounts: pending keys, links, and recovery codes
// that were not acknowledged.
func (v *Verifier) Sweep(ctx context.Context) error {
	return v.store(ctx, func(ctx context.Context, s Store) error { return s.Sweep(ctx, v.config.Clock()) })
}
