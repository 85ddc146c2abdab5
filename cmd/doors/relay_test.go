//go:build linux

package doors

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// A relay is the network between a proxy and a server. It can be cut, as by a server that
// is down, and can lose the answers to checks, as a server that dies after its commit does.
type relay struct {
	t        *testing.T
	addr, to string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	losing   int // how many more answers to checks are to be lost
	lost     int
	checks   int // that were asked
}

// all are more answers than a test has.
const all = 1 << 20

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	r := &relay{t: t, addr: freeAddress(t, "127.0.0.1"), to: to, open: map[net.Conn]bool{}}
	r.up()
	t.Cleanup(r.down)
	return r
}

func (r *relay) up() {
	r.t.Helper()
	l, err := net.Listen("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.listener, r.losing, r.lost = l, 0, 0
	r.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(conn)
		}
	}()
}

// down refuses connections from now on.
func (r *relay) down() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener.Close()
	for conn := range r.open {
		conn.Close()
	}
}

// lose loses the next answers to checks.
func (r *relay) lose(answers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.losing, r.lost = answers, 0
}

// lostAnswers is how many answers it has lost since lose.
func (r *relay) lostAnswers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

func (r *relay) pass(proxy net.Conn) {
	defer proxy.Close()
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	r.open[proxy], r.open[server] = true, true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.open, proxy)
		delete(r.open, server)
		r.mu.Unlock()
	}()
	doomed := make(chan bool, 1)
	go func() {
		defer server.Close()
		copyUntil(server, proxy, func(request []byte) bool {
			if r.isDoomed(request) {
				select {
				case doomed <- true:
				default:
				}
			}
			return false
		})
	}()
	copyUntil(proxy, server, func([]byte) bool {
		select {
		case <-doomed:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.lost++
			r.losing--
			return true
		default:
			return false
		}
	})
}

// isDoomed counts a check, and reports whether its answer is to be lost.
func (r *relay) isDoomed(request []byte) bool {
	if !bytes.Contains(request, []byte(" /check")) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks++
	return r.losing > 0
}

// askedChecks is how many checks went through.
func (r *relay) askedChecks() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.checks
}

// copyUntil copies until the source ends, or stop says so of a piece.
func copyUntil(to, from net.Conn, stop func([]byte) bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && stop(buffer[:n]) {
			return
		}
		if _, bad := to.Write(buffer[:n]); bad != nil || err != nil {
			return
		}
	}
}
