package verifier

import (
	"context"
	"time"
)

// An Info is what may be told of an account. Nothing in it is secret.
type Info struct {
	Name         string
	Created      time.Time
	Status       Status
	Failures     int       // wrong codes in a row
	Recent       Tally     // the zero Tally if no code was wrong within RecentTime
	WaitUntil    time.Time // zero unless the status is StatusWaiting
	RecoveryLeft int
	PendingUntil time.Time // zero if no key is pending
	// RefusedUntil is when codes are good again, if a code was accepted while the
	// clock was ahead: until then each is refused as used. It is zero otherwise.
	RefusedUntil time.Time
}

// A Status says whether codes of an account are evaluated.
type Status string

// The statuses.
const (
	StatusActive   Status = "active"
	StatusWaiting  Status = "waiting"  // after wrong codes
	StatusPending  Status = "pending"  // the key waits for its first code
	StatusExpired  Status = "expired"  // the first code has not come in time
	StatusStopped  Status = "stopped"  // the key: by 100 failures in a row, or revoked
	StatusDisabled Status = "disabled" // by a person
	StatusDamaged  Status = "damaged"  // something else has changed the account in the database
)

// Show returns what may be told of an account. The empty name is the default account.
func (v *Verifier) Show(ctx context.Context, name string) (Info, error) {
	id, err := v.id(name)
	if err != nil {
		return Info{}, err
	}
	found, err := v.list(ctx, id, 1)
	if err != nil {
		return Info{}, err
	}
	switch {
	case len(found) > 0 && found[0].ID == id:
		return v.info(found[0]), nil
	case id == v.defaultID: // which has no row before its first attempt
		return v.info(Summary{ID: id}), nil
	}
	return Info{}, ErrNoAccount
}

// List returns a page of at most limit stored accounts whose names are from or later, in
// the order of their bytes, and where the next page begins, "" after the last page.
func (v *Verifier) List(ctx context.Context, from string, limit int) (page []Info, next string, err error) {
	found, err := v.list(ctx, max(from, firstName), limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found, next = found[:limit], found[limit].ID
	}
	for _, s := range found {
		page = append(page, v.info(s))
	}
	return page, next, nil
}

func (v *Verifier) list(ctx context.Context, from string, limit int) ([]Summary, error) {
	return ask(ctx, v.store, func(ctx context.Context, s Store) ([]Summary, error) { return s.List(ctx, from, limit) })
}

// firstName sorts before every name and after every reserved ID.
const firstName = " "

func (v *Verifier) info(s Summary) Info {
	now := v.config.Clock()
	s.State = s.State.bounded(now)
	info := Info{
		Name: s.ID, Created: s.Created, Failures: s.State.Throttle.Failures, PendingUntil: s.PendingUntil, Recent: s.State.Recent.at(now),
		RecoveryLeft: recoveryLeft(s.Recovery, s.State.RecoveryUsed),
	}
	if s.ID == v.defaultID {
		info.Name, s.Confirmed, s.Period = "", true, v.config.Key.Period()
	}
	info.Status = s.status(now)
	if info.Status == StatusWaiting {
		info.WaitUntil = s.State.Throttle.Until
	}
	if s.Confirmed && !s.Damaged {
		info.RefusedUntil = refusedUntil(s.State.LastStep, s.Period, v.config.Skew, now)
	}
	return info
}

func (s Summary) status(now time.Time) Status {
	switch {
	case s.Damaged:
		return StatusDamaged
	case s.State.Disabled:
		return StatusDisabled
	case s.State.stopped():
		return StatusStopped
	case !s.Confirmed && s.PendingUntil.After(now) && !s.PendingUntil.After(now.Add(pendingBound)):
		return StatusPending
	case !s.Confirmed:
		return StatusExpired
	case s.State.Throttle.Until.After(now):
		return StatusWaiting
	}
	return StatusActive
}

// lastTime is the last time that JSON can say (RFC 3339).
var lastTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// refusedUntil returns from when on a code of the step after the last accepted one is
// good; zero if codes of now are good.
func refusedUntil(lastStep int64, period time.Duration, skew int, now time.Time) time.Time {
	seconds := int64(period / time.Second)
	if seconds == 0 || lastStep <= now.Unix()/seconds+int64(skew) {
		return time.Time{}
	}
	last := min(lastStep, lastTime.Unix()/seconds-1) // a number from the database may be any
	return time.Unix((last+1-int64(skew))*seconds, 0).UTC()
}
