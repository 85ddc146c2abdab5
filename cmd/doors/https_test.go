//go:build linux

package doors

import (
	"net/http"
	"path/filepath"
	"testing"

	"totpctl/cmd/cmdtest"
)

// httpsRecipes are what the manual changes in each recipe for servers with HTTPS: the text
// that it takes the place of, or "" for what is put in front of the second text.
var httpsRecipes = map[string][]string{
	"nginx":   {"    location / {", "https-nginx", "    location / {"},
	"caddy":   {"\t\t\tdial_timeout 1s\n", "https-caddy", "\t\t\tdial_timeout 1s\n"},
	"haproxy": {"    default-server check inter 2s fall 2 rise 1\n", "https-haproxy", ""},
}

func TestTheManualsWebServersAskServersByHTTPSThatTheirAuthorityHasSigned(t *testing.T) {
	signer := &door{t: t, dir: t.TempDir()}
	cert, key := signer.certificate()
	other := &door{t: t, dir: t.TempDir()}
	foreign, _ := other.certificate()
	env := []string{"PUBLIC_URL=" + site, "TRUSTED_PROXIES=127.0.0.1", "TLS_CERT_FILE=" + cert, "TLS_KEY_FILE=" + key}
	server := alone(t, env...).servers[0]
	c := &cluster{servers: []*cmdtest.Server{server, server, server}}
	for name, start := range proxies {
		for authority, want := range map[string]bool{cert: true, foreign: false} {
			change := httpsRecipes[name]
			block := replaced(t, cmdtest.Recipe(t, page, change[1]), "/etc/ssl/totpctl/ca.pem", authority)
			pairs := []string{change[0], block + change[2]}
			if name == "nginx" {
				pairs = append(pairs, "http://totpctl", "https://totpctl")
			}
			d := start(t, c, pairs...)
			status, text, _ := d.program(t).check("GET", "", "12345")
			if got := status == http.StatusOK && verdict(text) == "malformed"; got != want || !want && isVerdict(status, text) {
				t.Errorf("%s with %s: %d %s", name, filepath.Base(filepath.Dir(authority)), status, text)
			}
		}
	}
}
