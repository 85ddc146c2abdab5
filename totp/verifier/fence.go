package verifier

import (
	"context"
	"errors"
	"time"
)

// A Fence says up to which step no code is good, of all accounts at once.
type Fence struct {
	At   time.Time // in whole seconds from 1970 on
	Skew int       // steps after that of At, 0 to totp.MaxSkew

	// DefaultPeriod is the period of whatever default account there is, whose IDs begin with
	// DefaultPrefix: servers may have another secret than who makes the fence. The Store
	// knows the periods of stored accounts.
	DefaultPeriod time.Duration

	KeepRecovery bool // recovery codes stay as they are
}

// A Fenced is what a Fence has found.
type Fenced struct {
	Accounts int // how many there are
	// Ahead is how many accounts have used a code of a later step than the fence's: the
	// clock is slow, or was fast when the code was used.
	Ahead int
}

// Fence voids whatever may have been used in a time that the database has forgotten, as
// after the restore of a backup. No code up to the present step plus the skew is good from
// then on, of any account. Recovery codes are void until they are renewed, unless
// keepRecovery is set. Pending keys and their links end, and so do remembered answers, kept
// confirmations and the sessions of administrators. Failures, waits and whatever has stopped
// an account stay, and no last step is lowered.
func (v *Verifier) Fence(ctx context.Context, keepRecovery bool) (done Fenced, err error) {
	now := v.config.Clock()
	if err := afterEpoch(now); err != nil {
		return Fenced{}, err
	}
	f := Fence{At: now.Truncate(time.Second), Skew: v.config.Skew, KeepRecovery: keepRecovery, DefaultPeriod: v.config.New.Period}
	if v.defaultID != "" {
		f.DefaultPeriod = v.config.Key.Period()
	}
	err = v.changing(ctx, Event{Kind: KindFence}, func(ctx context.Context) (err error) {
		done, err = v.fence(ctx, f)
		return err
	})
	return done, err
}

// fence is Store.Fence, with a row of the default account's.
func (v *Verifier) fence(ctx context.Context, f Fence) (Fenced, error) {
	if v.defaultID != "" { // its row is fenced, too, and may be missing in a backup
		if err := v.add(ctx, Account{ID: v.defaultID, Created: millisecond(f.At)}); err != nil && !errors.Is(err, ErrExists) {
			return Fenced{}, err
		}
	}
	return ask(ctx, v.longStore, func(ctx context.Context, s Store) (Fenced, error) { return s.Fence(ctx, f) })
}
