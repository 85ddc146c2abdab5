package verifier

import (
	"context"
	"time"
)

// A timed store gives up after a while: without a verdict in time there is none.
type timed struct {
	Store
	limit time.Duration
}

// Load implements Store.
func (t timed) Load(ctx context.Context, id string) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.Load(ctx, id)
}

// Decide implements Store.
func (t timed) Decide(ctx context.Context, id string, decide func(Account) (State, bool)) error {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.Decide(ctx, id, decide)
}

// Edit implements Store.
func (t timed) Edit(ctx context.Context, id string, edit func(Account) (Account, error)) error {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.Edit(ctx, id, edit)
}

// Add implements Store.
func (t timed) Add(ctx context.Context, a Account) error {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.Add(ctx, a)
}

// Remove implements Store.
func (t timed) Remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.Remove(ctx, id)
}

// List implements Store.
func (t timed) List(ctx context.Context, from string, limit int) ([]Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.List(ctx, from, limit)
}

// FindToken implements Store.
func (t timed) FindToken(ctx context.Context, hash string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.FindToken(ctx, hash)
}

// Sweep implements Store.
func (t timed) Sweep(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	return t.Store.Sweep(ctx, now)
}
