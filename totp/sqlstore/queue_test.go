package sqlstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// asking has a request wait in the queue; the channel gets its answer.
func asking(ctx context.Context, q *queue[int], request int) <-chan error {
	answer := make(chan error, 1)
	go func() { answer <- q.ask(ctx, request) }()
	synctest.Wait()
	return answer
}

func wantAnswer(t *testing.T, answer <-chan error, want error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-answer:
		if !errors.Is(err, want) {
			t.Errorf("the answer is %v, want %v", err, want)
		}
	default:
		t.Errorf("no answer, want %v", want)
	}
}

func TestAQueueGivesWhatWaitsInBatchesInTheOrderOfAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue[int](10)
		defer q.close()
		var answers []<-chan error
		for i := range 5 {
			answers = append(answers, asking(t.Context(), q, i))
		}
		var batches [][]int
		failure := errors.New("failure")
		go q.serve(2, func(batch []int) error {
			if batches = append(batches, batch); len(batches) == 2 {
				return failure
			}
			return nil
		})
		synctest.Wait()
		if !slices.EqualFunc(batches, [][]int{{0, 1}, {2, 3}, {4}}, slices.Equal) {
			t.Errorf("batches are %v", batches)
		}
		for i, want := range []error{nil, nil, failure, failure, nil} {
			wantAnswer(t, answers[i], want)
		}
	})
}

func TestAFullQueueRefusesAtOnceUntilSomebodyLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue[int](2)
		impatient, leave := context.WithCancel(t.Context())
		first, second := asking(t.Context(), q, 1), asking(impatient, q, 2)
		wantAnswer(t, asking(t.Context(), q, 3), ErrBusy)
		leave()
		wantAnswer(t, second, context.Canceled)
		third := asking(t.Context(), q, 3)
		wantAnswer(t, asking(t.Context(), q, 4), ErrBusy)
		wantAnswer(t, asking(impatient, q, 5), context.Canceled)
		for i, ticket := range q.take(10) {
			if want := []int{1, 3}[i]; ticket.request != want {
				t.Errorf("taken: %d, want %d", ticket.request, want)
			}
			ticket.answer <- nil
		}
		wantAnswer(t, first, nil)
		wantAnswer(t, third, nil)
		if batch := q.take(10); len(batch) > 0 {
			t.Errorf("taken from an empty queue: %v", batch)
		}
	})
}

func TestWhoHasAnAnswerGetsItThoughTheContextHasEnded(t *testing.T) {
	for range 100 { // a select would choose either
		synctest.Test(t, func(t *testing.T) {
			q := newQueue[int](1)
			ctx, cancel := context.WithCancel(t.Context())
			answer := asking(ctx, q, 1)
			taken := q.take(1)
			failure := errors.New("failure")
			q.mu.Lock() // whoever leaves waits for it
			cancel()
			taken[0].answer <- failure
			q.mu.Unlock()
			wantAnswer(t, answer, failure)
		})
	}
}

// A verdict that was committed must not be reported as one that was not given.
func TestAClosedQueueOwesAnAnswerToWhatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue[int](10)
		taken := asking(t.Context(), q, 1)
		batch := q.take(1)
		waiting := asking(t.Context(), q, 2)
		q.close()
		wantAnswer(t, waiting, ErrClosed)
		wantAnswer(t, asking(t.Context(), q, 3), ErrClosed)
		select {
		case err := <-taken:
			t.Errorf("answered before its batch: %v", err)
		default:
		}
		batch[0].answer <- nil
		wantAnswer(t, taken, nil)
		q.close()
		q.serve(1, func([]int) error { t.Error("served after closing"); return nil })
	})
}

func TestSeveralWorkersShareAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue[int](10)
		defer q.close()
		begun, release := make(chan int, 10), make(chan struct{})
		for range 3 {
			go q.serve(1, func(batch []int) error { begun <- batch[0]; <-release; return nil })
		}
		var answers []<-chan error
		for i := range 4 {
			answers = append(answers, asking(t.Context(), q, i))
		}
		if len(begun) != 3 {
			t.Errorf("%d requests are handled at once, want 3", len(begun))
		}
		close(release)
		for _, a := range answers {
			wantAnswer(t, a, nil)
		}
	})
}
