//go:build linux

package sqlstore_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
)

// A server that the network cuts off may leave nothing locked: PostgreSQL learns
// of it after hours.
func TestAServerCutOffWhileItEditsHoldsNobodyUp(t *testing.T) {
	server := pgtest.Start(t)
	address := server.URL(server.NewDatabase())
	v, c, k := postgresFixture(t, address)
	for packets := range int64(8) {
		t.Run(fmt.Sprintf("after %d packets", packets), func(t *testing.T) {
			through := newWire(t, address)
			other := newVerifier(t, openPostgres(t, through.url), newClock())
			if _, err := other.Rekey(t.Context(), "alice", false); err != nil { // makes the connections
				t.Fatal(err)
			}
			through.cutAfter(packets)
			done := make(chan error, 1)
			go func() { _, err := other.Rekey(t.Context(), "alice", false); done <- err }()
			select {
			case <-through.cut:
			case err := <-done:
				t.Logf("rekeyed before the cut: %v", err)
			}
			begin := time.Now()
			mustAccept(t, v, c, k)
			if waited := time.Since(begin); waited > 4*time.Second {
				t.Errorf("the verdict took %v", waited)
			}
			c.next()
		})
	}
}

// A connection may end as soon as it has begun, while PostgreSQL starts or stops.
func TestAWriterThatLostItsNewConnectionOpensAnother(t *testing.T) {
	server := pgtest.Start(t)
	address := server.URL(server.NewDatabase())
	_, c, k := postgresFixture(t, address)
	var begun atomic.Int64
	v := newVerifier(t, openPostgres(t, inFrontOf(t, address, func(client, server net.Conn) {
		go io.Copy(client, server)
		go func() {
			defer client.Close()
			defer server.Close()
			for packet := make([]byte, 1<<16); ; {
				n, err := client.Read(packet)
				if err != nil || bytes.Contains(packet[:n], []byte("pg_backend_pid")) && begun.Add(1) == 2 {
					return
				}
				server.Write(packet[:n])
			}
		}()
	})), c)
	if verdict, err := v.Check(t.Context(), verifier.Attempt{Account: k.Account, Code: codeOf(t, k.Key, c)}); err == nil {
		t.Fatalf("%+v on the writer's lost connection, want an error", verdict)
	}
	mustAccept(t, v, c, k)
}

// A wire leads to a PostgreSQL server until it is cut: then what the client sends
// vanishes, and neither end is told.
type wire struct {
	url  string
	left atomic.Int64  // packets from the client before the cut
	cut  chan struct{} // holds one
}

func newWire(t *testing.T, address string) *wire {
	t.Helper()
	w := &wire{cut: make(chan struct{}, 1)}
	w.cutAfter(1 << 40)
	w.url = inFrontOf(t, address, func(client, server net.Conn) {
		go io.Copy(client, server)
		go w.pass(client, server)
	})
	return w
}

func (w *wire) cutAfter(packets int64) { w.left.Store(packets) }

// pass leaves the connection to the server open when the client has gone after the
// cut.
func (w *wire) pass(client, server net.Conn) {
	packet := make([]byte, 1<<16)
	for {
		n, err := client.Read(packet)
		if err != nil {
			if w.left.Load() > 0 {
				server.Close()
			}
			return
		}
		if w.left.Add(-1) >= 0 {
			server.Write(packet[:n])
			continue
		}
		select {
		case w.cut <- struct{}{}:
		default:
		}
	}
}

// inFrontOf returns the URL of the same database behind a listener. Each connection to
// the listener gets one to the server, and join starts passing data between the two.
func inFrontOf(t *testing.T, address string, join func(client, server net.Conn)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go acceptFor(l, u.Host, join)
	u.Host = l.Addr().String()
	return u.String()
}

func acceptFor(l net.Listener, host string, join func(client, server net.Conn)) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", host)
		if err != nil {
			client.Close()
			continue
		}
		join(client, server)
	}
}
