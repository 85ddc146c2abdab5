//go:build linux

package sqlstore_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
	"totpctl/totp/verifier/storetest"
)

func TestTheStoreContractsHoldThroughPgBouncer(t *testing.T) {
	server := pgtest.Start(t)
	bouncer := server.Bouncer(2)
	storetest.Run(t, func(t *testing.T) storetest.Open {
		url := bouncer.URL(server.NewDatabase())
		return func(t *testing.T) verifier.Store { return openPostgres(t, url) }
	})
}

func TestConnectionsThatPgBouncerLosesAreMadeAnewWithoutAnError(t *testing.T) {
	server := pgtest.Start(t)
	v, c, k := postgresFixture(t, server.Bouncer(4).URL(server.NewDatabase()))
	for range 3 {
		server.Exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'totpctl'")
		mustAccept(t, v, c, k)
		if _, err := v.RecoveryCodes(t.Context(), "alice"); err != nil {
			t.Error(err)
		}
		c.next()
	}
}

// The servers and the command line share two connections between them, in whatever
// state each leaves them.
func TestServersThroughPgBouncerAcceptACodeOnce(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Bouncer(2).URL(server.NewDatabase())
	v, c, k := postgresFixture(t, url)
	servers := []*verifier.Verifier{v, newVerifier(t, openPostgres(t, url), c), newVerifier(t, openPostgres(t, url), c)}
	for range 5 {
		attempt := verifier.Attempt{Account: "alice", Code: codeOf(t, k.Key, c)}
		var all sync.WaitGroup
		var accepted atomic.Int64
		for i := range 60 {
			all.Go(func() {
				verdict, err := servers[i%len(servers)].Check(t.Context(), attempt)
				if err != nil {
					t.Error(err)
				}
				if verdict.Valid {
					accepted.Add(1)
				}
			})
		}
		commandLine := newVerifier(t, openPostgres(t, url), c)
		if _, _, err := commandLine.List(t.Context(), verifier.Query{}, 10); err != nil {
			t.Error(err)
		}
		if _, err := commandLine.Rekey(t.Context(), "alice", false); err != nil {
			t.Error(err)
		}
		all.Wait()
		if n := accepted.Load(); n != 1 {
			t.Errorf("one code was accepted %d times", n)
		}
		c.next()
	}
}
