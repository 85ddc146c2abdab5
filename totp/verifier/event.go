package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An Event is a verdict, or a change of an account, that has been committed.
type Event struct {
	Time    time.Time
	Kind    EventKind
	Account string // the stored name; "" is the default account
	Origin  Origin
	Verdict Verdict // of KindCheck and KindConfirm
	// Failures is how many wrong codes in a row the key has after a verdict; 0 after a
	// good one.
	Failures int
	// Unknown says that no account has the name, or that none can have it. Account is
	// then what a stranger may have typed.
	Unknown bool
}

// An EventKind says what has happened. Its values are those of the audit log, and stable.
type EventKind string

// The kinds of events.
const (
	KindCheck         EventKind = "check"   // a verdict on a code or a recovery code
	KindConfirm       EventKind = "confirm" // a verdict on the first code of a pending key
	KindAdd           EventKind = "account.add"
	KindRekey         EventKind = "account.rekey"
	KindRevoke        EventKind = "account.revoke" // rekey, and the live key deleted at once
	KindRecoveryCodes EventKind = "account.recovery_codes"
	KindUnlock        EventKind = "account.unlock"
	KindDisable       EventKind = "account.disable"
	KindRemove        EventKind = "account.remove"
	KindOpen          EventKind = "link.open"        // a browser has opened an enrolment link
	KindAcknowledge   EventKind = "link.acknowledge" // and its owner has kept the recovery codes
)

// IsVerdict reports whether events of this kind have a Verdict; all others are changes.
func (k EventKind) IsVerdict() bool { return k == KindCheck || k == KindConfirm }

// A Witness is told of every Event after its commit and before its caller learns of it. It
// must be safe for concurrent use.
type Witness interface {
	// Ready returns an error if Tell would fail as far as is known. The Verifier asks it
	// first, so that no code is used up for nothing.
	Ready() error

	// Tell returns when the event is recorded. After an error the Verifier returns
	// ErrWitness instead of the verdict or the result.
	Tell(ctx context.Context, e Event) error
}

// ErrWitness says that an event could not be recorded. What has been committed stays:
// a code is used up, but nobody is told that it was good.
var ErrWitness = errors.New("the event cannot be recorded")

// An Origin is who causes an event, as an audit log names it. Nothing in it is secret.
type Origin struct {
	By        string // such as "bearer:1a2b3c4d", "link", "cli:root"
	Client    string // address of the client
	RequestID string
}

type originKey struct{}

// WithOrigin returns a context whose events have the Origin.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// witnessReady returns ErrWitness if an event could not be recorded now.
func (v *Verifier) witnessReady() error {
	if v.config.Witness == nil {
		return nil
	}
	return witnessError(v.config.Witness.Ready())
}

// tell has the Witness record an event.
func (v *Verifier) tell(ctx context.Context, e Event) error {
	if v.config.Witness == nil {
		return nil
	}
	e.Time = v.config.Clock()
	e.Origin, _ = ctx.Value(originKey{}).(Origin)
	return witnessError(v.config.Witness.Tell(ctx, e))
}

func witnessError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrWitness, err)
}

// changing calls change if its event can be recorded, and then has that recorded.
func (v *Verifier) changing(ctx context.Context, kind EventKind, account string, change func() error) error {
	if err := v.witnessReady(); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return v.tell(ctx, Event{Kind: kind, Account: account})
}
