package verifier

import "context"

// Ready returns an error while there could be no verdict: the store's, or ErrWitness. It
// writes nothing. All who ask at the same time share one question to the store, because
// strangers may ask, and must not take the room in which verdicts wait.
func (v *Verifier) Ready(ctx context.Context) error {
	if _, err := v.begin(ctx); err != nil {
		return err
	}
	return v.StoreReady(ctx)
}

// StoreReady is Ready without the Witness.
func (v *Verifier) StoreReady(ctx context.Context) error {
	look := v.ready.DoChan("", func() (any, error) { return v.load(context.WithoutCancel(ctx), v.defaultID) })
	select {
	case r := <-look:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}
