package client

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/server/api"
)

const yes = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n" + `{"status":true}`

// A peer does one connection's part after the request has been read.
type peer func(conn net.Conn)

func say(text string) peer { return func(conn net.Conn) { io.WriteString(conn, text) } }

func reset(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }

// A script is a server that plays one peer a connection, the last one ever after.
type script struct {
	peers []peer
	mu    sync.Mutex
	asked []*http.Request
}

func (s *script) play(conn net.Conn) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.asked = append(s.asked, r)
	p := s.peers[min(len(s.asked), len(s.peers))-1]
	s.mu.Unlock()
	p(conn)
}

// requests returns how many there were and with how many Idempotency-Keys.
func (s *script) requests() (n, keys int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	distinct := map[string]bool{}
	for _, r := range s.asked {
		distinct[r.Header.Get("Idempotency-Key")] = true
	}
	return len(s.asked), len(distinct)
}

func (s *script) listen(t *testing.T, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.play(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

func TestALostConnectionIsTriedAgainWithTheSameKey(t *testing.T) {
	for name, lose := range map[string]peer{
		"before the answer": func(net.Conn) {},
		"reset":             reset,
		"in the status":     say("HTTP/1.1 20"),
		"in a header":       say("HTTP/1.1 200 OK\r\nContent-Le"),
		"after a header":    say("HTTP/1.1 200 OK\r\n"),
		"in the body":       say(yes[:len(yes)-3]),
		"in a chunk":        say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"status\""),
	} {
		s := &script{peers: []peer{lose, lose, say(yes)}}
		r, err := newClient(t, s.listen(t, "127.0.0.1:0")).Check(t.Context(), api.Question{Account: "alice", Code: code})
		if n, keys := s.requests(); err != nil || !r.Status || n != 3 || keys != 1 {
			t.Errorf("lost %s: %+v, %v after %d requests with %d keys", name, r, err, n, keys)
		}
	}
}

func TestALostGetIsNotTriedAgain(t *testing.T) {
	notFound := "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
	for name, lose := range map[string]peer{"before the answer": func(net.Conn) {}, "reset": reset, "in the body": say(yes[:len(yes)-3])} {
		s := &script{peers: []peer{say(notFound), lose, say(yes)}}
		r, err := newClient(t, s.listen(t, "127.0.0.1:0")).Check(t.Context(), api.Question{Code: code})
		wantError(t, err, "asking http://127.0.0.1:", "is the server up")
		if n, _ := s.requests(); r.Status || n != 2 {
			t.Errorf("lost %s: %+v after %d requests, want POST and GET", name, r, n)
		}
	}
}

// On a used connection net/http repeats a GET by itself.
func TestThePostsConnectionIsNotUsedAgain(t *testing.T) {
	var from sync.Map
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		from.Store(r.RemoteAddr, r.Method)
		w.WriteHeader(404)
	})
	c.Check(t.Context(), api.Question{Code: code})
	n := 0
	from.Range(func(_, _ any) bool { n++; return true })
	if n != 2 {
		t.Errorf("POST and GET used %d connections, want one each", n)
	}
}

func TestIPv6LoopbackWorksWithoutAWarning(t *testing.T) {
	s := &script{peers: []peer{say(yes)}}
	if r, err := newClient(t, s.listen(t, "[::1]:0")).Check(t.Context(), api.Question{Code: code}); err != nil || !r.Status {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestARefusedConnectionAsksForServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	_, err = newClient(t, url).Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "asking "+url+": connection refused", "`totpctl serve`")
}

// piped is a client whose connections end in s, on a bubble's fake clock; dial
// may fail first.
func piped(t *testing.T, c *Client, s *script, dial func() error) {
	t.Helper()
	c.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		if err := dial(); err != nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
		ours, theirs := net.Pipe()
		go s.play(theirs)
		return ours, nil
	}
}

func TestRetriesWaitLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, start := newClient(t, "http://127.0.0.1:5000"), &script{peers: []peer{say(yes)}}, time.Now()
		var at []time.Duration
		piped(t, c, s, func() error {
			at = append(at, time.Since(start))
			if len(at) < 5 {
				return os.NewSyscallError("connect", syscall.ECONNREFUSED)
			}
			return nil
		})
		r, err := c.Check(t.Context(), api.Question{Code: code})
		if err != nil || !r.Status || fmt.Sprint(at) != "[0s 100ms 300ms 700ms 1.5s]" {
			t.Errorf("%+v, %v after tries at %v", r, err, at)
		}
	})
}

func TestAServerThatNeverGivesAWholeAnswerIsAnErrorInTheEnd(t *testing.T) {
	echo := func(conn net.Conn) { fmt.Fprintf(conn, "Bearer %s %s \x1b[2J\r\n", bearer, code) }
	for want, p := range map[string]peer{
		"unexpected EOF": say(yes[:len(yes)-1]), "EOF": func(net.Conn) {}, `malformed HTTP status code "[redacted]"`: echo, `malformed HTTP status code "2OO"`: say("HTTP/1.1 2OO OK\r\n\r\n"),
		"exceeded": say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeader)),
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := newClient(t, "http://127.0.0.1:5000"), &script{peers: []peer{p}}
			piped(t, c, s, func() error { return nil })
			r, err := c.Check(t.Context(), api.Question{Code: code})
			wantError(t, err, want, "is the server up")
			if n, keys := s.requests(); r.Status || n != 5 || keys != 1 || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%+v, %q after %d requests with %d keys", r, err, n, keys)
			}
		})
	}
}

func TestTheTimeoutCoversTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, start := newClient(t, "http://127.0.0.1:5000"), time.Now()
		c.config.Timeout = 250 * time.Millisecond
		piped(t, c, nil, func() error { return os.NewSyscallError("connect", syscall.ECONNREFUSED) })
		_, err := c.Check(t.Context(), api.Question{Code: code})
		wantError(t, err, "connection refused", "serve")
		if took := time.Since(start); took != c.config.Timeout {
			t.Errorf("took %v", took)
		}
	})
}

func TestASilentServerIsAnErrorAfterTheTimeout(t *testing.T) {
	hang := func(conn net.Conn) { conn.Read(make([]byte, 1)) }
	slow := func(conn net.Conn) { io.WriteString(conn, yes[:len(yes)-3]); hang(conn) }
	for name, peers := range map[string][]peer{"no answer": {hang}, "half a body": {slow}, "half the fallback": {say("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n"), slow}} {
		synctest.Test(t, func(t *testing.T) {
			c, s, start := newClient(t, "http://127.0.0.1:5000"), &script{peers: peers}, time.Now()
			piped(t, c, s, func() error { return nil })
			r, err := c.Check(t.Context(), api.Question{Code: code})
			wantError(t, err, "no answer within 10s", "is the server up")
			if n, _ := s.requests(); r.Status || n != len(peers) || time.Since(start) != DefaultTimeout {
				t.Errorf("%s: %+v after %v and %d requests", name, r, time.Since(start), n)
			}
		})
	}
}

func TestAnUnknownNameIsNotTriedAgain(t *testing.T) {
	c, n := newClient(t, "http://127.0.0.1:5000"), 0
	piped(t, c, nil, func() error {
		n++
		return &net.DNSError{Err: "no such host", Name: "nowhere.example", IsNotFound: true}
	})
	_, err := c.Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "no such host", "TOTPCTL_URL")
	if n != 1 {
		t.Errorf("looked up %d times", n)
	}
}

func TestABearerThatCrossesANetworkInTheClearIsWarnedAboutOnce(t *testing.T) {
	for url, want := range map[string]int{
		"http://totp.example.com": 1, "http://192.168.1.7:5000": 1, "http://localhost.example.com": 1, "http://notlocalhost": 1, "http://[fe80::1]:5000": 1,
		"http://0.0.0.0:5000": 1, "http://128.0.0.1": 1, "https://totp.example.com": 0,
		"http://localhost:5000": 0, "http://LOCALHOST": 0, "http://app.localhost": 0, "http://127.0.0.1": 0, "http://127.9.9.9:80": 0, "http://[::1]:5000": 0, "http://[::ffff:127.0.0.1]": 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			var warnings []string
			c, err := New(Config{URL: url, Bearer: bearer, Clock: time.Now, Warn: func(text string) { warnings = append(warnings, text) }})
			if err != nil {
				t.Fatal(err)
			}
			c.http.Transport.(*http.Transport).Proxy = nil
			piped(t, c, nil, func() error { return syscall.ECONNREFUSED })
			if len(warnings) > 0 {
				t.Errorf("%s: warned before anything was sent", url)
			}
			for range 2 {
				c.Check(t.Context(), api.Question{Code: code})
			}
			if len(warnings) != want || strings.Contains(fmt.Sprint(warnings), bearer) || want > 0 && !strings.Contains(warnings[0], c.base.Host) {
				t.Errorf("%s: %q", url, warnings)
			}
		})
	}
}

// TestMain has set the proxies.
func TestProxiesServeAllButLoopback(t *testing.T) {
	for url, want := range map[string]string{
		"http://totp.example.com/": "http://127.0.0.1:1", "https://totp.example.com/": "http://127.0.0.1:1", "http://192.168.1.7/": "http://127.0.0.1:1",
		"http://localhost/": "<nil>", "http://app.localhost/": "<nil>", "http://127.0.0.1/": "<nil>", "https://[::1]/": "<nil>",
	} {
		r, _ := http.NewRequest("POST", url, nil)
		got, err := newClient(t, url).http.Transport.(*http.Transport).Proxy(r)
		if text := fmt.Sprint(got); err != nil || text != want {
			t.Errorf("%s goes to %s, %v; want %s", url, text, err, want)
		}
	}
}
