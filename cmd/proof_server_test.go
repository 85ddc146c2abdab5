package cmd_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

const proofBearer = "bearer-of-the-proofs"

var proofEncryptionKey = bytes.Repeat([]byte("p"), 32)

// proofPeriod is long, so that no step ends while a test runs; a code of the
// present step and one of the next are good all the time.
const proofPeriod = time.Hour

// A proofProgram is the environment that servers of the real binary get.
type proofProgram struct {
	t   *testing.T
	key totp.Entry // of the default account
	env []string
}

func newProofProgram(t *testing.T, databaseURL string) *proofProgram {
	t.Helper()
	p := &proofProgram{t: t, key: proofKey(t, "default")}
	p.env = []string{
		"TOTP_BASE32_SECRET=" + p.key.Key.Secret().Base32(),
		fmt.Sprintf("TOTP_PERIOD=%d", int(proofPeriod.Seconds())),
		fmt.Sprintf("TOTP_DIGITS=%d", totp.MaxDigits),
		"BEARER=" + proofBearer,
		"ENCRYPTION_KEY=" + base64.StdEncoding.EncodeToString(proofEncryptionKey),
		"DATABASE_URL=" + databaseURL,
		"LISTEN_ADDR=127.0.0.1:0",
	}
	return p
}

func proofKey(t *testing.T, account string) totp.Entry {
	t.Helper()
	k, err := totp.GenerateKey(proofScheme())
	if err != nil {
		t.Fatal(err)
	}
	return totp.Entry{Account: account, Key: k}
}

func proofScheme() totp.Scheme {
	return totp.Scheme{Algorithm: totp.SHA1, Digits: totp.MaxDigits, Period: proofPeriod}
}

// A proofServer is a process of its own.
type proofServer struct {
	t       *testing.T
	url     string
	process *os.Process
	ended   chan struct{}
	mu      sync.Mutex
	errOut  []string // its last lines
}

// serve starts a server.
func (p *proofProgram) serve() *proofServer {
	p.t.Helper()
	c := exec.Command(binary(p.t), "serve")
	c.Dir, c.Env = p.t.TempDir(), p.env
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	errOut, err := c.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	s := &proofServer{t: p.t, process: c.Process, ended: make(chan struct{})}
	p.t.Cleanup(s.kill)
	listening := make(chan string, 1)
	go func() {
		s.read(errOut, listening)
		c.Wait()
		close(s.ended)
	}()
	select {
	case s.url = <-listening:
	case <-s.ended:
		p.t.Fatalf("server ended:\n%s", s.lines())
	case <-time.After(20 * time.Second):
		p.t.Fatalf("server does not listen:\n%s", s.lines())
	}
	return s
}

func (s *proofServer) read(errOut io.Reader, listening chan<- string) {
	for lines := bufio.NewScanner(errOut); lines.Scan(); {
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			listening <- "http://" + line.Addr
		}
		s.mu.Lock()
		s.errOut = append(s.errOut[max(0, len(s.errOut)-20):], lines.Text())
		s.mu.Unlock()
	}
}

func (s *proofServer) lines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.errOut, "\n")
}

func (s *proofServer) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// kill is SIGKILL, which needs no consent.
func (s *proofServer) kill() {
	s.process.Kill()
	<-s.ended
}

// A proofAnswer is what a client has learnt. Without a verdict, reached tells
// whether the server may have acted all the same.
type proofAnswer struct {
	status   int // 0 if no answer came
	Status   bool
	Reason   string
	Failures int
	reached  bool
}

// hastyProofClient gives up on a server that is paused; patientProofClient waits
// for every answer that comes at all.
var (
	hastyProofClient   = newProofClient(2 * time.Second)
	patientProofClient = newProofClient(time.Minute)
)

func newProofClient(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// proofCheck offers a code for an account, "" for the default one, under an
// Idempotency-Key unless that is "".
func proofCheck(client *http.Client, url, account, code, idempotencyKey string) proofAnswer {
	body := map[string]string{"code": code}
	if account != "" {
		body["account"] = account
	}
	text, _ := json.Marshal(body)
	request, err := http.NewRequest("POST", url+"/check", bytes.NewReader(text))
	if err != nil {
		return proofAnswer{}
	}
	request.Header.Set("Authorization", "Bearer "+proofBearer)
	if idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", idempotencyKey)
	}
	response, err := client.Do(request)
	if err != nil {
		dial, ok := errors.AsType[*net.OpError](err)
		return proofAnswer{reached: !ok || dial.Op != "dial"}
	}
	defer response.Body.Close()
	answer := proofAnswer{status: response.StatusCode, reached: true}
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return proofAnswer{reached: true} // it broke off
	}
	return answer
}

// enrolForProof adds and confirms accounts. The clock of their confirmation is
// long ago, so that the codes of now are not used up by it.
func enrolForProof(t *testing.T, databaseURL string, n int) []totp.Entry {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: databaseURL, EncryptionKeys: [][]byte{proofEncryptionKey}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	past := func() time.Time { return time.Now().Add(-100 * proofPeriod) }
	v, err := verifier.New(verifier.Config{Store: store, Clock: past,
		New: proofScheme()})
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]totp.Entry, n)
	var all sync.WaitGroup
	for worker := range 64 {
		all.Go(func() {
			for i := worker; i < n; i += 64 {
				keys[i] = enrolOneForProof(t, v, fmt.Sprintf("account %d", i))
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return keys
}

func enrolOneForProof(t *testing.T, v *verifier.Verifier, name string) totp.Entry {
	e, err := v.Add(t.Context(), name)
	if err != nil {
		t.Error(err)
		return totp.Entry{}
	}
	code, _ := e.Entry.Key.Code(time.Now().Add(-100 * proofPeriod))
	verdict, _, err := v.Confirm(t.Context(), name, code, verifier.RequestID{})
	if err != nil || !verdict.Valid {
		t.Errorf("confirming %s: %+v, %v", name, verdict, err)
	}
	return e.Entry
}
