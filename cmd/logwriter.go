package cmd

import (
	"io"
	"sync"
	"time"
)

// logPause is how long the writer gathers lines after a write, so that a flood of
// requests does not become a flood of system calls.
const logPause = 10 * time.Millisecond

// maxUnwritten bounds the memory of lines while the reader of the log is slow, in
// bytes. Lines beyond it are lost and counted, because no verdict may wait for a log.
const maxUnwritten = 1 << 20

// closeTimeout is how long Close waits for the reader of the log.
const closeTimeout = time.Second

// A logWriter takes lines at once and writes them in the background, so that no
// request waits for the system call of its log line. One write has all lines that have
// come since the last; the first line after a pause is written without delay. A process
// that is killed loses the lines of its last 10 ms.
type logWriter struct {
	out     io.Writer
	mu      sync.Mutex
	lines   []byte
	lost    int // not told of yet
	allLost int
	begun   bool                  // something was written
	notice  func(lost int) []byte // the line that tells of lost lines
	wake    chan struct{}         // of capacity 1; filled while there are lines
	closing chan struct{}
	done    chan struct{}
}

func newLogWriter(out io.Writer, notice func(lost int) []byte) *logWriter {
	w := &logWriter{out: out, notice: notice, wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

// Write implements io.Writer.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = true
	if len(w.lines)+len(line) > maxUnwritten {
		w.lost++
		w.allLost++
		return len(line), nil
	}
	w.lines = append(w.lines, line...)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return len(line), nil
}

// lostLines returns how many lines were lost since the start.
func (w *logWriter) lostLines() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.allLost
}

// hasBegun reports whether there was a line.
func (w *logWriter) hasBegun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

func (w *logWriter) run() {
	defer close(w.done)
	var spare []byte
	for {
		select {
		case <-w.wake:
			spare = w.flush(spare)
			time.Sleep(logPause)
		case <-w.closing:
			w.flush(spare)
			return
		}
	}
}

// flush writes the lines and returns their memory, to be reused.
func (w *logWriter) flush(spare []byte) []byte {
	w.mu.Lock()
	lines, lost := w.lines, w.lost
	w.lines, w.lost = spare[:0], 0
	w.mu.Unlock()
	if lost > 0 {
		lines = append(lines, w.notice(lost)...)
	}
	w.out.Write(lines) // an error has nowhere to go
	return lines
}

// Close writes the lines that are left, unless that takes longer than closeTimeout.
func (w *logWriter) Close() error {
	close(w.closing)
	select {
	case <-w.done:
	case <-time.After(closeTimeout):
	}
	return nil
}
