package verifier

import (
	"context"
	"time"
)

// An Info is what may be told of a stored account: nothing secret.
type Info struct {
	Name         string
	Created      time.Time
	Status       Status
	Failures     int       // wrong codes in a row
	WaitUntil    time.Time // zero unless Waiting
	RecoveryLeft int
	PendingUntil time.Time // zero if no key is pending
}

// A Status says whether an account's codes are looked at.
type Status string

// The statuses.
const (
	StatusActive   Status = "active"
	StatusWaiting  Status = "waiting" // for the throttle
	StatusPending  Status = "pending" // for the first code
	StatusExpired  Status = "expired" // no code came in time
	StatusDisabled Status = "disabled"
	StatusDamaged  Status = "damaged" // something else has changed it in the database
)

// Show returns what may be told of one account; the empty name is the default
// one.
func (v *Verifier) Show(ctx context.Context, name string) (Info, error) {
	id, err := v.id(name)
	if err != nil {
		return Info{}, err
	}
	if id == v.defaultID { // makes its row
		if _, err := v.Enrolled(ctx); err != nil {
			return Info{}, err
		}
	}
	found, err := v.config.Store.List(ctx, id, 1)
	if err != nil {
		return Info{}, err
	}
	if len(found) == 0 || found[0].ID != id {
		return Info{}, ErrNoAccount
	}
	return v.info(found[0]), nil
}

// List returns a page of at most limit stored accounts, from the one named from
// on, and the name that the next page is from, "" after the last.
func (v *Verifier) List(ctx context.Context, from string, limit int) (page []Info, next string, err error) {
	found, err := v.config.Store.List(ctx, max(from, firstName), limit+1)
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

// firstName sorts before every name and after every reserved ID.
const firstName = " "

func (v *Verifier) info(s Summary) Info {
	now := v.config.Clock()
	info := Info{
		Name: s.ID, Created: s.Created, Failures: s.State.Failures, PendingUntil: s.PendingUntil,
		RecoveryLeft: recoveryLeft(s.Recovery, s.State.RecoveryUsed),
	}
	if s.ID == v.defaultID {
		info.Name, s.Confirmed = "", true
	}
	switch {
	case s.Damaged:
		info.Status = StatusDamaged
	case s.State.Disabled:
		info.Status = StatusDisabled
	case !s.Confirmed && s.PendingUntil.After(now):
		info.Status = StatusPending
	case !s.Confirmed:
		info.Status = StatusExpired
	case s.State.WaitUntil.After(now):
		info.Status, info.WaitUntil = StatusWaiting, s.State.WaitUntil
	default:
		info.Status = StatusActive
	}
	return info
}
