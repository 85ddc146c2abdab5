//go:build linux

package doors

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/totptest"
)

// The site is reached on a port of its own, and by a second name.
const (
	pathSite = "https://www.example.com:8443"
	pathURL  = pathSite + "/totp"
)

// nobody is the user and the group of nginx's workers.
const nobody = 65534

// alone is a cluster of one server, on SQLite.
func alone(t *testing.T, env ...string) *cluster {
	t.Helper()
	p := cmdtest.NewProgram(t, "sqlite:"+filepath.Join(t.TempDir(), "totpctl.db"))
	p.Env = append(append(p.Env, "ADMIN_BEARER="+adminBearer), env...)
	return &cluster{entry: p.Entry, servers: []*cmdtest.Server{p.Serve()}}
}

// startPath runs the recipe in the block of another site.
func startPath(t *testing.T, c *cluster, backend string) *door {
	t.Helper()
	d := newDoor(t, "nginx", c)
	cert, key := d.certificate()
	if backend == "" {
		backend = "http://" + d.relays[0].addr
	}
	recipe := replaced(t, cmdtest.Recipe(t, page, "sub-path"), "http://127.0.0.1:5000", backend, "/var/log/nginx", d.dir)
	d.runNginx(fmt.Sprintf(`server {
listen %s ssl http2; listen %s;
server_name www.example.com;
ssl_certificate %s; ssl_certificate_key %s;
location = /own { return 204; }
%s
}
`, d.secure, d.open, cert, key, recipe))
	return d
}

func TestTheManualsNginxServesUnderAPathAndAPortOfItsOwn(t *testing.T) {
	c := alone(t, "PUBLIC_URL="+pathURL, "TRUSTED_PROXIES=127.0.0.1")
	d := startPath(t, c, "")
	enrols(t, d, pathURL, "alice")
	p := d.program(t)
	if a := p.ask("GET", pathSite+"/totp", ""); a.status != http.StatusPermanentRedirect || !strings.HasSuffix(a.Get("Location"), "/totp/") {
		t.Errorf("without the slash: %d to %s", a.status, a.Get("Location"))
	}
	if a := p.ask("GET", pathURL+"/", "", "Authorization", basic()); a.status != http.StatusOK || !strings.Contains(a.text, c.entry.Key.Secret().Base32()) {
		t.Errorf("the set-up page: %d %s", a.status, a.text)
	}
	app := p.ask("GET", pathURL+"/app", "", "Accept-Encoding", "identity")
	for _, file := range staticFiles(t, app.text) {
		if a := p.ask("GET", pathURL+"/"+file, ""); a.status != http.StatusOK {
			t.Errorf("%s: %d", file, a.status)
		}
	}
	key := d.add(t, "team/bob")
	a := p.ask("GET", pathURL+"/accounts/team%2Fbob", "", "Authorization", "Bearer "+adminBearer)
	if a.status != http.StatusOK || !strings.Contains(a.text, "team/bob") {
		t.Errorf("an account with a slash: %d %s", a.status, a.text)
	}
	for _, want := range []string{"valid", "replayed"} {
		a := p.ask("GET", pathURL+"/check/"+codeOf(t, key)+"?account=team%2Fbob", "", "Authorization", "Bearer "+cmdtest.Bearer)
		if got := verdict(a.text); got != want || len(a.Get("X-Request-Id")) != 32 {
			t.Errorf("a check: %s, want %s; its id is %s", got, want, a.Get("X-Request-Id"))
		}
		if want != "valid" {
			continue // its line may be one of too many in a second
		}
		if client := c.logged(t, a.Get("X-Request-Id")); client != clientHost {
			t.Errorf("the log has the client %s", client)
		}
	}
	d.hide(codeOf(t, key))
	d.searchLogs(t)
}

// PUBLIC_URL names www.example.com. A Host without its port would not be the form's origin.
func TestTheManualsNginxPassesFormsUnderAnotherName(t *testing.T) {
	d := startPath(t, alone(t, "PUBLIC_URL="+pathURL), "")
	link := strings.Replace(d.link(t, pathURL, "alice"), "www.", "", 1)
	for _, origin := range []string{"https://attacker.example", "https://example.com"} {
		if a := d.browser(t).ask("POST", link, "", "Origin", origin); a.status != http.StatusForbidden {
			t.Errorf("a form of %s: %d %s", origin, a.status, a.text)
		}
	}
	if a := d.browser(t).form(link, url.Values{}); a.status != http.StatusOK || !strings.Contains(a.text, "otpauth://totp/") {
		t.Errorf("the button: %d %s", a.status, a.text)
	}
}

func TestTheManualsNginxUnderAPathLogsNothingSecretWhenTheServerIsDown(t *testing.T) {
	for what, backend := range map[string]string{
		"refused": "http://" + freeAddress(t, "127.0.0.1"),
		// As SELinux has it by default: nginx calls this "crit".
		"forbidden": "http://unix:" + forbiddenSocket(t) + ":",
	} {
		t.Run(what, func(t *testing.T) {
			d := startPath(t, &cluster{}, backend)
			const code, token = "31415926", "JBSWY3DPEHPK3PXPJBSWY3DPEH"
			d.hide(code, token, "secretname")
			for _, path := range []string{"/check/" + code, "/check/" + code + "?account=secretname", "/?setup=" + token, "/enrol/" + token} {
				for _, method := range []string{"GET", "POST"} {
					a := d.program(t).ask(method, pathURL+path, "code="+code, "Authorization", "Bearer "+cmdtest.Bearer, "Referer", pathURL+"/?setup="+token)
					if a.status != http.StatusBadGateway {
						t.Errorf("%s %s: %d, want 502", method, path, a.status)
					}
				}
			}
			d.program(t).ask("GET", pathSite+"/own", "")
			d.searchLogs(t, "/own")
		})
	}
}

// forbiddenSocket is one that nginx may not connect to.
func forbiddenSocket(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return path
}

// One server on the same machine, with nginx in the socket's group.
func TestTheManualsNginxReachesAUnixSocket(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	c := alone(t, "LISTEN_ADDR=unix:"+socket, "PUBLIC_URL="+site, "TRUSTED_PROXIES=unix")
	if os.Geteuid() == 0 { // nginx then runs as nobody
		if err := errors.Join(os.Chown(socket, -1, nobody), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	d := startNginxOn(t, &cluster{}, "server 127.0.0.1:5001 fail_timeout=5s;", "server unix:"+socket+";",
		"    server 127.0.0.1:5002 fail_timeout=5s;\n", "", "    server 127.0.0.1:5003 fail_timeout=5s;\n", "")
	link := d.link(t, site, "alice")
	if a := d.browser(t).ask("POST", link, "", "Origin", "https://attacker.example"); a.status != http.StatusForbidden {
		t.Errorf("a form of another site: %d %s", a.status, a.text)
	}
	if a := d.browser(t).form(link, url.Values{}); a.status != http.StatusOK {
		t.Errorf("the button: %d %s", a.status, a.text)
	}
	status, text, id := d.program(t).check("GET", "", totptest.WrongCode(c.entry.Key, time.Now()))
	if status != http.StatusOK || verdict(text) != "invalid" || c.logged(t, id) != clientHost {
		t.Errorf("a check: %d %s of %s", status, text, c.logged(t, id))
	}
	d.searchLogs(t, id)
}
