package verifier

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// An Event is a verdict, or a change of an account, that has been committed; or a request
// that was refused before any account was asked. Nothing in it is secret.
type Event struct {
	Time time.Time
	Kind EventKind
	// Account is the stored name; "" is the default account, or none with a Refusal.
	Account string
	To      string // of KindRename: the new name
	Origin  Origin

	// Refusal says why no account bears the event. It is "" otherwise. What the caller
	// gave for a name is not told: people type passwords into fields for names.
	Refusal Refusal

	// The rest is of verdicts.
	Verdict  Verdict
	Recovery bool // a recovery code was offered
	// Failures is the wrong codes in a row: those before a good code, otherwise those up
	// to now, of the key that the code was offered for.
	Failures int
	Recent   int  // wrong codes of the account within RecentTime; with Recovery, wrong recovery codes
	Stopped  bool // the verdict has stopped the key
	// Free says that the attempt has cost its caller nothing: it was not charged. Whoever
	// keeps events must bound the room that free ones take.
	Free bool
}

// An EventKind says what has happened. Its values are those of the audit log, and stable.
type EventKind string

// The kinds of events.
const (
	KindCheck         EventKind = "check"           // a verdict on a code or a recovery code
	KindConfirm       EventKind = "confirm"         // a verdict on the first code of a pending key
	KindRecover       EventKind = "recover"         // a verdict on a recovery code for a new enrolment
	KindRefuse        EventKind = "refuse"          // a request without the right bearer or link
	KindAdd           EventKind = "account.add"     // with a pending key
	KindImport        EventKind = "account.import"  // with a key that is active at once
	KindReplace       EventKind = "account.replace" // an import has replaced key and recovery codes
	KindRekey         EventKind = "account.rekey"
	KindRevoke        EventKind = "account.revoke" // rekey, and the live key deleted at once
	KindRename        EventKind = "account.rename"
	KindRecoveryCodes EventKind = "account.recovery_codes"
	KindRecoveryLink  EventKind = "account.recovery_link" // a link for new recovery codes
	KindUnlock        EventKind = "account.unlock"
	KindDisable       EventKind = "account.disable"
	KindRemove        EventKind = "account.remove"
	KindOpen          EventKind = "link.open"        // a browser has opened an enrolment link
	KindFence         EventKind = "fence"            // of all accounts
	KindAcknowledge   EventKind = "link.acknowledge" // its owner has kept the recovery codes
	KindSignIn        EventKind = "admin.sign_in"    // somebody has signed in to the administrator's page
	KindSignOut       EventKind = "admin.sign_out"
)

// A Refusal says why a request was refused before any account was asked. Its values are
// those of the audit log, and stable.
type Refusal string

// The refusals.
const (
	RefusedName      Refusal = "bad_account"  // no account can have this name
	RefusedNoAccount Refusal = "no_account"   // no account has this name
	RefusedBearer    Refusal = "unauthorized" // no bearer, or not the right one
	RefusedScope     Refusal = "forbidden"    // the bearer may not do this
	RefusedDamaged   Refusal = "damaged"      // something else has changed the account in the database
	RefusedLink      Refusal = "bad_link"     // an enrolment link that is not good
	RefusedSignIn    Refusal = "bad_sign_in"  // to the administrator's page
)

// IsVerdict reports whether the event has a verdict.
func (e Event) IsVerdict() bool {
	return e.Refusal == "" && (e.Kind == KindCheck || e.Kind == KindConfirm || e.Kind == KindRecover)
}

// IsChange reports whether the event is more than a verdict: an administrator or a link
// has changed the account.
func (e Event) IsChange() bool {
	switch e.Kind {
	case KindCheck, KindRefuse, KindSignIn, KindSignOut:
		return false
	case KindConfirm, KindRecover:
		return e.Verdict.Valid
	}
	return true
}

// A Witness is told of every Event after its commit and before its caller learns of it. It
// must be safe for concurrent use.
type Witness interface {
	// Ready returns an error if Tell would fail as far as is known. The Verifier asks it
	// first, so that no code is used up for nothing.
	Ready() error

	// Tell returns when the events are recorded. After an error the Verifier returns
	// ErrWitness instead of the verdict or the result.
	Tell(ctx context.Context, events ...Event) error
}

// Witnesses are told one after the other, until one fails.
type Witnesses []Witness

// Ready implements Witness.
func (all Witnesses) Ready() error {
	for _, w := range all {
		if err := w.Ready(); err != nil {
			return err
		}
	}
	return nil
}

// Tell implements Witness.
func (all Witnesses) Tell(ctx context.Context, events ...Event) error {
	for _, w := range all {
		if err := w.Tell(ctx, events...); err != nil {
			return err
		}
	}
	return nil
}

// ErrWitness says that an event could not be recorded. What has been committed stays:
// a code is used up, but nobody is told that it was good.
var ErrWitness = errors.New("the event cannot be recorded")

// An Origin is who causes an event, as an audit log names it. Nothing in it is secret.
type Origin struct {
	By        string // such as "bearer:1a2b3c4d", "link", "page", "cli:root"; "" is a stranger
	Client    string // address of the client, "" on the command line
	RequestID string
}

// Network returns what tells a client from others: an IPv4 address, or the 64 bits of an IPv6
// address that a network is given as a whole. It returns another Client as it is.
func (o Origin) Network() string {
	if a, err := netip.ParseAddr(o.Client); err == nil && a.Unmap().Is6() {
		if network, err := a.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return o.Client
}

type originKey struct{}

// originOf returns the Origin of a context, the zero Origin without one.
func originOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(originKey{}).(*Origin); ok {
		return *o
	}
	return Origin{}
}

// WithOrigin returns a context whose events have the Origin, as it is when they are told:
// a server learns who asks after it has made the context.
func WithOrigin(ctx context.Context, o *Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// ByBearer returns what Origin.By says of a bearer: "bearer:" and 8 hexadecimal digits of
// the Store's fingerprint, which must be keyed: whoever reads them cannot test guesses of
// the bearer.
func ByBearer(fingerprint func(text string) string, bearer string) string {
	return "bearer:" + fingerprint("bearer " + bearer)[:8]
}

// ByBearer is ByBearer with the fingerprint of the Verifier's Store. It returns "bearer" if
// that has no key, because a fingerprint without one would let its reader test guesses.
func (v *Verifier) ByBearer(bearer string) string {
	if !v.keyed {
		return "bearer"
	}
	return ByBearer(v.fingerprint, bearer)
}

// Refuse has the Witness record a request that was refused. It returns ErrWitness.
func (v *Verifier) Refuse(ctx context.Context, why Refusal) error {
	ctx, err := v.begin(ctx)
	if err != nil {
		return err
	}
	return v.tell(ctx, Event{Kind: KindRefuse, Refusal: why, Free: true})
}

// SignIn calls begin, which begins a session, if that can be recorded, and then has it recorded.
// After ErrWitness nobody must be given the session.
func (v *Verifier) SignIn(ctx context.Context, begin func(context.Context) error) error {
	return v.changing(ctx, Event{Kind: KindSignIn}, begin)
}

// SignOut calls end, which ends a session, and then has that recorded. It ends the session even
// if that cannot be recorded, because a session that nobody can end is worse.
func (v *Verifier) SignOut(ctx context.Context, end func(context.Context) error) error {
	ctx = context.WithoutCancel(ctx)
	if err := end(ctx); err != nil {
		return err
	}
	return v.tell(ctx, Event{Kind: KindSignOut})
}

// IsOfAccount reports whether the event is of one account; the default account has no name.
func (e Event) IsOfAccount() bool {
	switch e.Kind {
	case KindFence, KindRefuse, KindSignIn, KindSignOut:
		return false
	}
	return e.Refusal == ""
}

// begin returns the context of what will be told to the Witness, or ErrWitness if an event
// could not be recorded now. That context does not end when the caller leaves: a guess
// whose caller hangs up is charged, and has to be told. Of a caller who has left already,
// nothing is begun.
func (v *Verifier) begin(ctx context.Context) (context.Context, error) {
	if v.config.Witness == nil || ctx.Err() != nil {
		return ctx, ctx.Err()
	}
	return context.WithoutCancel(ctx), witnessError(v.config.Witness.Ready())
}

// tell has the Witness record events.
func (v *Verifier) tell(ctx context.Context, events ...Event) error {
	if v.config.Witness == nil || len(events) == 0 {
		return nil
	}
	now, origin := v.config.Clock(), originOf(ctx)
	for i := range events {
		events[i].Time, events[i].Origin = now, origin
	}
	return witnessError(v.config.Witness.Tell(ctx, events...))
}

func witnessError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrWitness, err)
}

// changing calls change if its event can be recorded, and then has that recorded.
func (v *Verifier) changing(ctx context.Context, e Event, change func(context.Context) error) error {
	ctx, err := v.begin(ctx)
	if err != nil {
		return err
	}
	if err := change(ctx); err != nil {
		return err
	}
	return v.tell(ctx, e)
}
