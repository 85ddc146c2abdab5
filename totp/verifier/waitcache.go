package verifier

import (
	"sync"
	"time"
)

// waitTTL is how long a cached wait is trusted: another process may have unlocked
// the account meanwhile.
const waitTTL = time.Second

// maxWaits bounds the memory that throttled accounts take.
const maxWaits = 10_000

// A waitCache knows which accounts are throttled, so that a flood of guesses costs
// the store one read a second.
type waitCache struct {
	mu      sync.Mutex
	entries map[string]waitEntry // by id
}

// A waitEntry is the end of a wait, when the store was asked for it, and the counts of
// wrong codes that an Event tells.
type waitEntry struct {
	until, at        time.Time
	failures, recent int
}

// find returns how long an account still waits, as far as the cache knows.
func (c *waitCache) find(id string, now time.Time) (e waitEntry, left time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if age := now.Sub(e.at); !ok || age < 0 || age >= waitTTL {
		return waitEntry{}, 0
	}
	return e, e.until.Sub(now)
}

func (c *waitCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, id)
}

func (c *waitCache) remember(id string, s State, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.Throttle.Until.After(now) {
		delete(c.entries, id)
		return
	}
	if c.entries == nil || len(c.entries) >= maxWaits {
		c.entries = map[string]waitEntry{}
	}
	c.entries[id] = waitEntry{until: s.Throttle.Until, at: now, failures: s.Throttle.Failures, recent: s.Recent.at(now).Failures}
}
