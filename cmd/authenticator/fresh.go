package authenticator

import (
	"context"
	"fmt"
	"time"
)

// Fresh waits until the present code is the present one for at least this long, which
// must be less than the period. If it has to wait it first calls wait, once, with the
// time until the next code. Within a second it follows a clock that jumps. It returns totp.ErrBeforeEpoch or the cause of ctx's end, wrapped.
func Fresh(ctx context.Context, c Config, atLeast time.Duration, wait func(time.Duration)) error {
	for told := false; ; told = true {
		now, err := c.read()
		if err != nil {
			return err
		}
		left := c.left(now)
		if left >= atLeast {
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
