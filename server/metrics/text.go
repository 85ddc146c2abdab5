package metrics

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// A family is what Prometheus is told of the metrics of one name.
type family struct{ name, kind, help string }

// families are all that are written, in this order.
func families() []family {
	return []family{
		{"totpctl_checks_total", "counter", "Verdicts on codes and recovery codes; none is a check that got no verdict."},
		{"totpctl_confirmations_total", "counter", "Verdicts on the first code of a new key."},
		{"totpctl_accepted_codes_total", "counter", "Good codes by how many steps the phone was ahead of the server."},
		{"totpctl_recovery_codes_used_total", "counter", "Recovery codes that were accepted."},
		{"totpctl_recovery_codes_wrong_total", "counter", "Recovery codes of the right form that were wrong or used before."},
		{"totpctl_first_failures_total", "counter", "Wrong codes that were the first in a row of their account."},
		{"totpctl_waits_total", "counter", "Waits that wrong codes have started, the third in a row and each further one."},
		{"totpctl_guessing_signs_total", "counter", "Signs that somebody guesses codes of one account."},
		{"totpctl_refused_requests_total", "counter", "Requests without the right bearer, or with an enrolment link that is not good."},
		{"totpctl_account_changes_total", "counter", "Changes of accounts."},
		{"totpctl_links_opened_total", "counter", "Enrolment links that a browser has opened."},
		{"totpctl_http_request_duration_seconds", "histogram", "Time that requests took."},
		{"totpctl_http_requests_in_flight", "gauge", "Requests that are being handled."},
		{"totpctl_store_up", "gauge", "Whether the database answers, asked by this scrape."},
		{"totpctl_store_duration_seconds", "histogram", "Time that calls of the database took, waiting included."},
		{"totpctl_store_errors_total", "counter", "Calls that the database could not answer."},
		{"totpctl_store_commit_rows", "histogram", "Rows that a commit has written."},
		{"totpctl_store_waiting_requests", "gauge", "Requests that wait for the database."},
		{"totpctl_audit_up", "gauge", "Whether the audit log takes events, asked by this scrape."},
		{"totpctl_audit_events_total", "counter", "Events that the audit log has."},
		{"totpctl_audit_failures_total", "counter", "Times that the audit log could not be written: without it there is no verdict."},
		{"totpctl_log_lines_lost_total", "counter", "Lines of the log that nobody has read in time."},
		{"totpctl_certificate_expiry_timestamp_seconds", "gauge", "When the TLS certificate ends."},
		{"totpctl_build_info", "gauge", "1, labelled by the version and by that of Go."},
		{"process_start_time_seconds", "gauge", "When the process has started."},
		{"process_cpu_seconds_total", "counter", "Processor time that the process took."},
		{"process_resident_memory_bytes", "gauge", "Memory of the process."},
		{"process_open_fds", "gauge", "Files and connections that the process has open."},
		{"process_max_fds", "gauge", "Files and connections that the process may open."},
		{"go_goroutines", "gauge", "Goroutines."},
		{"go_memstats_heap_alloc_bytes", "gauge", "Memory of live and not yet collected objects."},
		{"go_memstats_sys_bytes", "gauge", "Memory that Go has from the operating system."},
		{"go_gc_cycles_total", "counter", "Collections of garbage."},
		{"go_info", "gauge", "1, labelled by Go's version."},
	}
}

// contentType is Prometheus' text format.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// write writes all metrics in Prometheus' text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
func (m *Metrics) write(w io.Writer) {
	var text bytes.Buffer
	m.set.WritePrometheus(&text)
	writeProcess(&text, m.config.Start)
	lines := map[string][]string{}
	for line := range strings.Lines(text.String()) {
		name := line[:strings.IndexAny(line, "{ ")]
		lines[name] = append(lines[name], line)
	}
	for _, f := range families() {
		names := []string{f.name}
		if f.kind == "histogram" {
			names = []string{f.name + "_bucket", f.name + "_sum", f.name + "_count"}
		}
		if len(lines[names[0]]) > 0 {
			fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		}
		for _, name := range names {
			for _, line := range lines[name] {
				io.WriteString(w, line)
			}
		}
	}
}
