package verifier

import (
	"context"
	"time"

	"totpctl/totp"
)

// An Account is what the store keeps of one: what it may do, with which key, and
// what is remembered of it.
type Account struct {
	ID      string
	Issuer  string // who asks for its codes, as authenticators show it; "" for the one in its ID, or else the Verifier's
	Created time.Time
	State   State
	Key     totp.Key // the live key; zero for the default account and before the first confirmation
	// Recovery is what recoveryHash makes of each recovery code, one after the
	// other; State tells which are used.
	Recovery string
	Pending  Pending // at most one of Pending and Kept is not zero
	Kept     Kept
}

// A State is what verdicts rest on and change. The zero State is that of an
// account that has not been asked anything. Times are whole milliseconds, in
// UTC, or zero.
type State struct {
	LastStep int64    // the last accepted step of the live key; 0 before the first
	Throttle Throttle // of the live key
	Disabled bool     // by a person
	Revoked  bool     // the live key was deleted before a new one was confirmed
	// RecoveryUsed has bit i set if recovery code i, counted from 0, is used.
	RecoveryUsed uint16
	Last         Answer // the last verdict that changed the state
}

// A Pending key waits for its first good code. Its failures never touch the live
// key.
type Pending struct {
	Key      totp.Key // zero if none is pending
	Until    time.Time
	Throttle Throttle
	Token    string // hash of the enrolment link's token, "" without a link
	Cookie   string // hash of the cookie of the browser that opened the link, "" before
}

// A Kept confirmation waits until its owner has surely seen it: its recovery codes
// are told once more to the same browser, or for the same request. The zero Kept
// is none.
type Kept struct {
	Verdict Verdict
	Codes   []string // recovery codes in the clear
	Until   time.Time
	Token   string    // hash of the enrolment link's token, "" without a link
	Cookie  string    // hash of the cookie of the browser that confirmed, "" without a link
	Request RequestID // zero with a link
}

// A Summary is what may be shown of an account: no key.
type Summary struct {
	ID           string
	Created      time.Time
	State        State
	Recovery     string        // as in Account
	Confirmed    bool          // has a live key
	Period       time.Duration // of the live key; 0 without one
	PendingUntil time.Time     // zero if no key is pending
	Damaged      bool          // something else has changed the row: it cannot be decided on
}

// A Store keeps accounts and changes each atomically, for any number of
// concurrent callers and of processes. Package storetest tests these contracts.
//
// When a method returns nil, the change has reached stable storage. When it
// returns an error of the store, the change may or may not have been made. Where
// an account does not exist, methods that name one return ErrNoAccount without
// calling the caller's function.
type Store interface {
	// Load returns the account.
	Load(ctx context.Context, id string) (Account, error)

	// Decide calls decide with the account, and when that returns true it
	// replaces the account's State by the one returned, in a single conditional
	// statement that changes nothing unless the account is still as it was read.
	// If it is not, decide is called again with the new one: it must be quick,
	// must not block, and its last call counts. It may still be called once
	// after a cancelled Decide has returned.
	Decide(ctx context.Context, id string, decide func(Account) (State, bool)) error

	// Edit replaces all of the account but its ID and Created, under the same
	// condition, all of it or nothing. When edit returns an error nothing is
	// changed and Edit returns it. An edit that returns the account as it was
	// writes nothing.
	Edit(ctx context.Context, id string, edit func(Account) (Account, error)) error

	// Add makes an account, or returns ErrExists.
	Add(ctx context.Context, a Account) error

	// Remove deletes an account, a damaged one too.
	Remove(ctx context.Context, id string) error

	// List returns, in the order of the bytes of their IDs, at most limit
	// accounts whose ID is from or later.
	List(ctx context.Context, from string, limit int) ([]Summary, error)

	// FindToken returns the ID of the account whose Pending or Kept has a link
	// with this hash.
	FindToken(ctx context.Context, hash string) (id string, err error)

	// Sweep deletes each Pending and each Kept whose Until is not after now.
	Sweep(ctx context.Context, now time.Time) error

	// Fingerprint returns a MAC of the text, 32 hexadecimal digits, under a key
	// that belongs to the database: the same in every process and after every
	// change of encryption keys. Whoever reads the database must not be able to
	// test a guess of the text, unless no encryption key is set.
	Fingerprint(text string) string
}
