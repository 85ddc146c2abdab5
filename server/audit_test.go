package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"totpctl/server/servertest"
	"totpctl/totp/verifier"
)

var errAudit = errors.New("write /var/log/tell-nobody: no space left on device")

// A witness keeps who has caused which event, or fails.
type witness struct {
	mu   sync.Mutex
	told []string
	err  error
}

func (w *witness) Ready() error { return nil }

func (w *witness) Tell(_ context.Context, events ...verifier.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		w.told = append(w.told, fmt.Sprintf("%s%s %s by %s from %s", e.Kind, e.Refusal, e.Account, e.Origin.By, e.Origin.Client))
	}
	return w.err
}

func (w *witness) set(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// take returns what was told since the last take.
func (w *witness) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.told
	w.told = nil
	return told
}

func TestTheWitnessIsToldWhoHasAskedFromWhere(t *testing.T) {
	w := &witness{}
	f := newFixture(t, servertest.Options{Witness: w})
	f.Enrol("alice")
	link := func(name string) (path, cookie string) {
		e, err := f.Verifier.Add(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := f.Verifier.Open(t.Context(), e.Token, "")
		if err != nil {
			t.Fatal(err)
		}
		return "/enrol/" + e.Token, opened.Cookie
	}
	path, cookie := link("bob")
	check, admin := f.Verifier.ByBearer(checkBearer), f.Verifier.ByBearer(adminBearer)
	if !strings.HasPrefix(check, "bearer:") || len(check) != len("bearer:1a2b3c4d") || check == admin {
		t.Errorf("the bearers are %s and %s", check, admin)
	}
	w.take()
	for _, c := range []struct{ method, path, bearer, body, want string }{
		{"GET", "/check/12?account=alice", checkBearer, "", "check alice by " + check},
		{"POST", "/check", adminBearer, `{"code":"12"}`, "check  by " + admin},
		{"POST", "/check", checkBearer, `{"code":"12","account":"nobody"}`, "checkno_account  by " + check},
		{"POST", "/check", "", `{"code":"12"}`, "refuseunauthorized  by "},
		{"POST", "/check", "wrong", `{"code":"12"}`, "refuseunauthorized  by "},
		{"POST", "/accounts/alice/disable", checkBearer, "", "refuseforbidden  by " + check},
		{"POST", "/accounts/alice/disable", "old-" + adminBearer, "", "account.disable alice by " + f.Verifier.ByBearer("old-"+adminBearer)},
		{"POST", "/accounts", adminBearer, `{"account":"carol"}`, "account.add carol by " + admin},
		{"DELETE", "/accounts/carol", adminBearer, "", "account.remove carol by " + admin},
		{"POST", f.setup, "", "code=1", "check  by page"},
		{"POST", "/", "basic", "code=1", "check  by " + admin},
		{"GET", "/", "", "", "refuseunauthorized  by "},
		{"POST", path, "", "code=1", "confirm bob by link"},
		{"GET", "/enrol/x", "", "", "refusebad_link  by "},
		{"POST", "/enrol/x", "", "code=1", "refusebad_link  by "},
		{"GET", "/accounts/alice", adminBearer, "", ""},
		{"GET", "/healthz", "", "", ""},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.RemoteAddr = "[2001:db8::7]:4711"
		r.AddCookie(&http.Cookie{Name: "enrolment", Value: cookie})
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		switch c.bearer {
		case "":
		case "basic":
			r.SetBasicAuth("", adminBearer)
		default:
			r.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		f.ServeHTTP(httptest.NewRecorder(), r)
		var want []string
		if c.want != "" {
			want = []string{c.want + " from 2001:db8::7"}
		}
		if told := w.take(); !slices.Equal(told, want) {
			t.Errorf("%s %s tells %q, want %q", c.method, c.path, told, want)
		}
	}
}

func TestWithoutItsAuditLogAServerAnswersNothingThatIsAudited(t *testing.T) {
	w := &witness{}
	f := newFixture(t, servertest.Options{Witness: w})
	f.Enrol("alice")
	code := f.Code()
	w.set(errAudit)
	for _, r := range []reply{
		f.post(`{"code":"` + code + `"}`),
		f.do("GET", "/check/"+code, checkBearer, ""),
		f.post(`{"code":"123456","account":"nobody"}`),
		f.do("POST", "/check", "wrong", `{"code":"123456"}`),
		f.do("POST", "/accounts/alice/disable", checkBearer, ""),
		f.admin("POST", "/accounts", `{"account":"bob"}`),
	} {
		r.wantCode(t, 503, "no_audit")
		if strings.Contains(r.text, "tell-nobody") || strings.Contains(r.text, "status") || r.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s %v", r.text, r.header)
		}
	}
	for _, path := range []string{f.setup, "/", "/enrol/x"} {
		if r := f.do("POST", path, "", "code=1"); r.status != 503 || strings.Contains(r.text, "tell-nobody") {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	w.set(nil)
	f.post(`{"code":"`+code+`"}`).want(t, 200, `{"status":false,"reason":"replayed"}`)
}

func TestAServerIsNotReadyWhileItsAuditLogIsNot(t *testing.T) {
	f := newFixture(t, servertest.Options{Witness: down{}})
	f.do("GET", "/readyz", "", "").wantCode(t, 503, "no_audit")
	if got := f.do("GET", "/healthz", "", ""); got.status != 200 {
		t.Errorf("it is not alive: %d", got.status)
	}
}

// down is a witness that says so first.
type down struct{}

func (down) Ready() error { return errAudit }

func (down) Tell(context.Context, ...verifier.Event) error { panic("it was told") }
