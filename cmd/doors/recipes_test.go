//go:build linux

package doors

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

const page = "web-servers.md"

// proxies start the program of each recipe, after these pairs are replaced in it, too.
var proxies = map[string]func(t *testing.T, c *cluster, pairs ...string) *door{"nginx": startNginx, "caddy": startCaddy, "haproxy": startHAProxy}

func startNginx(t *testing.T, c *cluster, pairs ...string) *door {
	return startNginxOn(t, c, append(pairs, "fail_timeout=5s", "fail_timeout=1s", "proxy_read_timeout 15s", "proxy_read_timeout 2s")...)
}

// startNginxOn replaces these pairs, too, and the addresses of those servers that there are.
func startNginxOn(t *testing.T, c *cluster, pairs ...string) *door {
	t.Helper()
	d := newDoor(t, "nginx", c)
	cert, key := d.certificate()
	pairs = append(append(pairs, d.servers()...),
		"    listen [::]:443 ssl http2;\n", "", "listen 443 ", "listen "+d.secure+" ",
		"    listen [::]:80;\n", "", "listen 80;", "listen "+d.open+";",
		"/etc/letsencrypt/live/totp.example.com/fullchain.pem", cert, "/etc/letsencrypt/live/totp.example.com/privkey.pem", key,
		"/var/log/nginx", d.dir)
	d.runNginx(replaced(t, cmdtest.Recipe(t, page, "server"), pairs...))
	return d
}

// runNginx runs nginx with what Debian's nginx.conf has around a site.
func (d *door) runNginx(sites string) {
	d.t.Helper()
	user := ""
	if os.Geteuid() == 0 {
		user = "user nobody nogroup;" // as an installed one: root may connect to everything
	}
	var folders strings.Builder
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&folders, "%s_temp_path %s;\n", name, filepath.Join(d.dir, name))
	}
	config := d.write("nginx.conf", fmt.Sprintf(`daemon off; pid %[1]s/nginx.pid; worker_processes 2; error_log %[1]s/error.log; %[2]s
events {}
http {
ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
access_log %[1]s/access.log;
gzip on;
%[3]s
%[4]s
}
`, d.dir, user, folders.String(), sites))
	d.run("/usr/sbin/nginx", "-p", d.dir, "-e", filepath.Join(d.dir, "main.log"), "-c", config)
}

// startCaddy has Caddy sign its certificate itself, as it does for a name that is not public.
func startCaddy(t *testing.T, c *cluster, pairs ...string) *door {
	d := newDoor(t, "caddy", c)
	_, secure, _ := net.SplitHostPort(d.secure)
	_, open, _ := net.SplitHostPort(d.open)
	recipe := replaced(t, cmdtest.Recipe(t, page, "caddy"), slices.Concat(pairs, d.servers(), []string{"fail_duration 5s", "fail_duration 1s", "lb_try_duration 3s", "lb_try_duration 1s"})...)
	own := fmt.Sprintf("{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tdefault_bind %s\n\thttp_port %s\n\thttps_port %s\n\tstorage file_system %s\n",
		proxyHost, open, secure, d.dir)
	d.run("caddy", "run", "--adapter", "caddyfile", "--config", d.write("Caddyfile", strings.Replace(recipe, "{\n", own, 1)))
	var root []byte
	d.await("issuing certificates", func() (ok bool) {
		var err error
		root, err = os.ReadFile(filepath.Join(d.dir, "pki/authorities/local/root.crt"))
		issued, _ := filepath.Glob(filepath.Join(d.dir, "certificates/local", host, "*.json"))
		return err == nil && len(issued) == 1
	})
	d.roots = x509.NewCertPool()
	d.roots.AppendCertsFromPEM(root)
	d.await("showing its certificate", func() bool { // which it does a moment after it has stored it
		conn, err := tls.Dial("tcp", d.secure, &tls.Config{RootCAs: d.roots, ServerName: host})
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return d
}

// startHAProxy has around the recipe what Debian's haproxy.cfg has.
func startHAProxy(t *testing.T, c *cluster, pairs ...string) *door {
	d := newDoor(t, "haproxy", c)
	cert, key := d.certificate()
	both := ""
	for _, file := range []string{cert, key} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both += string(text)
	}
	recipe := replaced(t, cmdtest.Recipe(t, page, "haproxy"), append(append(pairs, d.servers()...),
		"bind :443 ", "bind "+d.secure+" ", "bind :80\n", "bind "+d.open+"\n",
		"/etc/haproxy/totp.example.com.pem", d.write("both.pem", both))...)
	const debian = `global
	log stdout format raw local0
	log stdout format raw local1 notice
defaults
	log	global
	mode	http
	option	httplog
	option	dontlognull
	timeout connect 5000
	timeout client  50000
	timeout server  50000
`
	d.run("haproxy", "-db", "-f", d.write("haproxy.cfg", debian+recipe))
	return d
}

// certificate makes the site's, which clients of the door trust.
func (d *door) certificate() (cert, key string) {
	d.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	now := time.Now()
	template := x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "www.example.com", "example.com"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		d.t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		d.t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	d.roots = x509.NewCertPool()
	d.roots.AppendCertsFromPEM(certificate)
	return d.write("cert.pem", string(certificate)), d.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})))
}
