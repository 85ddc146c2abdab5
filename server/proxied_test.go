package server_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"totpctl/server"
	"totpctl/server/proxy"
	"totpctl/server/servertest"
	"totpctl/totp/verifier"
)

// asked keeps the last Origin that it was told of.
type asked struct {
	mu   sync.Mutex
	last verifier.Origin
}

func (a *asked) Ready() error { return nil }

func (a *asked) Tell(_ context.Context, events ...verifier.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = events[len(events)-1].Origin
	return nil
}

func TestTheLogAndTheWitnessNameTheClientAndTheRequest(t *testing.T) {
	w := &asked{}
	f := newFixture(t, servertest.Options{Witness: w})
	trusted, err := proxy.Parse("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	s := f.Another(f.URL, func(c *server.Config) { c.Proxies = trusted })
	for _, c := range []struct{ path, peer, client, id string }{
		{"/check/123", "10.0.0.1:4711", "203.0.113.7", "from-the-proxy"},
		{"/check/123", "192.0.2.1:4711", "192.0.2.1", ""},
		{"/nothing", "10.0.0.1:4711", "203.0.113.7", "from-the-proxy"},
		{"//check", "10.0.0.1:4711", "203.0.113.7", "from-the-proxy"},
	} {
		before := len(f.Log.String())
		r := httptest.NewRequest("GET", c.path, nil)
		r.RemoteAddr = c.peer
		answer := ask(s, r, "Authorization", "Bearer "+checkBearer, "X-Forwarded-For", "198.51.100.9, 203.0.113.7", "X-Request-Id", "from-the-proxy")
		var line struct {
			Client string
			ID     string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(f.Log.String()[before:]), &line); err != nil {
			t.Fatalf("%s: %v in %s", c.path, err, f.Log.String())
		}
		id := answer.Header.Get("X-Request-Id")
		if line.Client != c.client || id == "" || line.ID != id || c.id != "" && id != c.id || c.id == "" && id == "from-the-proxy" {
			t.Errorf("%s of %s: the log has %+v, the answer %q", c.path, c.peer, line, id)
		}
		if strings.HasPrefix(c.path, "/check") && (w.last.Client != c.client || w.last.RequestID != id) {
			t.Errorf("%s of %s: the witness is told %+v", c.path, c.peer, w.last)
		}
	}
}
