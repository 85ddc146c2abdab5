//go:build linux

package pgtest

import (
	"fmt"
	"strings"
)

// Set changes a setting of the running server, and of every start after this.
func (s *Server) Set(name, value string) {
	s.t.Helper()
	s.Exec(superuser, fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, strings.ReplaceAll(value, "'", "''")))
	s.Exec(superuser, "SELECT pg_reload_conf()")
	s.wait("taking "+name, func() bool { return s.Query(superuser, "current_setting('"+name+"')") == value })
}

// SynchronousStandby makes a standby of the server and has every commit wait
// until it is on both.
func (s *Server) SynchronousStandby() *Server {
	s.t.Helper()
	standby := newServer(s.t)
	standby.run("pg_basebackup", "--no-sync", "--checkpoint=fast", "--write-recovery-conf", "--pgdata="+standby.data, "--dbname="+s.URL(superuser))
	standby.Resume()
	// Only now: the copy of this setting would have the standby wait, once it is
	// promoted, for a standby of its own.
	s.Set("synchronous_standby_names", "*")
	s.wait("replicating", func() bool {
		return s.Query(superuser, "SELECT coalesce(string_agg(sync_state, ','), '') FROM pg_stat_replication") == "sync"
	})
	return standby
}

// Promote makes the standby a primary.
func (s *Server) Promote() {
	s.t.Helper()
	s.Exec(superuser, "SELECT pg_promote()")
	s.wait("a primary", func() bool { return s.Query(superuser, "SELECT pg_is_in_recovery()") == "false" })
}
