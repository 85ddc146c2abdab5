package audit

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"totpctl/totp/verifier"
)

// Config is what a Log needs.
type Config struct {
	Path   string   // of the file; "" writes to Output
	Output *os.File // such as standard output
	Clock  func() time.Time
	Log    *slog.Logger // is told when the audit log fails, and when it goes on; nil for none

	// Timeout is how long a write or an fsync may take; 0 is DefaultTimeout.
	Timeout time.Duration
}

// DefaultTimeout is how long a write or an fsync may take.
const DefaultTimeout = 5 * time.Second

// pause is between two attempts to write again after an error, and how long free events
// are counted.
const pause = time.Second

// The errors of a Log that are not the operating system's.
var (
	ErrClosed = errors.New("the audit log is closed")
	errSlow   = errors.New("it takes no lines in time")
	errOpen   = errors.New("it is not open yet")
)

// A Log is an audit log that is written to. It is a verifier.Witness, and safe for
// concurrent use. One goroutine writes.
type Log struct {
	config Config
	watch  *time.Timer // runs late unless a write has ended

	mu      sync.Mutex
	err     error // why no event can be recorded now
	file    *file
	waiting []*record // to be written
	writing []*record // taken from waiting, not answered
	counts  counts
	repeats map[repeat]bool // which have a line of this second
	lost    int

	wake    chan struct{} // of capacity 1; filled while there is something to do
	reopen  chan chan error
	closing chan struct{}
	done    chan struct{}
	last    error // of the end, once done is closed
}

// A record is some lines whose caller waits.
type record struct {
	lines  []byte
	events int
	sync   bool
	answer chan error // of capacity 1
}

// Start returns a Log that tries to open its file, now and each second until it succeeds.
// It records that it is open. The caller must close it.
func Start(c Config) *Log {
	l := newLog(c)
	l.fail(errOpen)
	first := make(chan error, 1)
	go func() {
		first <- l.resume()
		l.run()
	}()
	wait(first, l.config.Timeout)
	return l
}

// Open returns a Log on a file that can be written, for a command that ends soon. The
// caller must close it.
func Open(c Config) (*Log, error) {
	l := newLog(c)
	var err error
	if l.file, err = openFile(c.Path); err != nil {
		return nil, err
	}
	go l.run()
	return l, nil
}

func newLog(c Config) *Log {
	c.Log, c.Timeout = cmp.Or(c.Log, slog.New(slog.DiscardHandler)), cmp.Or(c.Timeout, DefaultTimeout)
	l := &Log{config: c, counts: counts{}, wake: make(chan struct{}, 1), reopen: make(chan chan error), closing: make(chan struct{}), done: make(chan struct{})}
	l.watch = time.AfterFunc(time.Hour, l.late)
	l.watch.Stop()
	return l
}

// Ready implements verifier.Witness.
func (l *Log) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return withoutPath(l.err)
}

// Tell implements verifier.Witness. It does not end with the context, because an event that
// waits is written in any case. It counts free events and returns at once. A good verdict
// that is repeated is free where a line of this second tells of it.
func (l *Log) Tell(_ context.Context, events ...verifier.Event) error {
	var r record
	events = l.freeTold(events)
	for _, e := range events {
		if !e.Free {
			r.lines, r.sync = lineOf(e).appendTo(r.lines), r.sync || e.IsChange()
			r.events++
		}
	}
	if r.events > 0 {
		r.answer = make(chan error, 1)
	}
	if err := l.put(&r, events); err != nil || r.events == 0 {
		return err
	}
	err := <-r.answer
	if err == nil {
		l.remember(events)
	}
	return withoutPath(err)
}

// put has the record written and the free events counted, or returns why it cannot be.
func (l *Log) put(r *record, events []verifier.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		l.lost += len(events)
		return withoutPath(l.err)
	}
	for _, e := range events {
		if e.Free {
			l.counts.add(e)
		}
	}
	if r.events > 0 {
		l.waiting = append(l.waiting, r)
	}
	l.rouse()
	return nil
}

// rouse wakes run. It does not wait.
func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Reopen opens the file anew, because it was moved away. After an error the Log refuses
// events until it can open the file.
func (l *Log) Reopen() error {
	answer := make(chan error, 1)
	select {
	case l.reopen <- answer:
		return wait(answer, l.config.Timeout)
	case <-l.done:
		return ErrClosed
	case <-time.After(l.config.Timeout):
		return errSlow
	}
}

// wait returns the answer, or errSlow if that takes longer than the limit.
func wait(answer <-chan error, limit time.Duration) error {
	select {
	case err := <-answer:
		return err
	case <-time.After(limit):
		return errSlow
	}
}

// Close writes what is left. It returns an error if that fails, and gives up after the
// Timeout. An error that Ready has returned before is not told again.
func (l *Log) Close() error {
	close(l.closing)
	select {
	case <-l.done:
		return l.last
	case <-time.After(l.config.Timeout):
		return errSlow
	}
}

// run writes, counts and opens the file anew until the Log is closed.
func (l *Log) run() {
	defer close(l.done)
	timer, armed := time.NewTimer(pause), true
	var spare []byte
	for {
		select {
		case <-l.wake:
			spare = l.write(spare)
		case <-timer.C:
			armed = false
			if l.Ready() != nil {
				l.resume()
			} else {
				l.writeCounts()
			}
		case answer := <-l.reopen:
			spare = l.write(spare)
			answer <- l.resume()
		case <-l.closing:
			before := l.Ready()
			l.write(spare)
			l.writeCounts()
			l.end(before)
			return
		}
		if !armed && l.expects() {
			timer.Reset(pause)
			armed = true
		}
	}
}

// expects reports whether there is something to do in a second.
func (l *Log) expects() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil || len(l.counts) > 0 || len(l.repeats) > 0
}

// end keeps the last error for Close, unless Ready has returned one before. It closes the
// file.
func (l *Log) end(before error) {
	if before == nil {
		l.last = l.Ready()
	}
	l.fail(ErrClosed)
	if l.config.Path != "" && l.file != nil {
		l.file.Close()
	}
}

// maxYields bounds how often gather lets others run.
const maxYields = 16

// gather lets callers that can run now join the batch, as long as any does: verdicts that
// share a commit come together, and shall share a write, too. It adds no delay.
func (l *Log) gather() {
	for range maxYields {
		n := l.queued()
		runtime.Gosched()
		if l.queued() == n {
			return
		}
	}
}

func (l *Log) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// maxSpare is how much memory is kept for the next batch.
const maxSpare = 1 << 20

// write writes the lines of all who wait, and returns their memory, to be reused.
func (l *Log) write(text []byte) []byte {
	l.gather()
	l.mu.Lock()
	l.writing, l.waiting = l.waiting, nil
	if text = text[:0]; cap(text) > maxSpare {
		text = nil
	}
	for _, r := range l.writing {
		text = append(text, r.lines...)
	}
	l.mu.Unlock()
	if len(text) == 0 {
		return text
	}
	if err := l.guard(func() error { return l.file.append(text) }); err != nil {
		l.broken("writing", err)
		return text
	}
	if l.answer(false) {
		if err := l.guard(l.file.sync); err != nil {
			l.broken("syncing", err)
			return text
		}
		l.answer(true)
	}
	return text
}

// answer tells those who wait that their lines are written. Unless synced, it leaves
// those whose lines have to be on stable storage, and reports whether there are any.
func (l *Log) answer(synced bool) (left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rest []*record
	for _, r := range l.writing {
		if r.sync && !synced {
			rest = append(rest, r)
			continue
		}
		r.answer <- nil
	}
	l.writing = rest
	return len(rest) > 0
}

// writeCounts writes the lines of free events. Nobody waits for them.
func (l *Log) writeCounts() {
	l.mu.Lock()
	text, events := l.counts.lines()
	l.counts, l.repeats = counts{}, nil
	l.mu.Unlock()
	if len(text) == 0 {
		return
	}
	if err := l.guard(func() error { return l.file.append(text) }); err != nil {
		l.broken("writing", err)
		l.mu.Lock()
		l.lost += events
		l.mu.Unlock()
	}
}

// guard calls what may hang.
func (l *Log) guard(f func() error) error {
	l.watch.Reset(l.config.Timeout)
	defer l.watch.Stop()
	return f()
}
