//go:build linux

package sqlstore_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
)

// Whoever knows the server's address may ask for enrolment links, as fast as he
// likes and without waiting for the answer.
func TestStrangersWhoAskForLinksHoldNoVerdictUp(t *testing.T) {
	server := pgtest.Start(t)
	address := server.URL(server.NewDatabase())
	_, c, k := postgresFixture(t, address)
	v := newVerifier(t, openPostgres(t, far(t, address, 10*time.Millisecond)), c)
	mustAccept(t, v, c, k)
	c.next()
	defer hangUpOn(t, v, 2000)()
	time.Sleep(time.Second) // for whatever builds up
	wantVerdictsWithin(t, v, c, k.Account, time.Second, func() string { return codeOf(t, k.Key, c) })
	server.Exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'totpctl'")
	wantVerdictsWithin(t, v, c, k.Account, time.Second, func() string { return codeOf(t, k.Key, c) })
}

// Those who stay fill the queue of look-ups when the database stalls. That queue
// is not the one that verdicts wait in.
func TestStrangersWhoWaitForLinksLeaveRoomForVerdicts(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		store := d.mustOpen(t, encryptionKey)
		c := newClock()
		v := newVerifier(t, store, c)
		e, _ := enrol(t, v, c, "alice")
		c.next()
		mustAccept(t, v, c, e.Entry)
		c.next()
		release := d.stall(t)
		held := make(chan error, 1) // keeps SQLite's writer waiting
		go func() { held <- store.Remove(t.Context(), "nobody") }()
		var all sync.WaitGroup
		var refused atomic.Int64
		for range 5000 {
			all.Go(func() {
				if _, err := store.FindToken(t.Context(), "nothing"); errors.Is(err, sqlstore.ErrBusy) {
					refused.Add(1)
				} else if !errors.Is(err, verifier.ErrNoAccount) {
					t.Errorf("a look-up: %v", err)
				}
			})
		}
		for begin := time.Now(); refused.Load() < 100; time.Sleep(time.Millisecond) {
			if time.Since(begin) > 2*time.Second {
				t.Fatalf("%d look-ups were refused while the database stalled", refused.Load())
			}
		}
		time.AfterFunc(100*time.Millisecond, release)
		mustAccept(t, v, c, e.Entry)
		all.Wait()
		if err := <-held; !errors.Is(err, verifier.ErrNoAccount) {
			t.Error(err)
		}
	})
}

func wantVerdictsWithin(t *testing.T, v *verifier.Verifier, c *clock, account string, limit time.Duration, code func() string) {
	t.Helper()
	for range 10 {
		begin := time.Now()
		verdict, err := v.Check(t.Context(), verifier.Attempt{Account: account, Code: code()})
		if took := time.Since(begin); err != nil || !verdict.Valid || took > limit {
			t.Errorf("%+v, %v after %v, want valid within %v", verdict, err, took, limit)
		}
		c.next()
	}
}

// hangUpOn asks for links that there are not, so many a second, and leaves each
// time before the answer. The returned function ends that.
func hangUpOn(t *testing.T, v *verifier.Verifier, perSecond int) (end func()) {
	const tick = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		ticks := time.NewTicker(tick)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
			for range perSecond * int(tick/time.Millisecond) / 1000 {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, tick)
					defer cancel()
					v.Peek(ctx, "nothing", "")
				})
			}
		}
	})
	return func() { cancel(); all.Wait() }
}

// far returns the URL of the same server behind a line whose round trip takes
// that much longer.
func far(t *testing.T, address string, roundTrip time.Duration) string {
	t.Helper()
	return inFrontOf(t, address, func(client, server net.Conn) {
		go passLate(server, client, roundTrip/2)
		go passLate(client, server, roundTrip/2)
	})
}

// passLate holds each packet, and the end, for as long; many may be on their way.
func passLate(to, from net.Conn, delay time.Duration) {
	type packet struct {
		due  time.Time
		data []byte
	}
	way := make(chan packet, 1000)
	go func() {
		defer close(way)
		for {
			data := make([]byte, 1<<14)
			n, err := from.Read(data)
			if err != nil {
				return
			}
			way <- packet{time.Now().Add(delay), data[:n]}
		}
	}()
	defer to.Close()
	for p := range way {
		time.Sleep(time.Until(p.due))
		to.Write(p.data)
	}
}
