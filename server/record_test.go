package server_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"totpctl/server"
	"totpctl/totp/verifier"
)

// records is a slog.Handler that keeps what the record of each request says.
type records struct {
	slog.Handler
	mu  sync.Mutex
	all []string
}

func (h *records) Handle(ctx context.Context, _ slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	by, account, verdict, err := server.Recorded(ctx)
	h.all = append(h.all, fmt.Sprintf("by %q, account %q, verdict %q, no account %t, error %t", by, account, verdict, errors.Is(err, verifier.ErrNoAccount), err != nil))
	return nil
}

func TestARequestsRecordTellsWhoAskedAboutWhomAndWhatCameOfIt(t *testing.T) {
	f := newFixture(t)
	k, _ := f.Enrol("alice")
	h := &records{Handler: slog.DiscardHandler}
	log := func(c *server.Config) { c.Log = slog.New(enabled{h}) }
	s, others := f.Another(f.URL, log), f.Another(f.URL, log) // each logs few requests of strangers a second
	token := strings.TrimPrefix(s.SetupLink(), f.URL)
	pending, err := f.Verifier.Add(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := f.Verifier.Open(t.Context(), pending.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	const check, admin, none = "Bearer " + checkBearer, "Bearer " + adminBearer, ""
	for _, c := range []struct{ method, path, authorization, body, want string }{
		{"GET", "/check/" + f.WrongCode(), check, "", `by "check", account "", verdict "invalid", no account false, error false`},
		{"GET", "/check/" + f.CodeOf(k) + "?account=alice", check, "", `by "check", account "alice", verdict "replayed", no account false, error false`},
		{"POST", "/check", admin, `{"account":"nobody","code":"123456"}`, `by "admin", account "nobody", verdict "", no account true, error true`},
		{"POST", "/check", "Bearer wrong", `{"code":"123456"}`, `by "", account "", verdict "", no account false, error true`},
		{"GET", "/accounts", check, "", `by "check", account "", verdict "", no account false, error true`},
		{"DELETE", "/accounts/nobody", admin, "", `by "admin", account "nobody", verdict "", no account true, error true`},
		{"POST", "/accounts", admin, `{"account":"carol"}`, `by "admin", account "carol", verdict "", no account false, error false`},
		{"GET", token, none, "", `by "page", account "", verdict "", no account false, error false`},
		{"POST", token, none, "code=1", `by "page", account "", verdict "malformed", no account false, error false`},
		{"GET", "/enrol/" + pending.Token, none, "", `by "link", account "bob", verdict "", no account false, error false`},
		{"GET", "/enrol/x", none, "", `by "", account "", verdict "", no account false, error true`},
		{"GET", "/nothing", none, "", `by "", account "", verdict "", no account false, error true`},
		{"GET", "/healthz", none, "", `by "", account "", verdict "", no account false, error false`},
		{"POST", "/enrol/" + pending.Token, none, "code=1", `by "link", account "bob", verdict "malformed", no account false, error false`},
		{"POST", "/enrol/x", none, "code=1", `by "", account "", verdict "", no account false, error true`},
	} {
		want := strings.NewReplacer(`by "check"`, `by "`+f.Verifier.ByBearer(checkBearer)+`"`, `by "admin"`, `by "`+f.Verifier.ByBearer(adminBearer)+`"`).Replace(c.want)
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.AddCookie(&http.Cookie{Name: "enrolment", Value: opened.Cookie})
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.all = nil
		asked := others
		if c.path == token {
			asked = s
		}
		if ask(asked, r, "Authorization", c.authorization); len(h.all) != 1 || h.all[0] != want {
			t.Errorf("%s %s: %q\nwant %q", c.method, c.path, h.all, want)
		}
	}
}

// enabled logs everything.
type enabled struct{ *records }

func (enabled) Enabled(context.Context, slog.Level) bool { return true }
