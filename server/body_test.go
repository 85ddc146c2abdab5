package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/totp/verifier"
)

// listen serves the fixture on a socket as `totpctl serve` does, with all its
// limits; with TLS where there is a certificate.
func (f *fixture) listen(certificate *server.Certificate) string {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	address := l.Addr().String()
	if certificate != nil {
		l = tls.NewListener(l, certificate.Config())
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, l) }()
	f.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			f.t.Error(err)
		}
	})
	return address
}

// bodyRoutes read a body.
var bodyRoutes = []string{"/check", "/accounts", "/accounts/alice/confirm", "/accounts/alice/rekey", "/accounts/alice/recovery-codes",
	"/accounts/alice/unlock", "/accounts/alice/disable", "/", "/enrol/x"}

// head is a request up to its body.
func (f *fixture) head(path, more string) string {
	if path == "/" {
		path = f.setup
	}
	return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + adminBearer +
		"\r\nContent-Type: application/x-www-form-urlencoded\r\n" + more + "\r\n\r\n"
}

// raw sends text, closes its half of the connection unless it is to stay open,
// and reads one answer.
func (f *fixture) raw(addr, text string, open bool) (answer *http.Response, body string, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, text); err != nil {
		return nil, "", err
	}
	if !open {
		c.(*net.TCPConn).CloseWrite()
	}
	answer, err = http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if asked, bad := http.ReadRequest(bufio.NewReader(strings.NewReader(text))); err == nil && bad == nil {
		f.HoldAnswer(asked, answer, all)
	}
	return answer, strings.TrimSpace(string(all)), err
}

func TestABodyThatBreaksOffIs400AndOneThatIsLateIs408(t *testing.T) {
	t.Parallel() // the late ones take as long as a request may
	f := newFixture(t)
	addr := f.listen(nil)
	var all sync.WaitGroup
	for _, path := range bodyRoutes {
		for what, c := range map[string]struct {
			text string
			open bool
			want int
		}{
			"broken off":                {f.head(path, "Content-Length: 100") + `{"code":`, false, 400},
			"none of what was promised": {f.head(path, "Content-Length: 100"), false, 400},
			"chunks broken off":         {f.head(path, "Transfer-Encoding: chunked") + "8\r\n{\"co", false, 400},
			"chunks that are none":      {f.head(path, "Transfer-Encoding: chunked") + "zz\r\n", true, 400},
			"late":                      {f.head(path, "Content-Length: 100") + `{"code":`, true, 408},
		} {
			all.Go(func() {
				answer, text, err := f.raw(addr, c.text, c.open)
				if err != nil {
					t.Errorf("POST %s, %s: %v", path, what, err)
					return
				}
				var body map[string]string
				if err := json.Unmarshal([]byte(text), &body); err != nil || answer.StatusCode != c.want || body["error"] == "" {
					t.Errorf("POST %s, %s: %s %s; want %d and a JSON error", path, what, answer.Status, text, c.want)
				}
				if c.want == 408 && !answer.Close {
					t.Errorf("POST %s, %s: the connection stays open", path, what)
				}
			})
		}
	}
	all.Wait()
	for line := range strings.Lines(f.Log.String()) {
		if !strings.Contains(line, `"level":"INFO"`) {
			t.Errorf("log says %s", line)
		}
	}
}

func TestABodyThatIsLateOverHTTP2Is408(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writePair(t, cert, key, 1)
	certificate, err := server.LoadCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	body, unending := io.Pipe()
	defer unending.Close()
	req, err := http.NewRequest("POST", "https://"+f.listen(certificate)+"/check", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+checkBearer)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	f.HoldAnswer(req, answer, text)
	if answer.ProtoMajor != 2 || answer.StatusCode != 408 {
		t.Errorf("%s %s, want 408 over HTTP/2", answer.Proto, answer.Status)
	}
}

// A slow store is no failure of the store's while its caller was the one to leave.
func TestACallerWhoLeavesIsNoErrorOfOurs(t *testing.T) {
	f := newFixture(t)
	addr := f.listen(nil)
	f.Enrol("alice")
	release := f.holdStore()
	for _, text := range []string{
		fmt.Sprintf("GET /check/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", f.WrongCode(), checkBearer),
		f.head("/check", "Content-Length: 17") + `{"code":"123456"}`,
		f.head("/", "Content-Length: 11") + `code=123456`,
		f.head("/accounts/alice/unlock", "Content-Length: 0"),
		"GET /enrol/JBSWY3DPEHPK3PXPJBSWY3DPEH HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_, err = io.WriteString(c, text)
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // so that it has reached the store
		c.Close()
	}
	lines := f.waitForLines(6)
	release()
	for _, line := range lines {
		if !strings.Contains(line, `"level":"INFO"`) || !strings.Contains(line, `"status":499`) {
			t.Errorf("log says %s", line)
		}
	}
}

// holdStore keeps the store at work until release is called.
func (f *fixture) holdStore() (release func()) {
	f.t.Helper()
	held, let, ended := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		ended <- f.Store.Decide(context.Background(), "alice", func(a verifier.Account) (verifier.State, bool) {
			close(held)
			<-let
			return a.State, false
		})
	}()
	<-held
	release = sync.OnceFunc(func() {
		close(let)
		if err := <-ended; err != nil {
			f.t.Error(err)
		}
	})
	f.t.Cleanup(release) // or else a test that fails hangs
	return release
}

func (f *fixture) waitForLines(n int) (lines []string) {
	f.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if lines = strings.Split(strings.TrimSpace(f.Log.String()), "\n"); len(lines) >= n {
			return lines
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("log has %d lines, want %d:\n%s", len(lines), n, f.Log)
		}
	}
}
