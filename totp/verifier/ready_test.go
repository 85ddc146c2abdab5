package verifier

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/totp"
)

// counted is a stalled store that counts who waits for it.
type counted struct {
	stalled
	loads atomic.Int64
}

func (c *counted) Load(ctx context.Context, id string) (Account, error) {
	c.loads.Add(1)
	return c.stalled.Load(ctx, id)
}

func TestAllWhoAskForReadinessTakeOnePlaceInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := testRules(t)
		store := &counted{}
		v, err := New(Config{Store: store, Clock: time.Now, Key: r.key, Skew: 1, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		for round := range int64(2) {
			var all sync.WaitGroup
			first, leave := context.WithCancel(t.Context())
			all.Go(func() {
				if err := v.Ready(first); !errors.Is(err, context.Canceled) {
					t.Errorf("for the first, who left: %v", err)
				}
			})
			synctest.Wait()
			for range 100 {
				all.Go(func() {
					if err := v.Ready(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("for the others: %v", err)
					}
				})
			}
			synctest.Wait()
			leave()
			all.Wait()
			if n := store.loads.Load(); n != round+1 {
				t.Errorf("the store was asked %d times in %d rounds", n, round+1)
			}
		}
	})
}
