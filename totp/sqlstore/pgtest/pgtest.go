//go:build linux

// Package pgtest runs throwaway PostgreSQL servers for tests: the real program,
// with fsync on, in a temporary folder and on a loopback port. Whatever it starts
// ends with the test.
package pgtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser is the role that every server has; it needs no password.
const superuser = "postgres"

// patience bounds every wait for a server.
const patience = 30 * time.Second

// A Server is a PostgreSQL server that a test owns. Its methods end the test
// when they fail, so they belong to the test's own goroutine.
type Server struct {
	t       testing.TB
	folder  string // that of the programs
	data    string
	port    int
	process *exec.Cmd
	ended   chan struct{} // closed when the process has
}

// Start makes a new cluster and runs it. It fails the test if PostgreSQL is not
// installed.
func Start(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	// A locale that does not sort by bytes, as most installations have.
	s.run("initdb", "--no-sync", "--auth=trust", "--username="+superuser, "--encoding=UTF8",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=und", "--pgdata="+s.data)
	s.Resume()
	return s
}

func newServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, folder: programs(t), port: freePort(t)}
	parent, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	s.data = filepath.Join(parent, "data")
	s.Own(parent)
	return s
}

// programs returns the folder of the newest PostgreSQL: Debian keeps the
// server's programs out of PATH.
func programs(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		t.Fatal("PostgreSQL is not installed: apt-get install postgresql")
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) }))
}

func major(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// credential is the user postgres if the test is root's: PostgreSQL refuses root.
func credential(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(superuser)
	if err != nil {
		t.Fatalf("running PostgreSQL as root: %v: apt-get install postgresql", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// freePort stays out of the range that the kernel gives to clients: one of those
// could take the port while the server is down.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port between 20000 and 32000")
	return 0
}

// command is a program of PostgreSQL's, not yet started.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.folder, program), args...)
	c.Dir = filepath.Dir(s.data)
	c.Env = []string{"LC_ALL=C", "TZ=UTC"}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: credential(s.t), Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return c
}

func (s *Server) run(program string, args ...string) []byte {
	s.t.Helper()
	c := s.command(program, args...)
	var errOut strings.Builder
	c.Stderr = &errOut
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, errOut.String())
	}
	return out
}

// URL is that of a database on this server or, where it has the same name, on
// the others: the client is to find the one that takes writes.
func (s *Server) URL(database string, others ...*Server) string {
	hosts := []string{}
	for _, each := range append([]*Server{s}, others...) {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", each.port))
	}
	return fmt.Sprintf("postgres://%s@%s/%s", superuser, strings.Join(hosts, ","), database)
}

// NewDatabase makes an empty database and returns its name.
func (s *Server) NewDatabase() string {
	s.t.Helper()
	name := fmt.Sprintf("d%x", rand.Uint64())
	s.connected(superuser, func(ctx context.Context, conn *pgx.Conn) error {
		// A client that asks a standby for it first is to find it there, too.
		if _, err := conn.Exec(ctx, "SET synchronous_commit = remote_apply"); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name)
		return err
	})
	return name
}

// Exec runs statements in a database.
func (s *Server) Exec(database, statements string) {
	s.t.Helper()
	s.connected(database, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statements)
		return err
	})
}

// Query returns the first column of a query's first row, as text.
func (s *Server) Query(database, query string) (value string) {
	s.t.Helper()
	s.connected(database, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT ("+query+")::text").Scan(&value)
	})
	return value
}

func (s *Server) connected(database string, f func(context.Context, *pgx.Conn) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := f(ctx, conn); err != nil {
		s.t.Fatal(err)
	}
}

// Dump returns a database as statements of SQL.
func (s *Server) Dump(database string) []byte {
	s.t.Helper()
	return s.run("pg_dump", "--inserts", "--dbname="+s.URL(database))
}

// Own gives a file or folder to the user that the server runs as.
func (s *Server) Own(path string) {
	s.t.Helper()
	c := credential(s.t)
	if c == nil {
		return
	}
	if err := os.Chown(path, int(c.Uid), int(c.Gid)); err != nil {
		s.t.Fatal(err)
	}
}
