// Package metrics counts what a server does, for Prometheus.
//
// The names follow Prometheus' rules (https://prometheus.io/docs/practices/naming/), and
// alerts.yml and dashboard.json beside this file use them. No label has a value that a client
// can make up: routes are told by pattern, methods and statuses are those that net/http
// knows. Nothing names an account, and nothing is a secret or a code.
//
// The counters are those of github.com/VictoriaMetrics/metrics at v1.24.0, because later
// versions read /proc and /sys when the process starts, which `totpctl gen` would pay for:
// 0.3 ms of 5.
package metrics

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"totpctl/totp/verifier"
)

// Config is what Metrics need.
type Config struct {
	Clock   func() time.Time
	Version string     // of the build
	Start   time.Time  // of the process
	LogLost func() int // lines of the log that nobody has read in time
}

// Metrics are those of one server. They are safe for concurrent use, and are a
// verifier.Witness and a server.Meter.
type Metrics struct {
	config   Config
	set      *metrics.Set
	inFlight atomic.Int64

	checks, confirmations, refusals, changes, signs                map[string]*metrics.Counter // by the value of their label
	skews                                                          map[int]*metrics.Counter
	firstFailures, waits, linksOpened, recovered, recoveryFailures *metrics.Counter
	auditEvents, auditFailures                                     *metrics.Counter // nil without an audit log

	commits  *histogram
	storeOps map[string]*operation

	mu     sync.RWMutex
	routes map[routeKey]*histogram
	states []*state
}

// A state is a gauge that each scrape asks for.
type state struct {
	value atomic.Int64
	ok    func(context.Context) error
}

// New returns Metrics that are all 0.
func New(c Config) *Metrics {
	m := &Metrics{config: c, set: metrics.NewSet(), routes: map[routeKey]*histogram{}}
	m.checks = m.labelled("totpctl_checks_total", "verdict", append(verdicts(), unknownAccount, noVerdict)...)
	m.confirmations = m.labelled("totpctl_confirmations_total", "verdict", verdicts()...)
	m.refusals = m.labelled("totpctl_refused_requests_total", "reason", string(verifier.RefusedBearer), string(verifier.RefusedScope), string(verifier.RefusedLink), string(verifier.RefusedSignIn))
	m.changes = m.labelled("totpctl_account_changes_total", "kind", slices.Sorted(maps.Values(changeKinds()))...)
	m.signs = m.labelled("totpctl_guessing_signs_total", "sign", signTen, signStopped, signAccepted, signFifty)
	m.skews = map[int]*metrics.Counter{}
	for steps := -maxSkew; steps <= maxSkew; steps++ {
		m.skews[steps] = m.set.NewCounter(named("totpctl_accepted_codes_total", "skew_steps", strconv.Itoa(steps)))
	}
	m.firstFailures, m.waits = m.set.NewCounter("totpctl_first_failures_total"), m.set.NewCounter("totpctl_waits_total")
	m.linksOpened, m.recovered = m.set.NewCounter("totpctl_links_opened_total"), m.set.NewCounter("totpctl_recovery_codes_used_total")
	m.recoveryFailures = m.set.NewCounter("totpctl_recovery_codes_wrong_total")
	m.commits = m.newHistogram("totpctl_store_commit_rows", "", rowBuckets)
	m.storeOps = m.newOperations()
	m.gauge("totpctl_http_requests_in_flight", func() float64 { return float64(m.inFlight.Load()) })
	m.gauge(fmt.Sprintf("totpctl_build_info{version=%q,goversion=%q}", c.Version, runtime.Version()), func() float64 { return 1 })
	m.gauge("totpctl_log_lines_lost_total", func() float64 { return float64(c.LogLost()) })
	return m
}

// labelled returns a counter for each value of a label, all 0: an alert needs the series
// before the first event.
func (m *Metrics) labelled(name, label string, values ...string) map[string]*metrics.Counter {
	all := map[string]*metrics.Counter{}
	for _, value := range values {
		all[value] = m.set.NewCounter(named(name, label, value))
	}
	return all
}

func named(name, label, value string) string { return fmt.Sprintf("%s{%s=%q}", name, label, value) }

func (m *Metrics) gauge(name string, value func() float64) { m.set.NewGauge(name, value) }

// WatchStore adds how many requests wait for the store, and whether it answers.
func (m *Metrics) WatchStore(waiting func() int, ready func(context.Context) error) {
	m.gauge("totpctl_store_waiting_requests", func() float64 { return float64(waiting()) })
	m.watch("totpctl_store_up", ready)
}

// WatchCertificate adds when the certificate ends.
func (m *Metrics) WatchCertificate(notAfter func() time.Time) {
	m.gauge("totpctl_certificate_expiry_timestamp_seconds", func() float64 { return float64(notAfter().Unix()) })
}

// watch adds a gauge that is 1 while ok returns nil, and 0 otherwise.
func (m *Metrics) watch(name string, ok func(context.Context) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &state{ok: ok}
	m.states = append(m.states, s)
	m.gauge(name, func() float64 { return float64(s.value.Load()) })
}

// Committed counts a commit of the store by its rows.
func (m *Metrics) Committed(rows int) { m.commits.observe(float64(rows)) }
