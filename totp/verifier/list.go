package verifier

import (
	"context"
	"time"
)

// An Info is what may be told of an account. Nothing in it is secret.
type Info struct {
	Name     string
	Created  time.Time
	Status   Status
	Failures int   // wrong codes in a row
	Recent   Tally // the zero Tally if no code was wrong within RecentTime
	// RecentRecovery is Recent of wrong recovery codes, which it counts up to 999.
	RecentRecovery Tally
	WaitUntil      time.Time // zero unless the status is StatusWaiting
	Confirmed      bool      // has a live key
	LastCode       time.Time // when the step of the last accepted code began; zero before the first
	RecoveryLeft   int
	PendingUntil   time.Time // zero if no key is pending
	Opened         bool      // a browser has opened the pending key's link
	// PendingFailures are the wrong codes in a row that were offered for the pending key, and
	// PendingWaitUntil is the end of the wait that they have cost, zero without one.
	PendingFailures  int
	PendingWaitUntil time.Time
	RekeyedAt        time.Time // as Verdict tells it
	CodesUntil       time.Time // when a link for new recovery codes ends, zero without one
	CodesOpened      bool      // a browser has opened that link
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
	found, err := v.list(ctx, Range{From: id}, 1)
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

// A Query says which accounts List returns: those whose names are From or later, begin with
// Prefix, and match Only.
type Query struct {
	From, Prefix string
	Only         Filter
	Default      bool // begin with the default account, if there is one, and neither From nor Prefix
}

// mostLooked is how many accounts List looks at for a page at most, if few of them match.
const mostLooked = 1000

// lookPage is how many accounts List looks at at once, if not all of them match.
const lookPage = 100

// List returns a page of at most limit accounts, in the order of the bytes of their names,
// and where the next page begins, "" after the last page. Of a Filter without an index, and
// where many have waited, a page may have fewer accounts, and none, although another follows.
func (v *Verifier) List(ctx context.Context, q Query, limit int) (page []Info, next string, err error) {
	if page, err = v.listDefault(ctx, q); err != nil {
		return nil, "", err
	}
	size := limit
	if q.Only != "" {
		size = max(limit, lookPage)
	}
	next = max(q.From, q.Prefix, firstName)
	for looked := 0; ; {
		found, err := v.list(ctx, Range{From: next, Prefix: q.Prefix, Among: q.Only.among()}, size+1)
		if err != nil {
			return nil, "", err
		}
		for _, s := range found[:min(size, len(found))] {
			if len(page) == limit || looked == mostLooked {
				return page, s.ID, nil
			}
			looked++
			if info := v.info(s); q.Only.matches(info) {
				page = append(page, info)
			}
		}
		if len(found) <= size {
			return page, "", nil
		}
		next = found[size].ID
	}
}

// listDefault returns the default account if a query asks for it, else none.
func (v *Verifier) listDefault(ctx context.Context, q Query) ([]Info, error) {
	if !q.Default || q.From != "" || q.Prefix != "" || v.defaultID == "" {
		return nil, nil
	}
	info, err := v.Show(ctx, "")
	if err != nil || !q.Only.matches(info) {
		return nil, err
	}
	return []Info{info}, nil
}

func (v *Verifier) list(ctx context.Context, r Range, limit int) ([]Summary, error) {
	return ask(ctx, v.store, func(ctx context.Context, s Store) ([]Summary, error) { return s.List(ctx, r, limit) })
}

// firstName sorts before every name and after every reserved ID.
const firstName = " "

// info returns what may be told of an account now.
func (v *Verifier) info(s Summary) Info {
	now := v.config.Clock()
	s.State = s.State.bounded(now)
	info := Info{
		Name: s.ID, Created: s.Created, Failures: s.State.Throttle.Failures, PendingUntil: s.PendingUntil, Recent: s.State.Recent.at(now),
		RekeyedAt:  Account{Rekeyed: s.Rekeyed}.rekeyedAt(now),
		CodesUntil: s.CodesUntil, CodesOpened: s.CodesOpened,
		Opened: s.Opened, PendingFailures: s.PendingThrottle.Failures,
		RecentRecovery: s.State.RecentRecovery.at(now),
		RecoveryLeft:   recoveryLeft(s.Recovery, s.State.RecoveryUsed),
	}
	if s.ID == v.defaultID {
		info.Name, s.Confirmed, s.Period = "", true, v.config.Key.Period()
	}
	info.Status = s.status(now)
	if wait := s.PendingThrottle.bounded(now); wait.left(now) > 0 {
		info.PendingWaitUntil = wait.Until
	}
	if info.Status == StatusWaiting {
		info.WaitUntil = s.State.Throttle.Until
	}
	info.Confirmed = s.Confirmed && !s.Damaged
	if info.Confirmed {
		info.LastCode = lastCode(s.State.LastStep, s.Period)
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
	case !s.Confirmed && pendingLasts(s.PendingUntil, s.Opened, now):
		return StatusPending
	case !s.Confirmed:
		return StatusExpired
	case s.State.Throttle.Until.After(now):
		return StatusWaiting
	}
	return StatusActive
}

// lastCode returns when a step began; zero for none.
func lastCode(lastStep int64, period time.Duration) time.Time {
	seconds := int64(period / time.Second)
	if seconds == 0 || lastStep <= 0 {
		return time.Time{}
	}
	return time.Unix(min(lastStep, lastTime.Unix()/seconds)*seconds, 0).UTC()
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
