package verifier

import (
	"context"
	"time"

	"totpctl/totp"
)

// An Account is what the Store keeps of an account.
type Account struct {
	ID      string
	Issuer  string // as authenticators show it; "" for the issuer in the ID, or else the Verifier's
	Created time.Time
	State   State
	Key     totp.Key // the live key; zero for the default account and before the first confirmation
	// Recovery has the hashes of the recovery codes, one after the other. State says
	// which codes are used.
	Recovery string
	// Rekeyed is when a recovery code, at Recover, gave the account its live key; zero if the
	// live key came otherwise.
	Rekeyed time.Time
	Pending Pending // at most one of Pending and Kept is not zero
	Kept    Kept
}

// A State is what verdicts rest on and change. The zero State is that of an
// account that has not been asked anything. Times are whole milliseconds, in
// UTC, or zero.
type State struct {
	LastStep int64    // the last accepted step of the live key; 0 before the first
	Throttle Throttle // of the live key
	Disabled bool     // by a person
	Revoked  bool     // the live key was deleted before a new one was confirmed
	// RecoveryUsed has bit i set if recovery code i, counted from 0, is used, and all bits
	// once the last one is used.
	RecoveryUsed uint16
	Last         Answer // the last verdict that changed the state
	Recent       Tally
	// RecentRecovery counts wrong recovery codes as Recent does wrong codes, up to maxTally.
	RecentRecovery Tally
}

// A Pending key waits for its first good code. Its throttle is apart from that of the
// live key.
type Pending struct {
	Key      totp.Key // zero if none is pending
	Until    time.Time
	Throttle Throttle
	Token    string // hash of the enrolment link's token, "" without a link
	Cookie   string // hash of the cookie of the browser that opened the link, "" before
	// Recovered says that a recovery code has begun this, at Recover.
	Recovered bool
}

// A Kept confirmation is told again to the same browser, or for the same request, until
// its owner has surely seen the recovery codes. The zero Kept is none. One without a good
// Verdict is of a link for new recovery codes, and has none of these until a browser has
// opened the link.
type Kept struct {
	Verdict Verdict
	Codes   []string // recovery codes in the clear
	Until   time.Time
	Token   string    // hash of the enrolment link's token, "" without a link
	Cookie  string    // hash of the cookie of the browser that confirmed or opened the link, "" without one
	Request RequestID // zero with a link
}

// A Summary is what List shows of an account. It has no key.
type Summary struct {
	ID           string
	Created      time.Time
	State        State
	Recovery     string        // as in Account
	Confirmed    bool          // has a live key
	Period       time.Duration // of the live key; 0 without one
	PendingUntil time.Time     // zero if no key is pending
	Opened       bool          // a browser has opened the pending key's link

	PendingThrottle Throttle // of the pending key

	Rekeyed     time.Time // as in Account
	CodesUntil  time.Time // when a link for new recovery codes ends, zero without one
	CodesOpened bool      // a browser has opened that link
	Damaged     bool      // something else has changed the account, so that it does not load
}

// A Range says which accounts List returns: those whose IDs are From or later, begin with
// Prefix, and are Among some.
type Range struct {
	From, Prefix string
	Among        Among
}

// Among names the accounts that an index has. It may have some more than it says, because
// an index knows no time and opens no seal.
type Among int

// The indices.
const (
	AmongAll          Among = iota
	AmongHeld               // wait or have waited, are stopped, or are disabled
	AmongUnconfirmed        // have no live key
	AmongRecoveryless       // have a live key, and no recovery code that is unused
)

// A Loaded account is one of several that were read at once.
type Loaded struct {
	Account Account // with nothing but its ID if Err is not nil
	Err     error   // what Load would return of this account: it is damaged
}

// A Store keeps accounts and changes each atomically. Any number of callers and of
// processes may use it at the same time. Package storetest tests this contract.
//
// When a method returns nil, its change must have reached stable storage. After an error
// of the store, the change may or may not have been made. A method that names an account
// which does not exist must return ErrNoAccount, and must not call the caller's function.
type Store interface {
	// Load returns the account.
	Load(ctx context.Context, id string) (Account, error)

	// Decide calls decide with the account. If decide returns true, Decide replaces
	// the account's State by the returned one. It does so in one conditional
	// statement, which changes nothing unless the account is still as it was read. If
	// the account has changed, Decide calls decide again with the account as it is
	// now, and the last call counts. decide must be quick and must not block. It may
	// still be called once after a cancelled Decide has returned.
	Decide(ctx context.Context, id string, decide func(Account) (State, bool)) error

	// Edit is Decide for all of the account but its ID and Created. It changes all or
	// nothing. If edit returns an error, Edit changes nothing and returns that error.
	// If edit returns the account as it was, Edit writes nothing.
	Edit(ctx context.Context, id string, edit func(Account) (Account, error)) error

	// Add makes an account. It returns ErrExists if there is one of the same ID.
	Add(ctx context.Context, a Account) error

	// AddAll adds accounts, whose IDs must differ, and changes those that exist already, all
	// in one transaction or none. Before it writes, it calls edit with the accounts that
	// exist, by their indices in accounts. edit returns what shall replace them; an
	// account that it leaves out, and a damaged one, stays as it is. If edit returns an
	// error, AddAll changes nothing and returns that error. If an account has changed
	// meanwhile, AddAll calls edit again, and the last call counts.
	AddAll(ctx context.Context, accounts []Account, edit func(stored map[int]Loaded) (map[int]Account, error)) error

	// Rename gives an account another ID, and replaces the rest of it by what edit
	// returns. Like Decide, it changes nothing unless the account is still as it was
	// read, and calls edit again if the account has changed. If edit returns an error,
	// Rename changes nothing and returns that error. Rename returns ErrExists if there is
	// an account of the new ID.
	Rename(ctx context.Context, id, to string, edit func(Account) (Account, error)) error

	// Remove deletes an account, even a damaged one.
	Remove(ctx context.Context, id string) error

	// List returns at most limit accounts of a Range, in the order of the IDs' bytes. It
	// reads about as many rows as it returns, however many accounts there are.
	List(ctx context.Context, r Range, limit int) ([]Summary, error)

	// LoadPage is List with whole accounts, those whose IDs are from or later.
	LoadPage(ctx context.Context, from string, limit int) ([]Loaded, error)

	// FindToken returns the ID of the account whose Pending or Kept has this hash of a
	// link's token.
	FindToken(ctx context.Context, hash string) (id string, err error)

	// Sweep deletes each Pending and each Kept whose Until is not after now.
	Sweep(ctx context.Context, now time.Time) error

	// Fence does what Verifier.Fence says, all or nothing. One conditional statement sets
	// the last steps. A damaged account does not keep it from the others.
	Fence(ctx context.Context, f Fence) (Fenced, error)

	// Fingerprint returns 32 hexadecimal digits of a MAC of the text, under a key that
	// belongs to the database. It must return the same in each process and after each
	// rotation of encryption keys. If an encryption key is set, a reader of the
	// database must not be able to test guesses of the text.
	Fingerprint(text string) string

	// Keyed reports whether an encryption key is set, so that Fingerprint has a key.
	Keyed() bool
}
