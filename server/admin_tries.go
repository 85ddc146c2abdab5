package server

import (
	"sync"
	"time"
)

// Bounds on attempts to sign in with a wrong bearer. They keep the audit log readable: an
// ADMIN_BEARER is too long to be guessed. They bound neither a right bearer nor another route:
// whoever uses the attempts up keeps nobody from a session, a verdict or the API.
const (
	clientTries = 10               // at once, from one network
	clientEvery = 30 * time.Second // one more
	allTries    = 100              // at once, from all clients
	allEvery    = time.Second      // one more
	maxClients  = 1000             // that are told apart; the others share one bound
)

// tries counts attempts to sign in with a wrong bearer.
type tries struct {
	clock func() time.Time

	mu      sync.Mutex
	all     bucket
	clients map[string]bucket
}

func newTries(clock func() time.Time) *tries {
	return &tries{clock: clock, clients: map[string]bucket{}}
}

// A bucket holds how many attempts are used up. One comes back after each interval.
type bucket struct {
	used float64
	at   time.Time // of used
}

func (b bucket) now(now time.Time, every time.Duration) bucket {
	if passed := now.Sub(b.at); passed > 0 {
		return bucket{max(0, b.used-float64(passed)/float64(every)), now}
	}
	return b
}

// wait returns how long until one of so many attempts is free, 0 if one is.
func (b bucket) wait(most int, every time.Duration) time.Duration {
	return time.Duration(max(0, b.used+1-float64(most)) * float64(every))
}

// take takes an attempt. It returns how long the network has to wait if there is none.
func (t *tries) take(network string) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	key := t.keyOf(network, now)
	own, all := t.clients[key].now(now, clientEvery), t.all.now(now, allEvery)
	if wait = max(own.wait(clientTries, clientEvery), all.wait(allTries, allEvery)); wait > 0 {
		return wait
	}
	own.used, all.used = own.used+1, all.used+1
	t.clients[key], t.all = own, all
	return 0
}

// keyOf returns the network, or "" where there is no room for another.
func (t *tries) keyOf(network string, now time.Time) string {
	if _, known := t.clients[network]; known || len(t.clients) < maxClients {
		return network
	}
	for other, b := range t.clients {
		if b.now(now, clientEvery).used == 0 {
			delete(t.clients, other)
		}
	}
	if len(t.clients) < maxClients {
		return network
	}
	return ""
}
