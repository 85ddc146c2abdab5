package servertest

import (
	"bytes"
	"sync"
	"time"
)

// A Clock stands still until it is moved, unless it is a running one. It is safe for
// concurrent use.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	began time.Time // when a running clock stood at now; zero for one that stands still
}

// NewClock returns a Clock that stands 5 s after the start of a step of 30 s.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)} }

// NewRunningClock returns a Clock that goes as the machine's does, which other processes
// read.
func NewRunningClock() *Clock { return &Clock{now: time.Now(), began: time.Now()} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began.IsZero() {
		return c.now
	}
	return c.now.Add(time.Since(c.began))
}

// Advance moves the clock; back if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A Log keeps what is written to it. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
