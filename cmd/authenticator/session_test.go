package authenticator

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/totp"
)

// testEntry has the secret of RFC 6238 appendix B for SHA1.
func testEntry(t testing.TB, digits int, period time.Duration) totp.Entry {
	t.Helper()
	secret, err := totp.NewSecret([]byte("12345678901234567890"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := totp.NewKey(secret, totp.Scheme{Algorithm: totp.SHA1, Digits: digits, Period: period})
	if err != nil {
		t.Fatal(err)
	}
	return totp.Entry{Issuer: "A&B <C>", Account: "é\u200d@example.com", Key: key}
}

func at(t testing.TB, value string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func codeAt(t testing.TB, k totp.Key, moment time.Time) string {
	t.Helper()
	code, err := k.Code(moment)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// A wallClock runs with the bubble's time and can be set, as a machine's can:
// timers do not notice. A suspended machine looks the same when it wakes.
type wallClock struct{ offset, asked atomic.Int64 }

func (w *wallClock) now() time.Time {
	w.asked.Add(1)
	return time.Now().Add(time.Duration(w.offset.Load()))
}

func (w *wallClock) jump(d time.Duration) { w.offset.Add(int64(d)) }
func (w *wallClock) set(to time.Time)     { w.offset.Store(int64(time.Until(to))) }

type write struct {
	at   time.Time // by the wall clock
	text string
}

// A recorder remembers each Write and when it came. It fails from the write
// number failAt on, and takes delay for each.
type recorder struct {
	clock  *wallClock
	failAt int
	delay  time.Duration

	mu     sync.Mutex
	writes []write
}

func (r *recorder) Write(p []byte) (int, error) {
	defer time.Sleep(r.delay)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failAt > 0 && len(r.writes)+1 >= r.failAt {
		return 0, syscall.EPIPE
	}
	now := time.Now().Add(time.Duration(r.clock.offset.Load()))
	r.writes = append(r.writes, write{now.UTC().Round(0), string(p)})
	return len(p), nil
}

func (r *recorder) take() []write {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.writes
	r.writes = nil
	return taken
}

// A session is a Run under way in a bubble.
type session struct {
	t      *testing.T
	clock  *wallClock
	out    *recorder
	key    totp.Key
	cancel context.CancelFunc
	done   chan error
}

// start runs c in a bubble from the moment start by the wall clock.
func start(t *testing.T, c Config, out *recorder, moment string) *session {
	t.Helper()
	clock := &wallClock{}
	clock.set(at(t, moment))
	out.clock = clock
	ctx, cancel := context.WithCancel(t.Context())
	c.Clock, c.Out = clock.now, out
	s := &session{t, clock, out, c.Entry.Key, cancel, make(chan error, 1)}
	go func() { s.done <- Run(ctx, c) }()
	synctest.Wait()
	return s
}

func (s *session) stop() {
	s.t.Helper()
	s.cancel()
	synctest.Wait()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("Run ends with %v", err)
		}
	default:
		s.t.Error("Run goes on after its context ended")
	}
}

// sees checks that exactly these moments had a write, each the bare code of its
// time.
func (s *session) sees(moments ...string) {
	s.t.Helper()
	got := s.out.take()
	if len(got) != len(moments) {
		s.t.Fatalf("%d writes, want %d: %v", len(got), len(moments), got)
	}
	for i, w := range got {
		if want := at(s.t, moments[i]); !w.at.Equal(want) {
			s.t.Errorf("write %d came at %v, want %v", i, w.at, want)
		}
		if want := codeAt(s.t, s.key, w.at) + "\n"; w.text != want {
			s.t.Errorf("at %v: %q, want %q", w.at, w.text, want)
		}
	}
}
