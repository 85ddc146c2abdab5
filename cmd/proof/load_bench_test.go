//go:build linux

package proof

import (
	"context"
	"database/sql"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

var (
	loadAccounts = flag.Int("load.accounts", 200_000, "stored accounts of BenchmarkLoad")
	loadShuffle  = flag.Bool("load.shuffle", true, "ask for the accounts of BenchmarkLoad in random order; else in the order in which they were added, so that the rows of one batch share a database page")
	loadWindow   = flag.Duration("load.window", 3*time.Second, "how long BenchmarkLoad measures each server, in each of its rounds")
)

const (
	loadRounds      = 3
	loadConnections = 32
	loadBearer      = "load-bearer-of-the-benchmark"
)

var loadKey = []byte("01234567890123456789012345678901")

// BenchmarkLoad compares a served binary with a bare net/http one, in turn, on
// the same machine at the same time: its metrics are ratios.
func BenchmarkLoad(b *testing.B) {
	bare := startBare(b)
	b.Run("throttled", func(b *testing.B) { benchThrottled(b, bare) })
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			url := databaseURL(b, engine)
			keys := seedAccounts(b, url, *loadAccounts)
			s := startLoaded(b, url)
			next := 0
			b.Run("accepted", func(b *testing.B) {
				compare(b, s, bare, func() []request {
					return requests(keys, &next, func(k totp.Key) string { return totptest.Code(b, k, time.Now()) })
				}, `"status":true`)
			})
			b.Run("wrong", func(b *testing.B) {
				compare(b, s, bare, func() []request {
					return requests(keys, &next, func(k totp.Key) string { return totptest.WrongCode(k, time.Now()) })
				}, `"reason":"invalid"`)
			})
		})
	}
}

// benchThrottled asks the prototype's route for an account that is waiting.
func benchThrottled(b *testing.B, bare *loaded) {
	s := startLoaded(b, databaseURL(b, "sqlite"))
	all := []request{{"GET", "/check/000000", ""}}
	hammer(b, s.addr, all, 200*time.Millisecond, "")
	compare(b, s, bare, func() []request { return all }, `"reason":"throttled"`)
}

// compare reports the rates of s and of bare, their ratio, both 99th percentiles
// and the most memory that s has taken.
func compare(b *testing.B, s, bare *loaded, prepare func() []request, want string) {
	var rate, bareRate float64
	var late, bareLate []time.Duration
	for b.Loop() {
		rate, bareRate, late, bareLate = 0, 0, nil, nil
		cpu, bareCPU := s.cpu(b), bare.cpu(b)
		for range loadRounds {
			all := prepare()
			n, l := hammer(b, bare.addr, all[:1], *loadWindow, "")
			bareRate, bareLate = bareRate+n, append(bareLate, l...)
			n, l = hammer(b, s.addr, all, *loadWindow, want)
			rate, late = rate+n, append(late, l...)
		}
		b.ReportMetric(float64((s.cpu(b)-cpu).Microseconds())/float64(len(late)), "cpu-µs/req")
		b.ReportMetric(float64((bare.cpu(b)-bareCPU).Microseconds())/float64(len(bareLate)), "bare-cpu-µs/req")
	}
	b.ReportMetric(rate/bareRate, "of-bare")
	b.ReportMetric(rate/loadRounds, "req/s")
	b.ReportMetric(bareRate/loadRounds, "bare-req/s")
	b.ReportMetric(percentile(late, 99), "p99-ms")
	b.ReportMetric(percentile(bareLate, 99), "bare-p99-ms")
	b.ReportMetric(s.peakMemory(b), "peak-MiB")
	b.ReportMetric(0, "ns/op")
}

func percentile(d []time.Duration, p int) float64 {
	slices.Sort(d)
	return float64(d[len(d)*p/100].Microseconds()) / 1000
}

// requests takes as many of the keys as a window can use.
func requests(entries []totp.Entry, next *int, code func(totp.Key) string) (all []request) {
	n := min(len(entries), int(loadWindow.Seconds()*20_000))
	for range n {
		e := entries[*next%len(entries)]
		*next++
		all = append(all, request{"POST", "/check", fmt.Sprintf(`{"account":%q,"code":%q}`, e.Account, code(e.Key))})
	}
	return all
}

func databaseURL(b *testing.B, engine string) string {
	if engine == "postgres" {
		server := pgtest.Start(b)
		return server.URL(server.NewDatabase())
	}
	return "sqlite:" + filepath.Join(b.TempDir(), "load.db")
}

// seedAccounts stores confirmed accounts with sealed keys.
func seedAccounts(b *testing.B, url string, n int) []totp.Entry {
	store, err := sqlstore.Open(context.Background(), sqlstore.Config{URL: url, EncryptionKeys: [][]byte{loadKey}})
	if err != nil {
		b.Fatal(err)
	}
	keys := make([]totp.Entry, n)
	var all sync.WaitGroup
	const workers = 64
	for w := range workers {
		all.Go(func() {
			for i := w; i < n; i += workers {
				keys[i] = seedAccount(b, store, fmt.Sprintf("user-%d@example.com", i))
			}
		})
	}
	all.Wait()
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	analyze(b, url)
	if *loadShuffle {
		rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	return keys
}

// recovery is as long as the hashes of ten recovery codes.
var recovery = strings.Repeat("r", 220)

func seedAccount(b *testing.B, store verifier.Store, name string) totp.Entry {
	k, err := totp.GenerateKey(totp.DefaultScheme())
	if err == nil {
		err = store.Add(context.Background(), verifier.Account{ID: name, Created: time.UnixMilli(1), Key: k, Recovery: recovery})
	}
	if err != nil {
		b.Error(err)
	}
	return totp.Entry{Account: name, Key: k}
}

// analyze does what autovacuum does a minute later.
func analyze(b *testing.B, url string) {
	if !strings.HasPrefix(url, "postgres") {
		return
	}
	db, err := sql.Open("pgx", url)
	if err == nil {
		_, err = db.Exec("VACUUM ANALYZE account, enrolment")
		db.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}

func startLoaded(b *testing.B, url string, env ...string) *loaded {
	log, err := os.Create(filepath.Join(b.TempDir(), "serve.log"))
	if err != nil {
		b.Fatal(err)
	}
	return startProcess(b, log, append([]string{
		"TOTP_BASE32_SECRET=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "BEARER=" + loadBearer, "LISTEN_ADDR=127.0.0.1:0",
		"DATABASE_URL=" + url, "ENCRYPTION_KEY=" + base64.StdEncoding.EncodeToString(loadKey),
	}, env...), cmdtest.Binary(b), "serve")
}
