package verifier

import (
	"context"
	"time"
)

// A State is what is remembered of an account. The zero State is that of an
// account that has not been asked anything. Times are whole milliseconds, in
// UTC, or zero.
type State struct {
	LastStep  int64     // the last accepted step; 0 before the first
	Failures  int       // wrong codes in a row
	WaitUntil time.Time // until then no code is evaluated
	Last      Answer    // the last verdict that changed the state
}

// An Answer is a verdict kept for the request that may repeat.
type Answer struct {
	Request RequestID // zero where the request could not repeat
	At      time.Time
	Verdict Verdict
}

// A Store keeps one State an account and changes it atomically, for any number
// of concurrent callers and of processes. Package storetest tests these
// contracts.
type Store interface {
	// Update calls decide with the state of the account, and when decide
	// returns true it replaces that state by the one returned, in a single
	// conditional statement that changes nothing unless the state is still as
	// it was read. If it is not, decide is called again with the new one: it
	// must be quick, must not block, and its last call counts.
	//
	// When Update returns nil, the change has reached stable storage. When it
	// returns an error, the change may or may not have been made; decide may
	// still be called once after a cancelled Update has returned. It returns
	// ErrNoAccount, without calling decide, if the account does not exist.
	Update(ctx context.Context, id string, decide func(State) (State, bool)) error

	// Create makes the account with the zero State, unless it exists.
	Create(ctx context.Context, id string) error
}
