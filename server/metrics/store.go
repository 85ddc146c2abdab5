package metrics

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"totpctl/totp/verifier"
)

// An operation is a method of a Store.
type operation struct {
	took   *histogram
	errors *metrics.Counter
}

// The operations that are measured.
const (
	opLoad   = "load"
	opDecide = "decide"
	opEdit   = "edit"
	opAdd    = "add"
	opAddAll = "add_all"
	opRename = "rename"
	opRemove = "remove"
	opList   = "list"
	opFind   = "find_token"
	opSweep  = "sweep"
)

func (m *Metrics) newOperations() map[string]*operation {
	all := map[string]*operation{}
	for _, name := range []string{opLoad, opDecide, opEdit, opAdd, opAddAll, opRename, opRemove, opList, opFind, opSweep} {
		label := named("", "operation", name)
		all[name] = &operation{
			took:   m.newHistogram("totpctl_store_duration_seconds", label[1:len(label)-1], timeBuckets),
			errors: m.set.NewCounter("totpctl_store_errors_total" + label),
		}
	}
	return all
}

// Store returns the store with its calls measured.
func (m *Metrics) Store(s verifier.Store) verifier.Store { return measured{s, m} }

// measured measures the calls of a Store.
type measured struct {
	verifier.Store
	metrics *Metrics
}

// call measures a call. own is what the caller's own function has returned, which is no
// error of the store.
func (s measured) call(name string, own *atomic.Pointer[error], call func() error) error {
	begin := s.metrics.config.Clock()
	err := call()
	op := s.metrics.storeOps[name]
	op.took.observe(max(0, s.metrics.config.Clock().Sub(begin).Seconds()))
	if isStores(err) && !isOwn(err, own) {
		op.errors.Inc()
	}
	return err
}

func isOwn(err error, own *atomic.Pointer[error]) bool {
	if own == nil || own.Load() == nil {
		return false
	}
	return errors.Is(err, *own.Load())
}

// isStores reports whether an error says that the store could not answer. A caller who has
// left has made it give up.
func isStores(err error) bool {
	return err != nil && !errors.Is(err, verifier.ErrNoAccount) && !errors.Is(err, verifier.ErrExists) && !errors.Is(err, context.Canceled)
}

// Load implements verifier.Store.
func (s measured) Load(ctx context.Context, id string) (a verifier.Account, err error) {
	err = s.call(opLoad, nil, func() error { a, err = s.Store.Load(ctx, id); return err })
	return a, err
}

// Decide implements verifier.Store.
func (s measured) Decide(ctx context.Context, id string, decide func(verifier.Account) (verifier.State, bool)) error {
	return s.call(opDecide, nil, func() error { return s.Store.Decide(ctx, id, decide) })
}

// Edit implements verifier.Store.
func (s measured) Edit(ctx context.Context, id string, edit func(verifier.Account) (verifier.Account, error)) error {
	edit, own := remembered(edit)
	return s.call(opEdit, own, func() error { return s.Store.Edit(ctx, id, edit) })
}

// remembered returns edit, and the error that it has returned last. A Store may still call
// edit when the caller has its answer.
func remembered[A, B any](edit func(A) (B, error)) (func(A) (B, error), *atomic.Pointer[error]) {
	own := new(atomic.Pointer[error])
	return func(a A) (B, error) {
		b, err := edit(a)
		if err != nil {
			own.Store(&err)
		}
		return b, err
	}, own
}

// Add implements verifier.Store.
func (s measured) Add(ctx context.Context, a verifier.Account) error {
	return s.call(opAdd, nil, func() error { return s.Store.Add(ctx, a) })
}

// AddAll implements verifier.Store.
func (s measured) AddAll(ctx context.Context, accounts []verifier.Account, edit func(map[int]verifier.Loaded) (map[int]verifier.Account, error)) error {
	edit, own := remembered(edit)
	return s.call(opAddAll, own, func() error { return s.Store.AddAll(ctx, accounts, edit) })
}

// Rename implements verifier.Store.
func (s measured) Rename(ctx context.Context, id, to string, edit func(verifier.Account) (verifier.Account, error)) error {
	edit, own := remembered(edit)
	return s.call(opRename, own, func() error { return s.Store.Rename(ctx, id, to, edit) })
}

// Remove implements verifier.Store.
func (s measured) Remove(ctx context.Context, id string) error {
	return s.call(opRemove, nil, func() error { return s.Store.Remove(ctx, id) })
}

// List implements verifier.Store.
func (s measured) List(ctx context.Context, r verifier.Range, limit int) (page []verifier.Summary, err error) {
	err = s.call(opList, nil, func() error { page, err = s.Store.List(ctx, r, limit); return err })
	return page, err
}

// FindToken implements verifier.Store.
func (s measured) FindToken(ctx context.Context, hash string) (id string, err error) {
	err = s.call(opFind, nil, func() error { id, err = s.Store.FindToken(ctx, hash); return err })
	return id, err
}

// Sweep implements verifier.Store.
func (s measured) Sweep(ctx context.Context, now time.Time) error {
	return s.call(opSweep, nil, func() error { return s.Store.Sweep(ctx, now) })
}
