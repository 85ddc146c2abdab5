package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/server/servertest"
)

// wantStatus is for answers of which there are many.
func (r reply) wantStatus(t *testing.T, status int) {
	t.Helper()
	if r.status != status {
		t.Fatalf("answer is %d %s, want %d", r.status, r.text, status)
	}
}

// linesOf returns the lines of a log that is JSON alone.
func linesOf(t *testing.T, log *servertest.Log) (all []map[string]any) {
	t.Helper()
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		all = append(all, line)
	}
	return all
}

// numbers returns how many lines have a message, and the sum of their counts by kind.
func numbers(lines []map[string]any, msg string) (n int, counts map[string]int) {
	counts = map[string]int{}
	for _, line := range lines {
		if line["msg"] != msg {
			continue
		}
		n++
		by, _ := line["by"].(map[string]any)
		for kind, count := range by {
			counts[kind] += int(count.(float64))
		}
	}
	return n, counts
}

// awaitNumbers waits until the lines with a number stand for so many requests.
func awaitNumbers(t *testing.T, log *servertest.Log, msg string, want int) (n int, counts map[string]int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		sum := 0
		n, counts = numbers(linesOf(t, log), msg)
		for _, count := range counts {
			sum += count
		}
		if sum >= want {
			return n, counts
		}
	}
	t.Fatalf("%q stands for %v after 10 s, want %d", msg, counts, want)
	return 0, nil
}

const moreRequests = "more requests, which have no line of their own"

func TestRefusedRequestsCannotFillTheLog(t *testing.T) {
	f := newFixture(t)
	f.Enrol("alice")
	for range 3 {
		f.do("GET", "/check/"+f.WrongCode(), checkBearer, "")
	}
	before := len(linesOf(t, f.Log))
	ask := map[string]func(){
		"401":       func() { f.do("GET", "/check/123456", "wrong", "") },
		"404":       func() { f.do("GET", "/nothing/at/all", "", "") },
		"405":       func() { f.do("PUT", "/check", "", "") },
		"403":       func() { f.do("GET", "/accounts", checkBearer, "") },
		"400":       func() { f.do("POST", "/check", checkBearer, "{") },
		"413":       func() { f.do("POST", "/check", checkBearer, strings.Repeat(" ", 5000)) },
		"200":       func() { f.do("GET", "/app", "", "") },
		"204":       func() { f.do("OPTIONS", "/check", "", "") },
		"throttled": func() { f.do("GET", "/check/000000", checkBearer, "") },
		"malformed": func() { f.do("GET", "/check/1?account=alice", checkBearer, "") },
	}
	const rounds = 40
	begin := time.Now()
	for range rounds {
		for _, request := range ask {
			request()
		}
	}
	whole := len(linesOf(t, f.Log)) - before
	_, counts := awaitNumbers(t, f.Log, moreRequests, rounds*len(ask)-whole)
	seconds := int(time.Since(begin).Seconds()) + 1
	lines := linesOf(t, f.Log)[before:]
	if len(lines) > 11*(seconds+1) {
		t.Errorf("%d requests have %d lines in %d s", rounds*len(ask), len(lines), seconds)
	}
	for _, line := range lines {
		if line["msg"] != "request" {
			continue
		}
		kind, ok := line["verdict"].(string)
		if !ok {
			kind = fmt.Sprint(line["status"])
		}
		counts[kind]++
	}
	for kind := range ask {
		if counts[kind] != rounds {
			t.Errorf("%s: lines and numbers stand for %d requests of %d: %v", kind, counts[kind], rounds, counts)
		}
	}
}

func TestVerdictsAreNeverDroppedFromTheLog(t *testing.T) {
	f := newFixture(t)
	for range 30 {
		f.do("GET", "/check/123456", "wrong", "")
	}
	before := len(linesOf(t, f.Log))
	const n = 15
	for i := range n {
		f.admin("POST", "/accounts", fmt.Sprintf(`{"account":"a%d","secret":"%s"}`, i, servertest.Secret)).wantStatus(t, 201)
		f.post(fmt.Sprintf(`{"code":"%s","account":"a%d"}`, f.WrongCode(), i)).wantStatus(t, 200)
		f.post(fmt.Sprintf(`{"code":"%s","account":"a%d"}`, f.Code(), i)).wantStatus(t, 200)
	}
	counts := map[string]int{}
	for _, line := range linesOf(t, f.Log)[before:] {
		counts[fmt.Sprintf("%v %v", line["status"], line["verdict"])]++
	}
	for _, kind := range []string{"201 <nil>", "200 invalid", "200 valid"} {
		if counts[kind] != n {
			t.Errorf("%d lines of %d tell %s: %v", counts[kind], n, kind, counts)
		}
	}
}

// Whoever types codes into an application's form is charged nothing while there are no
// verdicts. What a stranger floods must not hide that.
func TestChecksDuringAnOutageCannotFillTheLog(t *testing.T) {
	f := newFixture(t, servertest.Options{Witness: down{}})
	for range 30 {
		f.do("GET", "/readyz", "", "").wantStatus(t, 503)
	}
	before := len(linesOf(t, f.Log))
	const n = 40
	begin := time.Now()
	for range n {
		f.post(`{"code":"`+f.Code()+`"}`).wantStatus(t, 503)
	}
	seconds := int(time.Since(begin).Seconds()) + 1
	own := 0
	for _, line := range linesOf(t, f.Log)[before:] {
		if line["route"] == "POST /check" {
			own++
		}
	}
	if own < 10 || own > 10*(seconds+1) {
		t.Fatalf("%d requests have %d lines in %d s", n, own, seconds)
	}
	awaitNumbers(t, f.Log, "more requests that were not answered during an outage, which have no line of their own", n-own)
}

// A stranger who asks a server whose store is down must not fill the disk either.
func TestFaultsThatStrangersSeeAreCountedApart(t *testing.T) {
	f := newFixture(t, servertest.Options{Witness: down{}, SelfService: true})
	for range 30 {
		f.do("GET", "/nothing", "", "")
	}
	before := len(linesOf(t, f.Log))
	const n = 30
	for range n {
		f.do("GET", "/readyz", "", "").wantStatus(t, 503)
	}
	for range n { // nobody can say that he has no recovery code
		f.recover("alice", "A").wantStatus(t, 503)
	}
	whole, _ := numbers(linesOf(t, f.Log)[before:], "request")
	if whole == 0 || whole > 20 {
		t.Errorf("%d lines of %d tell of 503", whole, 2*n)
	}
	awaitNumbers(t, f.Log, "more requests of strangers that failed, which have no line of their own", 2*n-whole)
}

func TestGoodHealthIsLoggedAtDebugAlone(t *testing.T) {
	f := newFixture(t)
	before := len(linesOf(t, f.Log))
	f.do("GET", "/healthz", "", "")
	f.do("GET", "/readyz", "", "")
	if n := len(linesOf(t, f.Log)) - before; n != 0 {
		t.Errorf("%d lines tell of good health", n)
	}
	var log servertest.Log
	s := f.Another(f.URL, func(c *server.Config) {
		c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ask(s, httptest.NewRequest("GET", "/healthz", nil))
	if lines := linesOf(t, &log); len(lines) != 1 || lines[0]["level"] != "DEBUG" {
		t.Errorf("at debug: %v", lines)
	}
}

// A panicking witness stands for any fault of ours.
type panicking struct{ witness }

func (*panicking) Ready() error { panic(errors.New("a fault of ours")) }

func TestAPanicIsALineOfTheLogAndAnAnswer(t *testing.T) {
	f := newFixture(t, servertest.Options{Witness: &panicking{}})
	f.post(`{"code":"123456"}`).wantCode(t, 500, "internal")
	lines := linesOf(t, f.Log)
	last := lines[len(lines)-1]
	text, _ := last["error"].(string)
	if last["msg"] != "request" || last["level"] != "ERROR" || last["status"] != 500.0 ||
		!strings.HasPrefix(text, "panic: a fault of ours: goroutine ") || !strings.Contains(text, "verifier.(*Verifier).Check") {
		t.Errorf("the log says %v", last)
	}
	if got := f.do("GET", "/healthz", "", ""); got.status != 200 {
		t.Errorf("afterwards: %d", got.status)
	}
}

func TestTLSHandshakeErrorsCannotFillTheLog(t *testing.T) {
	f := newFixture(t)
	var log servertest.Log
	s := f.Another(f.URL, func(c *server.Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	c, _, _, _ := loadFirst(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, tls.NewListener(l, c.Config())) }()
	defer func() { stop(); <-ended }()
	const n = 60
	for range n {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		conn.Read(make([]byte, 100))
		conn.Close()
	}
	const more = "more errors of connections, which have no line of their own"
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		lines := linesOf(t, &log)
		_, counts := numbers(lines, more)
		whole := 0
		for _, line := range lines {
			if text, _ := line["msg"].(string); strings.HasPrefix(text, "http: TLS handshake error from 127.0.0.1:") {
				whole++
			}
		}
		if whole+counts["tls_handshake"] == n && whole < n && counts["tls_handshake"] > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d lines and %v stand for %d errors", whole, counts, n)
		}
	}
}
