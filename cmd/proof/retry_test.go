//go:build linux

package proof

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/sqlstore/pgtest"
)

func TestARetryAfterALostAnswerGetsTheSameVerdictOnSQLite(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "totpctl.db")
	keys := enrol(t, url, 1)
	p := cmdtest.NewProgram(t, url)
	server := p.Serve()
	testRetry(t, append(keys, p.Entry), server, server)
}

// The retry may reach another server.
func TestARetryAfterALostAnswerGetsTheSameVerdictOnPostgres(t *testing.T) {
	database := pgtest.Start(t)
	url := database.URL(database.NewDatabase())
	keys := enrol(t, url, 1)
	p := cmdtest.NewProgram(t, url)
	testRetry(t, append(keys, p.Entry), p.Serve(), p.Serve())
}

func testRetry(t *testing.T, keys []totp.Entry, first, second *cmdtest.Server) {
	lossy := dropAnswers(t, first.URL)
	for _, k := range keys {
		account := k.Account
		if account == "default" {
			account = ""
		}
		code, err := k.Key.Code(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if lost := check(patient, lossy, account, code, "idempotency key 1"); lost.status != 0 {
			t.Fatalf("through the proxy: %+v, want no answer", lost)
		}
		for _, v := range []struct {
			idempotencyKey string
			status         bool
			reason         string
		}{{"idempotency key 1", true, ""}, {"idempotency key 1", true, ""}, {"idempotency key 2", false, "replayed"}, {"", false, "replayed"}, {"idempotency key 1", true, ""}} {
			for i, s := range []*cmdtest.Server{second, first} {
				got := check(patient, s.URL, account, code, v.idempotencyKey)
				if got.status != 200 || got.Status != v.status || got.Reason != v.reason {
					t.Errorf("account %q, Idempotency-Key %q, server %d: %+v, want %v %q", account, v.idempotencyKey, i, got, v.status, v.reason)
				}
			}
		}
	}
}

// dropAnswers is a proxy that hands on each request, waits for the whole answer
// and breaks the client's connection in its place.
func dropAnswers(t *testing.T, target string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go dropAnswer(client, u.Host)
		}
	}()
	return "http://" + l.Addr().String()
}

func dropAnswer(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(server, client)
	if response, err := http.ReadResponse(bufio.NewReader(server), nil); err == nil {
		io.Copy(io.Discard, response.Body)
	}
}
