package cmd_test

import (
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"totpctl/totp/sqlstore/pgtest"
)

const proofClients = 64

// Three servers share a PostgreSQL while one of them is killed, one is paused
// and the database is restarted twice.
func TestThreeServersAcceptEachCodeOnceThroughCrashes(t *testing.T) {
	database := pgtest.Start(t)
	url := database.URL(database.NewDatabase())
	p := newProofProgram(t, url)
	keys := enrolForProof(t, url, 1000)
	servers := []*proofServer{p.serve(), p.serve(), p.serve()}
	load := proofLoad{newProofHistory(t), servers, proofOffers(t, keys), new(atomic.Int64), proofClients}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { load.run(stop); close(stopped) }()
	for _, event := range []struct {
		name string
		do   func()
	}{
		{"one server is killed", servers[0].kill},
		{"one server is paused", func() { servers[1].signal(syscall.SIGSTOP) }},
		{"the database ends its sessions and recovers", func() { database.Crash(); database.Resume() }},
		{"the paused server goes on", func() { servers[1].signal(syscall.SIGCONT) }},
		{"the database is shut down and started", func() { database.Stop(); time.Sleep(time.Second); database.Resume() }},
	} {
		time.Sleep(1500 * time.Millisecond)
		event.do()
		t.Logf("%v: %s", time.Since(load.history.begin).Round(time.Millisecond), event.name)
	}
	load.mustProgress(t, servers[1:]...)
	close(stop)
	<-stopped
	load.offerAcceptedAgain(servers[1:]...)
	load.history.check()
}

// The primary of two synchronous PostgreSQL servers is killed, at a time when the
// other lags behind it, and that one is promoted. Our servers are told of both
// and are not restarted.
func TestAFailoverToASynchronousStandbyForgetsNoCode(t *testing.T) {
	primary := pgtest.Start(t)
	standby := primary.SynchronousStandby()
	name := primary.NewDatabase()
	url := primary.URL(name, standby)
	p := newProofProgram(t, url)
	keys := enrolForProof(t, url, 500)
	servers := []*proofServer{p.serve(), p.serve()}
	load := proofLoad{newProofHistory(t), servers, proofOffers(t, keys), new(atomic.Int64), proofClients}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { load.run(stop); close(stopped) }()
	load.mustProgress(t, servers...)
	standby.Stop()
	time.Sleep(time.Second)
	primary.Kill()
	standby.Resume()
	standby.Promote()
	begin := time.Now()
	load.mustProgress(t, servers...)
	t.Logf("accepting again %v after the promotion", time.Since(begin).Round(time.Millisecond))
	close(stop)
	<-stopped
	load.offerAcceptedAgain(servers...)
	load.history.check()
}

// mustProgress waits until codes have been accepted that were not before, after
// all that may have been under way, and sees each server give verdicts.
func (l proofLoad) mustProgress(t *testing.T, servers ...*proofServer) {
	t.Helper()
	const some = 10
	want := len(l.history.accepted()) + some
	for begin := time.Now(); len(l.history.accepted()) < want; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("the service has not recovered; a server's last lines:\n%s", servers[0].lines())
		}
	}
	used := l.history.accepted()[0]
	for i, s := range servers {
		for begin := time.Now(); l.history.offer(-1, s.url, used) != proofReplayed; time.Sleep(20 * time.Millisecond) {
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("server %d has not recovered; its last lines:\n%s", i, s.lines())
			}
		}
	}
}

// offerAcceptedAgain adds to the history what each server says of every code
// that was accepted.
func (l proofLoad) offerAcceptedAgain(servers ...*proofServer) {
	l.history.t.Helper()
	for i, o := range slices.Compact(l.history.accepted()) {
		for try := i; l.history.offer(-1, servers[try%len(servers)].url, o) == proofUnknown; try++ {
			time.Sleep(20 * time.Millisecond)
		}
	}
}
