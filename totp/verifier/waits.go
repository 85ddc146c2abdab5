package verifier

import (
	"sync"
	"time"
)

// waitMemory is how long a wait is believed without asking the store. Another
// process may clear it there.
const waitMemory = time.Second

// maxWaits bounds the memory that throttled accounts take.
const maxWaits = 10_000

// waits remembers for a moment which accounts are throttled, so that a flood of
// guesses costs the store one read a second.
type waits struct {
	mu   sync.Mutex
	seen map[string]sighting
}

type sighting struct{ until, at time.Time }

func (w *waits) left(id string, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.seen[id]
	if age := now.Sub(s.at); !ok || age < 0 || age >= waitMemory {
		return 0
	}
	return s.until.Sub(now)
}

func (w *waits) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.seen, id)
}

func (w *waits) remember(id string, until, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !until.After(now) {
		delete(w.seen, id)
		return
	}
	if w.seen == nil || len(w.seen) >= maxWaits {
		w.seen = map[string]sighting{}
	}
	w.seen[id] = sighting{until, now}
}
