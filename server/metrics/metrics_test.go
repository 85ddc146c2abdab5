package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/server/metrics"
	"totpctl/server/servertest"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
	"totpctl/totp/verifier/storetest"
)

func newMetrics() *metrics.Metrics {
	return metrics.New(metrics.Config{Clock: time.Now, Version: "test", LogLost: func() int { return 0 }})
}

// A fixture is a server that is counted.
type fixture struct {
	*servertest.Server
	t       *testing.T
	metrics *metrics.Metrics
	counted servertest.Held
}

func newFixture(t *testing.T) *fixture {
	m := newMetrics()
	s := servertest.New(t, servertest.Options{Witness: m})
	return &fixture{s, t, m, s.Another(s.URL, func(c *server.Config) { c.Meter = m })}
}

func (f *fixture) ask(method, path, bearer, body string) int {
	f.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w := httptest.NewRecorder()
	f.counted.ServeHTTP(w, r)
	return w.Code
}

func (f *fixture) check(account, code string) {
	f.ask("POST", "/check", servertest.CheckBearer, fmt.Sprintf(`{"account":%q,"code":%q}`, account, code))
}

// scrape returns the values of all series.
func scrape(t *testing.T, m *metrics.Metrics) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for line := range strings.Lines(text(m)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		if _, twice := all[line[:i]]; err != nil || twice {
			t.Fatalf("%q: %v, or twice", line, err)
		}
		all[line[:i]] = value
	}
	return all
}

func text(m *metrics.Metrics) string {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func wantValues(t *testing.T, m *metrics.Metrics, want map[string]float64) {
	t.Helper()
	got := scrape(t, m)
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s is %v (%t), want %v", name, v, ok, value)
		}
	}
}

func TestWhatAlertsNeedIsThereBeforeAnythingHappens(t *testing.T) {
	m := newMetrics()
	m.WatchAudit(nobody{})
	want := map[string]float64{
		"totpctl_first_failures_total": 0, "totpctl_waits_total": 0, "totpctl_links_opened_total": 0, "totpctl_log_lines_lost_total": 0,
		"totpctl_audit_failures_total": 0, "totpctl_audit_up": 1, "totpctl_http_requests_in_flight": 0, fmt.Sprintf("totpctl_build_info{version=%q,goversion=%q}", "test", runtime.Version()): 1,
	}
	for _, verdict := range strings.Fields("valid invalid replayed malformed throttled pending stopped disabled unknown_account none") {
		want[fmt.Sprintf("totpctl_checks_total{verdict=%q}", verdict)] = 0
	}
	for _, sign := range strings.Fields("ten_in_a_row stopped accepted_after_ten fifty_in_30_days") {
		want[fmt.Sprintf("totpctl_guessing_signs_total{sign=%q}", sign)] = 0
	}
	for _, steps := range strings.Fields("-2 -1 0 1 2") {
		want[fmt.Sprintf("totpctl_accepted_codes_total{skew_steps=%q}", steps)] = 0
	}
	for _, operation := range strings.Fields("load decide edit add add_all rename remove list find_token sweep") {
		want[fmt.Sprintf("totpctl_store_errors_total{operation=%q}", operation)] = 0
	}
	wantValues(t, m, want)
}

// nobody takes all events.
type nobody struct{}

func (nobody) Ready() error                                  { return nil }
func (nobody) Tell(context.Context, ...verifier.Event) error { return nil }

func TestVerdictsAreCounted(t *testing.T) {
	f := newFixture(t)
	key, recovery := f.Enrol("alice")
	f.Enrol("bob")
	f.Clock.Advance(key.Period())
	early := f.CodeOf(key)
	f.Clock.Advance(key.Period())
	f.check("alice", early)
	f.check("alice", early)
	f.check("alice", f.CodeOf(key))
	f.check("alice", "12")
	for range 3 {
		f.check("alice", f.WrongCodeOf(key))
	}
	f.check("alice", f.WrongCodeOf(key))
	f.ask("POST", "/check", servertest.CheckBearer, `{"account":"alice","recovery_code":"`+recovery[0]+`"}`)
	f.ask("POST", "/check", servertest.CheckBearer, `{"account":"alice","recovery_code":"`+recovery[0]+`"}`)
	f.check("nobody", "123456")
	f.check(":", "123456")
	f.ask("POST", "/accounts/bob/disable", servertest.AdminBearer, "")
	f.check("bob", "123456")
	f.ask("POST", "/accounts", servertest.AdminBearer, `{"account":"carol"}`)
	f.check("carol", "123456")
	f.ask("POST", "/check", "wrong", `{"code":"1"}`)
	f.ask("GET", "/accounts", servertest.CheckBearer, "")
	f.ask("GET", "/enrol/x", "", "")
	wantValues(t, f.metrics, map[string]float64{
		`totpctl_checks_total{verdict="valid"}`: 3, `totpctl_checks_total{verdict="replayed"}`: 1, `totpctl_checks_total{verdict="malformed"}`: 1,
		`totpctl_checks_total{verdict="invalid"}`: 4, `totpctl_checks_total{verdict="throttled"}`: 1, `totpctl_checks_total{verdict="unknown_account"}`: 2,
		`totpctl_checks_total{verdict="disabled"}`: 1, `totpctl_checks_total{verdict="pending"}`: 1, `totpctl_checks_total{verdict="none"}`: 0,
		`totpctl_accepted_codes_total{skew_steps="-1"}`: 1, `totpctl_accepted_codes_total{skew_steps="0"}`: 1, "totpctl_recovery_codes_used_total": 1,
		"totpctl_recovery_codes_wrong_total": 1,
		"totpctl_first_failures_total":       1, "totpctl_waits_total": 1, `totpctl_confirmations_total{verdict="valid"}`: 2,
		`totpctl_refused_requests_total{reason="unauthorized"}`: 1, `totpctl_refused_requests_total{reason="forbidden"}`: 1, `totpctl_refused_requests_total{reason="bad_link"}`: 1,
		`totpctl_account_changes_total{kind="add"}`: 3, `totpctl_account_changes_total{kind="confirm"}`: 2, `totpctl_account_changes_total{kind="disable"}`: 1,
		`totpctl_http_request_duration_seconds_count{route="/check",method="POST",status="200"}`: 11,
		`totpctl_http_request_duration_seconds_count{route="/check",method="POST",status="429"}`: 1, "totpctl_http_requests_in_flight": 0,
	})
}

func TestSignsOfGuessingAreCounted(t *testing.T) {
	f := newFixture(t)
	key, _ := f.Enrol("alice")
	guess := func(n int) {
		for range n {
			f.check("alice", f.WrongCodeOf(key))
			f.Clock.Advance(time.Hour)
		}
	}
	guess(10)
	f.check("alice", f.CodeOf(key))
	wantValues(t, f.metrics, map[string]float64{
		"totpctl_first_failures_total": 1, "totpctl_waits_total": 8,
		`totpctl_guessing_signs_total{sign="ten_in_a_row"}`: 1, `totpctl_guessing_signs_total{sign="accepted_after_ten"}`: 1,
	})
	f.Clock.Advance(time.Hour)
	guess(100)
	wantValues(t, f.metrics, map[string]float64{
		`totpctl_guessing_signs_total{sign="ten_in_a_row"}`: 2, `totpctl_guessing_signs_total{sign="stopped"}`: 1, `totpctl_guessing_signs_total{sign="fifty_in_30_days"}`: 2,
	})
}

// Whatever strangers and callers make up, memory and the scrape stay as they are.
func TestNoRequestMakesASeriesThatAnAttackerNames(t *testing.T) {
	f := newFixture(t)
	ask := func(i int) {
		name := fmt.Sprintf("tell-nobody-%d", i)
		for _, path := range []string{"/check/" + name, "/" + name, "/static/" + name, "/enrol/" + name, "/accounts/" + name, "/check?account=" + name, "/" + strings.Repeat(name+"/", i%5), "//" + name, "*"} {
			for _, method := range []string{"GET", "PUT", "OPTIONS", "X" + strconv.Itoa(i)} {
				for _, bearer := range []string{"", name, servertest.CheckBearer, servertest.AdminBearer} {
					f.ask(method, path, bearer, name)
				}
			}
		}
		f.check(name, name)
		f.check(name, "123456")
	}
	ask(0)
	ask(1)
	ask(4)
	before := len(scrape(t, f.metrics))
	for i := range 50 {
		ask(i)
	}
	if after := len(scrape(t, f.metrics)); after != before {
		t.Errorf("%d series become %d", before, after)
	}
	if strings.Contains(text(f.metrics), "tell-nobody") {
		t.Error("the metrics tell what a caller has made up")
	}
}

// A line that is not described would be left out in silence.
func TestEverySeriesHasHelpAndPromtoolFindsNothing(t *testing.T) {
	f := newFixture(t)
	f.metrics.WatchAudit(nobody{})
	f.metrics.WatchStore(func() int { return 0 }, f.Verifier.StoreReady)
	f.metrics.WatchCertificate(f.Clock.Now)
	f.check("nobody", "1")
	all := text(f.metrics)
	source, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range source {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\b(totpctl_[a-z_]+|process_[a-z]+_[a-z_]+|go_[a-z_]+)\b`).FindAllString(string(code), -1) {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_count"), "_sum"), "_bucket")
			if !strings.Contains(all, "# HELP "+name+" ") {
				t.Errorf("%s has no help: it is not written", name)
			}
		}
	}
	c := exec.Command("promtool", "check", "metrics")
	c.Stdin = strings.NewReader(all)
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

var errDown = errors.New("the database is down")

// failing is a store that is down.
type failing struct{ verifier.Store }

func (failing) Decide(context.Context, string, func(verifier.Account) (verifier.State, bool)) error {
	return errDown
}

func (failing) Edit(_ context.Context, _ string, edit func(verifier.Account) (verifier.Account, error)) error {
	_, err := edit(verifier.Account{})
	return err
}

func (failing) Load(context.Context, string) (verifier.Account, error) {
	return verifier.Account{}, verifier.ErrNoAccount
}

func TestErrorsOfTheStoreAreToldFromItsAnswers(t *testing.T) {
	m := newMetrics()
	s := m.Store(failing{})
	s.Decide(t.Context(), "a", nil)
	s.Load(t.Context(), "a")
	if err := s.Edit(t.Context(), "a", func(a verifier.Account) (verifier.Account, error) { return a, verifier.ErrPending }); !errors.Is(err, verifier.ErrPending) {
		t.Errorf("Edit: %v", err)
	}
	wantValues(t, m, map[string]float64{
		`totpctl_store_errors_total{operation="decide"}`: 1, `totpctl_store_errors_total{operation="load"}`: 0, `totpctl_store_errors_total{operation="edit"}`: 0,
		`totpctl_store_duration_seconds_count{operation="decide"}`: 1, `totpctl_store_duration_seconds_count{operation="load"}`: 1,
	})
}

// deaf is an audit log that takes nothing.
type deaf struct{}

func (deaf) Ready() error                                  { return nil }
func (deaf) Tell(context.Context, ...verifier.Event) error { return errDown }

func TestFailuresOfTheAuditLogAreCountedAndPassedOn(t *testing.T) {
	m := newMetrics()
	if err := m.WatchAudit(deaf{}).Tell(t.Context(), verifier.Event{}); !errors.Is(err, errDown) {
		t.Errorf("Tell: %v", err)
	}
	wantValues(t, m, map[string]float64{"totpctl_audit_failures_total": 1, "totpctl_audit_events_total": 0})
}

func TestACheckWithoutAVerdictIsCounted(t *testing.T) {
	m := newMetrics()
	s := servertest.New(t, servertest.Options{Witness: verifier.Witnesses{deaf{}, m}})
	f := &fixture{s, t, m, s.Another(s.URL, func(c *server.Config) { c.Meter = m })}
	f.ask("POST", "/check", servertest.CheckBearer, `{"code":"`+f.Code()+`"}`)
	f.ask("GET", "/check/123456", servertest.CheckBearer, "")
	wantValues(t, m, map[string]float64{`totpctl_checks_total{verdict="none"}`: 2, `totpctl_checks_total{verdict="valid"}`: 0})
}

func openStore(t *testing.T, path string, m *metrics.Metrics) verifier.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: "sqlite:" + path, EncryptionKeys: [][]byte{[]byte("01234567890123456789012345678901")}, Committed: m.Committed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	m.WatchStore(store.Waiting, func(context.Context) error { return nil })
	return m.Store(store)
}

func TestAMeasuredStoreIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "totpctl.db")
		return func(t *testing.T) verifier.Store { return openStore(t, path, newMetrics()) }
	})
}

func TestTheRowsOfCommitsAreCounted(t *testing.T) {
	m := newMetrics()
	s := openStore(t, filepath.Join(t.TempDir(), "totpctl.db"), m)
	var accounts []verifier.Account
	for i := range 20 {
		accounts = append(accounts, verifier.Account{ID: fmt.Sprint("a", i)})
	}
	if err := s.AddAll(t.Context(), accounts, func(map[int]verifier.Loaded) (map[int]verifier.Account, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	before := scrape(t, m)
	if before["totpctl_store_commit_rows_count"] == 0 || before["totpctl_store_commit_rows_sum"] < 20 {
		t.Errorf("20 accounts: %v commits of %v rows", before["totpctl_store_commit_rows_count"], before["totpctl_store_commit_rows_sum"])
	}
	if _, err := s.Load(t.Context(), "a1"); err != nil {
		t.Fatal(err)
	}
	wantValues(t, m, map[string]float64{"totpctl_store_commit_rows_count": before["totpctl_store_commit_rows_count"], "totpctl_store_waiting_requests": 0})
}
