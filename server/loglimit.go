package server

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"sync"
	"time"
)

// A logLimit keeps those who can make the server log for nothing from filling its disk. In
// a second, the first maxLines lines are written, and then one with the number of the others.
type logLimit struct {
	log   *slog.Logger
	level slog.Level // of the line with the number
	text  string     // of the line with the number

	mu     sync.Mutex
	lines  int            // in the present second
	counts map[string]int // of the others, by kind
	second *time.Timer    // nil before the first line
	armed  bool
}

// maxLines is how many lines of a kind that costs nothing are written in a second.
const maxLines = 10

// limits are what bounds the lines of a Server. A flood of one does not hide the others.
type limits struct {
	refusals, failures, outage, connections logLimit
}

func newLimits(log *slog.Logger) *limits {
	return &limits{
		refusals:    logLimit{log: log, level: slog.LevelInfo, text: "more requests, which have no line of their own"},
		failures:    logLimit{log: log, level: slog.LevelError, text: "more requests of strangers that failed, which have no line of their own"},
		outage:      logLimit{log: log, level: slog.LevelError, text: "more requests that were not answered during an outage, which have no line of their own"},
		connections: logLimit{log: log, level: slog.LevelWarn, text: "more errors of connections, which have no line of their own"},
	}
}

// flush writes the numbers of the present second, because the server ends.
func (l *limits) flush() {
	for _, limit := range []*logLimit{&l.refusals, &l.failures, &l.outage, &l.connections} {
		limit.tell()
	}
}

// take reports whether a line may be written now. Otherwise it counts the line under its
// kind. There must be few kinds, none of which a client makes up.
func (l *logLimit) take(kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.armed {
		l.armed = true
		if l.second == nil {
			l.second = time.AfterFunc(time.Second, l.tell)
		} else {
			l.second.Reset(time.Second)
		}
	}
	if l.lines < maxLines {
		l.lines++
		return true
	}
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[kind]++
	return false
}

// tell ends the second.
func (l *logLimit) tell() {
	l.mu.Lock()
	counts := l.counts
	l.lines, l.counts, l.armed = 0, nil, false
	l.mu.Unlock()
	if len(counts) == 0 {
		return
	}
	sum, kinds := 0, make([]any, 0, 2*len(counts))
	for kind, n := range counts {
		sum += n
		kinds = append(kinds, kind, n)
	}
	l.log.LogAttrs(context.Background(), l.level, l.text, slog.Int("count", sum), slog.Group("by", kinds...))
}

// maxErrorText bounds what a client can make net/http say, in bytes.
const maxErrorText = 1 << 10

// errorLog returns a logger for net/http's own errors, such as failed TLS handshakes.
func (l *limits) errorLog() *log.Logger { return log.New(connectionErrors{&l.connections}, "", 0) }

// connectionErrors write net/http's errors as lines of the log.
type connectionErrors struct{ limit *logLimit }

// Write implements io.Writer.
func (c connectionErrors) Write(text []byte) (int, error) {
	kind := "other"
	if bytes.Contains(text, []byte("TLS handshake error")) {
		kind = "tls_handshake"
	}
	if c.limit.take(kind) {
		c.limit.log.Warn(string(bytes.TrimSpace(text[:min(len(text), maxErrorText)])))
	}
	return len(text), nil
}
