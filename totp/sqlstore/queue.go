package sqlstore

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
)

// The bounds of queues and of their batches.
const (
	// maxBatch bounds how many requests share a transaction.
	maxBatch = 256
	// maxWaiting bounds a queue: a database works off as many in about a second.
	maxWaiting = 4096
)

// ErrBusy says that a queue is full: as many requests wait for the database as may.
var ErrBusy = errors.New("too many requests wait for the database")

// A queue gathers requests into batches: any number of callers ask, and the owner of a
// connection takes all requests that wait. Only these take room: a request that is
// taken, or whose caller leaves, makes room for another.
type queue[T any] struct {
	limit  int           // how many requests may wait
	ready  chan struct{} // holds one: there may be requests to take
	closed chan struct{} // closed by close

	mu      sync.Mutex
	waiting []*ticket[T]
}

// A ticket is a request that waits or was taken. Whoever takes a ticket must answer it.
type ticket[T any] struct {
	request T
	answer  chan error // holds one
}

func newQueue[T any](limit int) *queue[T] {
	return &queue[T]{limit: limit, ready: make(chan struct{}, 1), closed: make(chan struct{})}
}

// ask returns the answer to a request. It returns ErrBusy at once if the queue is full,
// ErrClosed if the queue was closed before the request was taken, and the context's
// error if that ended first. A request that was taken is carried out in any case.
func (q *queue[T]) ask(ctx context.Context, request T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &ticket[T]{request, make(chan error, 1)}
	if err := q.put(t); err != nil {
		return err
	}
	select {
	case err := <-t.answer:
		return err
	case <-ctx.Done():
		q.leave(t)
	}
	select {
	case err := <-t.answer: // the answer has come, too
		return err
	default:
		return ctx.Err()
	}
}

func (q *queue[T]) put(t *ticket[T]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.isClosed() {
		return ErrClosed
	}
	if len(q.waiting) >= q.limit {
		return ErrBusy
	}
	q.waiting = append(q.waiting, t)
	offer(q.ready)
	return nil
}

func (q *queue[T]) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (q *queue[T]) leave(t *ticket[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, t); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// take returns the requests that have waited longest, at most so many. It returns none
// if their callers have left.
func (q *queue[T]) take(most int) []*ticket[T] {
	runtime.Gosched() // lets callers that can run now join this batch
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(most, len(q.waiting))
	batch := q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) > 0 {
		offer(q.ready)
	}
	return batch
}

// serve has handle answer all requests, in batches of at most so many, until the queue
// is closed.
func (q *queue[T]) serve(most int, handle func([]T) error) {
	for {
		select {
		case <-q.ready:
			q.serveBatch(most, handle)
		case <-q.closed:
			return
		}
	}
}

func (q *queue[T]) serveBatch(most int, handle func([]T) error) {
	batch := q.take(most)
	if len(batch) == 0 {
		return
	}
	err := handle(each(batch, func(t *ticket[T]) T { return t.request }))
	for _, t := range batch {
		t.answer <- err
	}
}

// close answers the requests that wait, and those that come later, with ErrClosed. A
// request that was taken still gets its answer.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.isClosed() {
		return
	}
	close(q.closed)
	for _, t := range q.waiting {
		t.answer <- ErrClosed
	}
	q.waiting = nil
}

func (q *queue[T]) isClosed() bool {
	select {
	case <-q.closed:
		return true
	default:
		return false
	}
}

// offer reports whether there was room in the channel: there is none while the last
// offer was not taken.
func offer(to chan<- struct{}) bool {
	select {
	case to <- struct{}{}:
		return true
	default:
		return false
	}
}
