//go:build linux

package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Resume runs the server after Stop or Kill, on the same data and port, and
// waits until it takes connections.
func (s *Server) Resume() {
	s.t.Helper()
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.process = s.command("postgres", "-D", s.data, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "shared_buffers=16MB", "-c", "logging_collector=off")
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) { c.Wait(); close(ended) }(s.process, s.ended)
	s.t.Cleanup(s.end)
	s.wait("taking connections", s.answers)
}

func (s *Server) logFile() string { return filepath.Join(filepath.Dir(s.data), "log") }

func (s *Server) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL(superuser))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// wait polls for a state of the server, which must not end meanwhile.
func (s *Server) wait(doing string, reached func() bool) {
	s.t.Helper()
	late := time.After(patience)
	for !reached() {
		select {
		case <-s.ended:
			s.t.Fatalf("PostgreSQL ended before it was %s:\n%s", doing, s.log())
		case <-late:
			s.t.Fatalf("PostgreSQL is not %s after %v:\n%s", doing, patience, s.log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// log returns the end of what the server has logged.
func (s *Server) log() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// Stop shuts the server down as its administrator does for maintenance: it ends
// sessions and leaves the data consistent.
func (s *Server) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGINT)
}

// Crash ends the server's sessions at once and leaves the rest to recovery, as
// an administrator in a hurry does.
func (s *Server) Crash() {
	s.t.Helper()
	s.signal(syscall.SIGQUIT)
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("PostgreSQL did not end %v after %v:\n%s", patience, sig, s.log())
	}
}

// Pause stops all of the server's processes as they are, until Continue.
func (s *Server) Pause() { s.signalAll(syscall.SIGSTOP) }

// Continue lets a paused server go on.
func (s *Server) Continue() { s.signalAll(syscall.SIGCONT) }

func (s *Server) signalAll(sig syscall.Signal) {
	s.t.Helper()
	for _, pid := range append(children(s.process.Process.Pid), s.process.Process.Pid) {
		if err := syscall.Kill(pid, sig); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Kill ends all of the server's processes with SIGKILL.
func (s *Server) Kill() {
	s.t.Helper()
	s.end()
}

// end is Kill; it does nothing to a server that has ended.
func (s *Server) end() {
	select {
	case <-s.ended:
		return
	default:
	}
	sessions := children(s.process.Process.Pid) // PostgreSQL gives each a process group of its own
	s.process.Process.Kill()
	for _, pid := range sessions {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.ended
	for _, pid := range sessions {
		for alive(pid) {
			time.Sleep(time.Millisecond) // its shared memory would keep the next start out
		}
	}
}

// alive is false for a process that has ended, even if nobody has waited for it.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func children(pid int) (pids []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}
