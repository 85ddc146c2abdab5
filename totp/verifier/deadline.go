package verifier

import (
	"context"
	"time"
)

// A deadline calls a function with a Store that has to answer in time. It is the
// only way to the Store, so that no method of it can be called without a limit.
type deadline func(ctx context.Context, call func(context.Context, Store) error) error

func newDeadline(s Store, limit time.Duration) deadline {
	return func(ctx context.Context, call func(context.Context, Store) error) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return call(ctx, s)
	}
}

// ask is a deadline for methods that also return a value.
func ask[T any](ctx context.Context, d deadline, call func(context.Context, Store) (T, error)) (value T, err error) {
	err = d(ctx, func(ctx context.Context, s Store) error {
		value, err = call(ctx, s)
		return err
	})
	return value, err
}
