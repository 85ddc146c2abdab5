package metrics

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A routeKey is what the requests of a histogram have in common.
type routeKey struct {
	route, method string
	status        int
}

// RequestBegins implements server.Meter.
func (m *Metrics) RequestBegins() { m.inFlight.Add(1) }

// RequestEnds implements server.Meter.
func (m *Metrics) RequestEnds(route, method string, status int, took time.Duration) {
	m.inFlight.Add(-1)
	m.route(routeKey{route, method, status}).observe(max(0, took.Seconds()))
	if status >= http.StatusInternalServerError && (route == "/check" || strings.HasPrefix(route, "/check/")) {
		increment(m.checks, noVerdict)
	}
}

// route returns the histogram of a key. There are few keys: the server has made up each part.
func (m *Metrics) route(k routeKey) *histogram {
	m.mu.RLock()
	h := m.routes[k]
	m.mu.RUnlock()
	if h != nil {
		return h
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.routes[k] == nil {
		labels := fmt.Sprintf(`route=%q,method=%q,status="%d"`, k.route, k.method, k.status)
		m.routes[k] = m.newHistogram("totpctl_http_request_duration_seconds", labels, timeBuckets)
	}
	return m.routes[k]
}
