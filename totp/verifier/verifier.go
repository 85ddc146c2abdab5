package verifier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"totpctl/totp"
)

// The errors that callers tell apart. Any other error is the store's.
var (
	ErrName       = errors.New("no account can have this name")
	ErrNoAccount  = errors.New("no such account")
	ErrExists     = errors.New("account exists already")
	ErrNotPending = errors.New("no key of the account is pending, or its time is over")
	ErrPending    = errors.New("account is not confirmed")
	ErrKeyPending = errors.New("a new key of the account is pending: its first code gives new recovery codes")
	ErrSteam      = errors.New("the account's key is Steam's: no server verifies its codes")
	ErrNoKey      = errors.New("no encryption key is set: no secret can be stored")
)

// Config is what a Verifier needs.
type Config struct {
	Store  Store
	Clock  func() time.Time
	Key    totp.Key    // of the default account; the zero Key if there is none
	Skew   int         // steps accepted each side of the present one, 0 to totp.MaxSkew
	New    totp.Scheme // of the keys of new accounts
	Issuer string      // of accounts that have none of their own; may be empty

	// Timeout is how long each call of the store may take; 0 is DefaultTimeout.
	Timeout time.Duration
	// PendingTime is how long a new key may wait for a browser to open its link, or for its
	// first code without the link: MinPendingTime to MaxPendingTime, 0 is DefaultPendingTime.
	// The browser that opens the link has OpenTime from then on.
	PendingTime time.Duration
	// RefusalTime is how long Recover takes to refuse; 0 is DefaultRefusalTime.
	RefusalTime time.Duration

	Witness Witness // nil: no events are told
}

// DefaultTimeout is how long a call of the store may take.
const DefaultTimeout = 10 * time.Second

// longTimeouts is how many times as long a transaction of many accounts may take.
const longTimeouts = 60

// How long a new key may wait for its link to be opened. A link by chat or mail is read hours
// later; that it waits is safe, because it opens once, and its owner notices if it did.
const (
	DefaultPendingTime = 24 * time.Hour
	MinPendingTime     = 10 * time.Minute
	MaxPendingTime     = 30 * 24 * time.Hour
)

// OpenTime is how long the browser that has opened a link may see its key.
const OpenTime = 15 * time.Minute

// A Verifier applies the rules to the accounts of a Store. It is safe for concurrent use.
type Verifier struct {
	config      Config // without its Store
	store       deadline
	longStore   deadline                 // for a transaction of many accounts
	fingerprint func(text string) string // the Store's
	keyed       bool                     // fingerprint has a key
	defaultID   string
	waits       waitCache
	recoveries  recoveries
	ready       singleflight.Group
}

// New returns a Verifier. It does not ask the store, which may be unreachable for now.
func New(c Config) (*Verifier, error) {
	if c.Skew < 0 || c.Skew > totp.MaxSkew {
		return nil, fmt.Errorf("skew is %d: want 0 to %d", c.Skew, totp.MaxSkew)
	}
	if c.Key.Scheme().Steam || c.New.Steam {
		return nil, ErrSteam
	}
	c.Timeout, c.RefusalTime = cmp.Or(c.Timeout, DefaultTimeout), cmp.Or(c.RefusalTime, DefaultRefusalTime)
	if c.PendingTime = cmp.Or(c.PendingTime, DefaultPendingTime); c.PendingTime < MinPendingTime || c.PendingTime > MaxPendingTime {
		return nil, fmt.Errorf("pending time is %v: want %v to %v", c.PendingTime, MinPendingTime, MaxPendingTime)
	}
	v := &Verifier{
		config: c, store: newDeadline(c.Store, c.Timeout), longStore: newDeadline(c.Store, longTimeouts*c.Timeout),
		fingerprint: c.Store.Fingerprint, keyed: c.Store.Keyed(),
	}
	v.config.Store = nil
	if !c.Key.IsZero() {
		v.defaultID = DefaultPrefix + v.fingerprint(digest(c.Key))
	}
	return v, nil
}

// DefaultPrefix begins the ID of the default account, with a character that no name may
// contain. The store's fingerprint of the key follows. A new secret or period therefore
// starts from an unused state, and a return to the old one finds what was used of it.
const DefaultPrefix = "\x01default "

// digest returns what the store makes a fingerprint of.
func digest(k totp.Key) string {
	h := sha256.New()
	fmt.Fprintf(h, "totpctl default account\n%v %d %v %s", k.Algorithm(), k.Digits(), k.Period(), k.Secret().Base32())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// An Attempt is a code that is offered for an account.
type Attempt struct {
	Account      string // "" is the default account
	Code         string
	RecoveryCode string    // in place of Code
	Request      RequestID // zero if a repetition is a new attempt
	// ShowsSecret says that the page which asks shows its visitor the secret of the account:
	// the Verdict then may tell Clock. No other caller may set it.
	ShowsSecret bool
}

// Check returns the verdict on an attempt, which is durable then. An error means that there
// is no verdict, and must never be read as yes or as no. It is ErrName, ErrNoAccount,
// totp.ErrBeforeEpoch, ErrWitness, or the store's.
func (v *Verifier) Check(ctx context.Context, a Attempt) (Verdict, error) {
	ctx, err := v.begin(ctx)
	if err != nil {
		return Verdict{}, err
	}
	e, err := v.check(ctx, a)
	switch {
	case errors.Is(err, ErrName):
		e = Event{Refusal: RefusedName, Free: true}
	case errors.Is(err, ErrNoAccount):
		e = Event{Refusal: RefusedNoAccount, Free: true}
	case err != nil:
		return Verdict{}, err
	}
	e.Kind, e.Recovery = KindCheck, a.RecoveryCode != ""
	if told := v.tell(ctx, e); told != nil {
		err = told
	}
	if err != nil {
		return Verdict{}, err
	}
	return e.Verdict, nil
}

// check returns the event of a verdict.
func (v *Verifier) check(ctx context.Context, a Attempt) (Event, error) {
	id, err := v.id(a.Account)
	if err != nil {
		return Event{}, err
	}
	a.Request = KeyedRequest(v.fingerprint, a.Request)
	// A wait keeps out neither a recovery code nor a repeated request.
	if wait, left := v.waits.find(id, v.config.Clock()); left > 0 && a.RecoveryCode == "" && a.Request == (RequestID{}) {
		return Event{Account: a.Account, Verdict: throttled(left), Failures: wait.failures, Recent: wait.recent, Free: true}, nil
	}
	before, after, verdict, err := v.decide(ctx, id, a)
	if err != nil {
		return Event{}, err
	}
	now := v.config.Clock()
	if after.expired(now) {
		v.forgetExpired(ctx, id)
	}
	if !after.State.Disabled && !after.State.stopped() {
		v.waits.remember(id, after.State, now)
	}
	return checked(a, before, after.State, verdict, now), nil
}

// checked returns the event of a verdict that has made one state of another.
func checked(a Attempt, before, after State, verdict Verdict, now time.Time) Event {
	e := Event{Account: a.Account, Verdict: verdict, Failures: after.Throttle.Failures, Recent: after.Recent.at(now).Failures}
	if a.RecoveryCode != "" {
		e.Recent = after.RecentRecovery.at(now).Failures
	}
	if verdict.Valid && !verdict.Recovery {
		e.Failures = verdict.Failures
	}
	charged := after.Throttle.Failures > before.Throttle.Failures
	e.Free, e.Stopped = !verdict.Valid && !charged, charged && after.stopped()
	return e
}

// decide has the store apply the rules to an attempt. It returns the account as it is
// afterwards, and its state before.
func (v *Verifier) decide(ctx context.Context, id string, t Attempt) (State, Account, Verdict, error) {
	var before State // no results: after a cancelled Decide these may still be written
	var after Account
	var verdict Verdict
	var clockErr error
	err := v.ensure(ctx, id, func(ctx context.Context, s Store) error {
		return s.Decide(ctx, id, func(a Account) (State, bool) {
			now := v.config.Clock()
			if clockErr = afterEpoch(now); clockErr != nil {
				return a.State, false
			}
			before, after, after.Key = a.State, a, v.keyOf(a)
			after.State, verdict = after.decide(t, v.config.Skew, now)
			if verdict.Valid {
				verdict.RekeyedAt = after.rekeyedAt(now)
			}
			// A good verdict that is repeated is written again: the first attempt may
			// have failed after a commit that has not reached the standby.
			return after.State, after.State != a.State || verdict.Valid
		})
	})
	if err == nil {
		err = clockErr
	}
	if err != nil {
		return State{}, Account{}, Verdict{}, err
	}
	return before, after, verdict, nil
}

// afterEpoch returns totp.ErrBeforeEpoch for a clock before 1970. Such a clock gives no
// verdict, and nobody must be charged for that.
func afterEpoch(now time.Time) error {
	if now.Unix() < 0 {
		return totp.ErrBeforeEpoch
	}
	return nil
}

// id returns the ID of the account of a name. It returns ErrName for a name that no account
// can have, so that the store is not asked.
func (v *Verifier) id(account string) (string, error) {
	if account == "" {
		if v.config.Key.IsZero() {
			return "", ErrNoAccount
		}
		return v.defaultID, nil
	}
	return ParseAccount(account)
}

// keyOf returns the account's live key. The Store has none for the default account.
func (v *Verifier) keyOf(a Account) totp.Key {
	if a.ID == v.defaultID {
		return v.config.Key
	}
	return a.Key
}

// Enrolled reports whether the default account has accepted a code of its key.
func (v *Verifier) Enrolled(ctx context.Context) (bool, error) {
	a, err := v.load(ctx, v.defaultID)
	return a.State.LastStep > 0, err
}

// load returns an account. The default account is not in the store before its first
// attempt, and is then as new.
func (v *Verifier) load(ctx context.Context, id string) (Account, error) {
	a, err := ask(ctx, v.store, func(ctx context.Context, s Store) (Account, error) { return s.Load(ctx, id) })
	if id == v.defaultID && errors.Is(err, ErrNoAccount) {
		return Account{ID: id}, nil
	}
	return a, err
}

// ensure calls f. If the default account is missing, ensure adds it and calls f once more.
func (v *Verifier) ensure(ctx context.Context, id string, f func(context.Context, Store) error) error {
	err := v.store(ctx, f)
	if id != v.defaultID || !errors.Is(err, ErrNoAccount) {
		return err
	}
	if err := v.add(ctx, Account{ID: id, Created: millisecond(v.config.Clock())}); err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	if err = v.store(ctx, f); errors.Is(err, ErrNoAccount) { // ErrNoAccount would say that nobody is enrolled
		err = errors.New("the default account's row cannot be added: restart every server with the ENCRYPTION_KEY that the database has had since")
	}
	return err
}

func (v *Verifier) add(ctx context.Context, a Account) error {
	return v.store(ctx, func(ctx context.Context, s Store) error { return s.Add(ctx, a) })
}
