//go:build linux

package proof

import (
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/sqlstore/pgtest"
)

const crowdSize = 64

// Three servers share a PostgreSQL while one of them is killed, one is paused
// and the database is restarted twice.
func TestThreeServersAcceptEachCodeOnceThroughCrashes(t *testing.T) {
	database := pgtest.Start(t)
	url := database.URL(database.NewDatabase())
	p := cmdtest.NewProgram(t, url)
	keys := enrol(t, url, 1000)
	servers := []*cmdtest.Server{p.Serve(), p.Serve(), p.Serve()}
	c := crowd{newHistory(t), servers, offersOf(t, keys), new(atomic.Int64), crowdSize}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { c.run(stop); close(stopped) }()
	for _, event := range []struct {
		name string
		do   func()
	}{
		{"one server is killed", servers[0].Kill},
		{"one server is paused", func() { servers[1].Signal(syscall.SIGSTOP) }},
		{"the database ends its sessions and recovers", func() { database.Crash(); database.Resume() }},
		{"the paused server goes on", func() { servers[1].Signal(syscall.SIGCONT) }},
		{"the database is shut down and started", func() { database.Stop(); time.Sleep(time.Second); database.Resume() }},
	} {
		time.Sleep(1500 * time.Millisecond)
		event.do()
		t.Logf("%v: %s", time.Since(c.history.begin).Round(time.Millisecond), event.name)
	}
	c.mustProgress(t, servers[1:]...)
	close(stop)
	<-stopped
	c.offerAcceptedAgain(servers[1:]...)
	c.history.check()
}

// The primary of two synchronous PostgreSQL servers is killed, at a time when the
// other lags behind it, and that one is promoted. Our servers are told of both
// and are not restarted.
func TestAFailoverToASynchronousStandbyForgetsNoCode(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.SynchronousStandby()
	name := primary.NewDatabase()
	url := primary.URL(name, standby)
	p := cmdtest.NewProgram(t, url)
	keys := enrol(t, url, 500)
	servers := []*cmdtest.Server{p.Serve(), p.Serve()}
	c := crowd{newHistory(t), servers, offersOf(t, keys), new(atomic.Int64), crowdSize}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { c.run(stop); close(stopped) }()
	c.mustProgress(t, servers...)
	standby.Stop()
	time.Sleep(time.Second)
	primary.Kill()
	standby.Resume()
	standby.Promote()
	begin := time.Now()
	c.mustProgress(t, servers...)
	t.Logf("accepting again %v after the promotion", time.Since(begin).Round(time.Millisecond))
	close(stop)
	<-stopped
	c.offerAcceptedAgain(servers...)
	c.history.check()
}

// mustProgress waits until codes have been accepted that were not before, after
// all that may have been under way, and sees each server give verdicts.
func (c crowd) mustProgress(t *testing.T, servers ...*cmdtest.Server) {
	t.Helper()
	const some = 10
	want := len(c.history.accepted()) + some
	for begin := time.Now(); len(c.history.accepted()) < want; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("the service has not recovered; a server's last lines:\n%s", servers[0].Lines())
		}
	}
	used := c.history.accepted()[0]
	for i, s := range servers {
		for begin := time.Now(); c.history.offer(-1, s.URL, used) != outcomeReplayed; time.Sleep(20 * time.Millisecond) {
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("server %d has not recovered; its last lines:\n%s", i, s.Lines())
			}
		}
	}
}

// offerAcceptedAgain adds to the history what each server says of every code
// that was accepted.
func (c crowd) offerAcceptedAgain(servers ...*cmdtest.Server) {
	c.history.t.Helper()
	for i, o := range slices.Compact(c.history.accepted()) {
		for try := i; c.history.offer(-1, servers[try%len(servers)].URL, o) == outcomeUnknown; try++ {
			time.Sleep(20 * time.Millisecond)
		}
	}
}
