package cmd

import (
	"io"
	"log/slog"
	"sync"
	"time"
)

// logPause is how long lines are gathered after a write, so that a flood of
// requests is not a flood of system calls.
const logPause = 10 * time.Millisecond

// maxUnwritten bounds the memory that lines take while whoever reads the log is
// slow; then requests wait for it.
const maxUnwritten = 1 << 20

// A logWriter takes lines at once and writes them in the background, as many at a
// time as have come meanwhile, so that no request waits for the system call of
// its log line. The first line after a pause is written without delay. Close writes what is left; a process that is killed loses the lines
// of its last moment.
type logWriter struct {
	out     io.Writer
	mu      sync.Mutex
	changed sync.Cond
	lines   []byte
	closed  bool
	done    sync.WaitGroup
}

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out}
	w.changed.L = &w.mu
	w.done.Go(w.run)
	return w
}

// Write implements io.Writer.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.lines) >= maxUnwritten && !w.closed {
		w.changed.Wait()
	}
	if w.closed {
		return w.out.Write(line)
	}
	if w.lines = append(w.lines, line...); len(w.lines) == len(line) {
		w.changed.Broadcast()
	}
	return len(line), nil
}

func (w *logWriter) run() {
	var spare []byte
	for {
		w.mu.Lock()
		for len(w.lines) == 0 && !w.closed {
			w.changed.Wait()
		}
		lines := w.lines
		w.lines = spare[:0]
		closed := w.closed
		w.changed.Broadcast()
		w.mu.Unlock()
		w.out.Write(lines) // there is nowhere to say that this fails
		if spare = lines; closed {
			return
		}
		time.Sleep(logPause)
	}
}

// Close writes what is left.
func (w *logWriter) Close() error {
	w.mu.Lock()
	w.closed = true
	w.changed.Broadcast()
	w.mu.Unlock()
	w.done.Wait()
	return nil
}

// logger logs to standard error: text for people, JSON for programs.
func (p program) logger() (*slog.Logger, io.Closer) {
	w := newLogWriter(p.errOut)
	if isTerminal(p.errOut) {
		return slog.New(slog.NewTextHandler(w, nil)), w
	}
	return slog.New(slog.NewJSONHandler(w, nil)), w
}
