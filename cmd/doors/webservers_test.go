//go:build linux

package doors

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"totpctl/totp/totptest"
)

// Each proxy has its own way to three servers that all share.
func TestTheManualsWebServers(t *testing.T) {
	c := newCluster(t)
	doors := map[string]*door{}
	for name, start := range proxies {
		doors[name] = start(t, c)
	}
	for name, d := range doors {
		t.Run(name, func(t *testing.T) {
			d.mend(t)
			for _, s := range []struct {
				what string
				test func(*testing.T, *door)
			}{
				{"plain HTTP leads to HTTPS", plainHTTPLeadsToHTTPS},
				{"a person enrols in a browser", func(t *testing.T, d *door) { enrols(t, d, site, d.name+" alice") }},
				{"the set-up page and the mobile page are shown", pagesAreShown},
				{"checks reach all servers, with client and id", checksReachAllServers},
				{"a code is good once, whichever server is asked", aCodeIsGoodOnce},
				{"strangers are limited, checks are not", strangersAreLimited},
				{"checks go on while a server is down", checksGoOnWhileAServerIsDown},
				{"a server that hangs is left out", aServerThatHangsIsLeftOut},
				{"a check whose answer was lost is not asked again", aLostAnswerIsNotAskedAgain},
				{"no server means no verdict", noServerMeansNoVerdict},
			} {
				t.Run(s.what, func(t *testing.T) { s.test(t, d) })
			}
		})
	}
	c.database.Stop()
	for _, d := range doors {
		noDatabaseMeansNoVerdict(t, d)
	}
	for _, d := range doors {
		d.searchLogs(t)
	}
}

func plainHTTPLeadsToHTTPS(t *testing.T, d *door) {
	const code = "27182818"
	d.hide(code)
	for _, path := range []string{"/", "/check/" + code + "?account=a%2Fb", "/enrol/" + code} {
		a := d.program(t).ask("GET", "http://"+host+path, "")
		if a.status != http.StatusPermanentRedirect || a.Get("Location") != site+path {
			t.Errorf("%s: %d to %q", path, a.status, a.Get("Location"))
		}
	}
	old := tls.Config{RootCAs: d.roots, ServerName: host, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", d.secure, &old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is taken")
	}
}

func pagesAreShown(t *testing.T, d *door) {
	b := d.browser(t)
	if a := b.ask("GET", site+"/", ""); a.status != http.StatusUnauthorized || !strings.Contains(a.text, "This page shows a secret") {
		t.Errorf("the set-up page for a stranger: %d %s", a.status, a.text)
	}
	secret := d.cluster.entry.Key.Secret().Base32()
	d.hide(secret)
	a := b.ask("GET", site+"/", "", "Authorization", basic())
	if a.status != http.StatusOK || !strings.Contains(a.text, secret) || a.Get("Content-Encoding") != "" || !strings.Contains(a.Get("Cache-Control"), "no-store") {
		t.Errorf("the set-up page: %d %v %s", a.status, a.Header, a.text)
	}
	if hsts := a.Get("Strict-Transport-Security"); hsts == "" {
		t.Error("browsers are not told to keep to https")
	}
	const origin = "capacitor://localhost" // of the prototype's app
	preflight := b.ask("OPTIONS", site+"/check", "", "Origin", origin, "Access-Control-Request-Method", "POST")
	if preflight.status != http.StatusNoContent || preflight.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("a preflight: %d %v", preflight.status, preflight.Header)
	}
	app := b.ask("GET", site+"/app", "", "Accept-Encoding", "identity")
	if app.status != http.StatusOK {
		t.Fatalf("/app: %d", app.status)
	}
	for _, file := range staticFiles(t, app.text) {
		if a := b.ask("GET", site+"/"+file, ""); a.status != http.StatusOK {
			t.Errorf("%s: %d", file, a.status)
		}
	}
}

func checksReachAllServers(t *testing.T, d *door) {
	for _, method := range []string{"GET", "POST"} {
		asked := map[int]bool{}
		for i := range 6 {
			name := fmt.Sprintf("%s %s %d", d.name, method, i)
			key := d.add(t, name)
			status, text, id := d.program(t).check(method, name, codeOf(t, key))
			if status != http.StatusOK || verdict(text) != "valid" {
				t.Fatalf("%s for %s: %d %s", method, name, status, text)
			}
			server, line := d.cluster.audited(t, id)
			asked[server] = true
			if len(id) < 32 || line.Account != name || line.Client != clientHost {
				t.Errorf("the audit log has %+v", line)
			}
			if client := d.cluster.logged(t, id); client != clientHost {
				t.Errorf("the request log has the client %q", client)
			}
			d.searchLogs(t, id)
		}
		if len(asked) != 3 {
			t.Errorf("%s: the servers asked are %v", method, asked)
		}
	}
}

func aCodeIsGoodOnce(t *testing.T, d *door) {
	name := d.name + " once"
	key, p := d.add(t, name), d.program(t)
	for i, code := range []string{codeOf(t, key), nextCodeOf(t, key)} {
		for n, method := range []string{"POST", "GET", "POST", "GET", "POST", "GET"} {
			want := "replayed"
			if n == 0 {
				want = "valid"
			}
			if status, text, _ := p.check(method, name, code); status != 200 || verdict(text) != want {
				t.Errorf("code %d, check %d: %d %s, want %s", i, n, status, text, want)
			}
		}
	}
	for _, code := range totptest.WrongCodes(key, time.Now(), 3) {
		p.check("POST", name, code)
	}
	if status, text, _ := p.check("POST", name, "31415926"); status != http.StatusTooManyRequests || verdict(text) != "throttled" {
		t.Errorf("throttled by POST: %d %s", status, text)
	}
	if status, text, _ := p.check("GET", name, "31415926"); status != http.StatusOK || verdict(text) != "throttled" {
		t.Errorf("throttled by GET: %d %s", status, text)
	}
}

// Caddy has no limit of its own.
func strangersAreLimited(t *testing.T, d *door) {
	hasty, limited := d.from(t, hastyHost), 0
	for range 130 {
		if a := hasty.ask("GET", site+"/enrol/JBSWY3DPEHPK3PXPJBSWY3DPEH", ""); a.status == http.StatusTooManyRequests {
			limited++
		}
	}
	d.hide("JBSWY3DPEHPK3PXPJBSWY3DPEH")
	if limited == 0 && d.name != "caddy" {
		t.Error("nobody is limited")
	}
	if status, text, _ := hasty.check("GET", "", "12345"); status != http.StatusOK || verdict(text) != "malformed" {
		t.Errorf("a check from there: %d %s", status, text)
	}
	if a := d.browser(t).ask("GET", site+"/app", ""); a.status != http.StatusOK {
		t.Errorf("another address is limited, too: %d", a.status)
	}
}
