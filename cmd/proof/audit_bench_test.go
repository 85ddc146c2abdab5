//go:build linux

package proof

import (
	"path/filepath"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/totptest"
)

// BenchmarkAudit compares a server that keeps an audit log with one that does not, in turn,
// each on a database of its own. "of-unaudited" is the ratio of their rates of durable
// acceptances, "cpu-of-unaudited" that of their processor time for each, which other processes
// disturb less.
func BenchmarkAudit(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			plain := newAudited(b, engine)
			audited := newAudited(b, engine, "AUDIT_LOG="+filepath.Join(b.TempDir(), "audit.log"))
			for b.Loop() {
				for range loadRounds {
					plain.run(b)
					audited.run(b)
				}
			}
			b.ReportMetric(audited.rate/plain.rate, "of-unaudited")
			b.ReportMetric(audited.cost()/plain.cost(), "cpu-of-unaudited")
			b.ReportMetric(percentile(audited.late, 99), "p99-ms")
			b.ReportMetric(percentile(plain.late, 99), "unaudited-p99-ms")
			b.ReportMetric(audited.rate/loadRounds, "req/s")
			b.ReportMetric(plain.rate/loadRounds, "unaudited-req/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// An auditedServer is one of the two, with what was measured of it.
type auditedServer struct {
	*loaded
	keys []totp.Entry
	next int
	rate float64
	late []time.Duration
	used time.Duration
}

func newAudited(b *testing.B, engine string, env ...string) *auditedServer {
	url := databaseURL(b, engine)
	return &auditedServer{keys: seedAccounts(b, url, *loadAccounts), loaded: startLoaded(b, url, env...)}
}

func (a *auditedServer) run(b *testing.B) {
	all := requests(a.keys, &a.next, func(k totp.Key) string { return totptest.Code(b, k, time.Now()) })
	before := a.cpu(b)
	rate, late := hammer(b, a.addr, all, *loadWindow, `"status":true`)
	a.rate, a.late, a.used = a.rate+rate, append(a.late, late...), a.used+a.cpu(b)-before
}

func (a *auditedServer) cost() float64 { return a.used.Seconds() / float64(len(a.late)) }
