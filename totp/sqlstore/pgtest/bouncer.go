//go:build linux

package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Bouncer is a PgBouncer in front of a server, in transaction mode: each
// transaction of a client gets whichever connection to the server is free.
type Bouncer struct {
	t    testing.TB
	port int
}

// Bouncer runs a PgBouncer that keeps at most so many connections to each database, idle
// ones for 5 seconds, and has its defaults otherwise: those to a hundred tests' databases
// would be more than the server takes. It fails the test if PgBouncer is not installed, and
// ends with it.
func (s *Server) Bouncer(connections int) *Bouncer {
	s.t.Helper()
	b := &Bouncer{s.t, freePort(s.t)}
	folder, err := os.MkdirTemp(filepath.Dir(s.data), "pgbouncer")
	if err != nil {
		s.t.Fatal(err)
	}
	s.Own(folder)
	for name, text := range map[string]string{
		"users.txt": fmt.Sprintf("%q \"\"\n", superuser),
		"pgbouncer.ini": strings.Join([]string{
			"[databases]",
			fmt.Sprintf("* = host=127.0.0.1 port=%d", s.port),
			"[pgbouncer]",
			"listen_addr = 127.0.0.1",
			fmt.Sprintf("listen_port = %d", b.port),
			"unix_socket_dir =",
			"auth_type = trust",
			"auth_file = " + filepath.Join(folder, "users.txt"),
			"pool_mode = transaction",
			fmt.Sprintf("default_pool_size = %d", connections),
			"server_idle_timeout = 5",
			"",
		}, "\n"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	b.run(folder)
	return b
}

func (b *Bouncer) run(folder string) {
	b.t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian keeps it out of a user's PATH
	}
	c := exec.Command(program, filepath.Join(folder, "pgbouncer.ini"))
	c.SysProcAttr = &syscall.SysProcAttr{Credential: credential(b.t), Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	var log strings.Builder
	c.Stderr = &log
	if err := c.Start(); err != nil {
		b.t.Fatalf("running PgBouncer: %v: apt-get install pgbouncer", err)
	}
	ended := make(chan struct{})
	go func() { c.Wait(); close(ended) }()
	b.t.Cleanup(func() { c.Process.Kill(); <-ended })
	for begin := time.Now(); !b.answers(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			c.Process.Kill()
			<-ended
			b.t.Fatalf("PgBouncer does not answer after %v:\n%s", patience, log.String())
		}
	}
}

func (b *Bouncer) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, b.URL(superuser))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// URL is that of a database of the server, through PgBouncer.
func (b *Bouncer) URL(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s", superuser, b.port, database)
}
