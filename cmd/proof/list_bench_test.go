//go:build linux

package proof

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

const (
	listAdmin    = "admin-bearer-of-the-benchmark"
	listRequests = 200 // to each server, for each list
)

// A list is what an administrator asks for. Each has as many accounts on a server of five
// accounts as on a server of many.
type list struct {
	name, path string
	accounts   int // in the answer
}

// vips is the prefix of the five accounts.
const vips = "vip-"

var lists = []list{
	{"first", "/accounts?limit=5", 4}, // beside the default account
	{"prefix", "/accounts?prefix=" + vips, 5},
	{"held", "/accounts?status=held", 2},
	{"held-and-prefix", "/accounts?status=held&prefix=" + vips, 2},
	{"disabled", "/accounts?status=disabled", 1},
	{"not-set-up", "/accounts?status=not_set_up", 1},
	{"codeless", "/accounts?status=no_recovery_codes", 1},
	{"page-prefix", "/admin?prefix=" + vips, 5},
	{"page-held", "/admin?status=held", 2},
	{"page-codeless", "/admin?status=no_recovery_codes", 1},
}

// BenchmarkList compares the lists of a server of 100,000 accounts with those of a server of
// five, in turn: "of-five" is the ratio of their median latencies.
func BenchmarkList(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			few, many := newListed(b, engine, 0), newListed(b, engine, 100_000)
			for _, l := range lists {
				b.Run(l.name, func(b *testing.B) { l.compare(b, few, many) })
			}
		})
	}
}

// A listed server has an administrator's session.
type listed struct {
	*loaded
	admin http.Client
}

func newListed(b *testing.B, engine string, others int) *listed {
	database := databaseURL(b, engine)
	seedAccounts(b, database, others)
	store, err := sqlstore.Open(context.Background(), sqlstore.Config{URL: database, EncryptionKeys: [][]byte{loadKey}})
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range fiveAccounts(b) {
		if err := store.Add(context.Background(), a); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	s := &listed{loaded: startLoaded(b, database, "ADMIN_BEARER="+listAdmin)}
	s.signIn(b)
	return s
}

func (s *listed) signIn(b *testing.B) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	s.admin.Jar = jar
	resp, err := s.admin.PostForm("http://"+s.addr+"/admin/sign-in", url.Values{"bearer": {listAdmin}, "next": {"admin"}})
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	if resp.Request.URL.Path != "/admin" {
		b.Fatalf("signing in led to %s", resp.Request.URL)
	}
}

// fiveAccounts are active, waiting, disabled, not set up, and without recovery codes.
func fiveAccounts(b *testing.B) []verifier.Account {
	all := make([]verifier.Account, 5)
	for i := range all {
		key, err := totp.GenerateKey(totp.DefaultScheme())
		if err != nil {
			b.Fatal(err)
		}
		all[i] = verifier.Account{ID: fmt.Sprint(vips, i), Created: time.UnixMilli(1), Key: key, Recovery: recovery}
	}
	inAnHour := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	all[1].State.Throttle = verifier.Throttle{Failures: 9, Until: inAnHour}
	all[2].State.Disabled = true
	all[3].Pending = verifier.Pending{Key: all[3].Key, Until: inAnHour}
	all[3].Key, all[3].Recovery = totp.Key{}, ""
	all[4].Recovery = ""
	return all
}

func (l list) compare(b *testing.B, few, many *listed) {
	var late, lateFew []time.Duration
	for b.Loop() {
		for range listRequests {
			lateFew = append(lateFew, l.ask(b, few))
			late = append(late, l.ask(b, many))
		}
	}
	b.ReportMetric(float64(percentile(late, 50))/float64(percentile(lateFew, 50)), "of-five")
	b.ReportMetric(percentile(late, 50), "ms")
	b.ReportMetric(percentile(lateFew, 50), "five-ms")
	b.ReportMetric(0, "ns/op")
}

func (l list) ask(b *testing.B, s *listed) time.Duration {
	r, err := http.NewRequest("GET", "http://"+s.addr+l.path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+listAdmin)
	sent := time.Now()
	resp, err := s.admin.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	late := time.Since(sent)
	if n := strings.Count(string(text), l.mark()); err != nil || resp.StatusCode != http.StatusOK || n != l.accounts {
		b.Fatalf("%s: %s, %d accounts, %v, want %d: %s", l.path, resp.Status, n, err, l.accounts, text)
	}
	return late
}

// mark returns what stands once in an answer for each account.
func (l list) mark() string {
	if strings.HasPrefix(l.path, "/admin") {
		return `<th role="rowheader"`
	}
	return `"account":"`
}
