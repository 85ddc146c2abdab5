package authenticator

import (
	"context"
	"fmt"
	"time"
)

// wakeUp is how long after its step's begin a code still counts as one that lasts a whole
// period: a machine takes a moment to wake the process.
const wakeUp = 250 * time.Millisecond

// Fresh waits until the present code lasts at least this long, which must be less than the
// period. If it has to wait, it first calls wait, once, with the time until the next code.
// Within a second it follows a clock that jumps. It returns totp.ErrBeforeEpoch or the
// cause of ctx's end, wrapped.
func Fresh(ctx context.Context, c Config, atLeast time.Duration, wait func(time.Duration)) error {
	for told := false; ; told = true {
		now, err := c.read()
		if err != nil {
			return err
		}
		left := c.left(now)
		if left >= atLeast || told && left > c.Entry.Key.Period()-wakeUp {
			return nil
		}
		if !told {
			wait(left)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the next code: %w", context.Cause(ctx))
		case <-time.After(untilNextSecond(now.at)):
		}
	}
}
