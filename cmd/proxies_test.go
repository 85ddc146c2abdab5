//go:build linux

package cmd_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// Loopback addresses that nobody else uses: the proxy's own is 127.0.0.1 towards the server.
const (
	proxyHost  = "127.0.77.2"
	clientHost = "127.0.77.9"
)

// proxyConfigs are configurations of real proxies, which listen on %[1]s, pass on to %[2]s
// and write below %[3]s.
var proxyConfigs = map[string]struct {
	args []string // %s is the file
	text string
}{
	"nginx": {[]string{nginxPath, "-c", "%s"}, `daemon off; pid %[3]s/nginx.pid; error_log %[3]s/error.log; worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path %[3]s/body; proxy_temp_path %[3]s/proxy; fastcgi_temp_path %[3]s/fastcgi; uwsgi_temp_path %[3]s/uwsgi; scgi_temp_path %[3]s/scgi;
	server {
		listen %[1]s;
		location / {
			proxy_pass http://%[2]s;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Request-Id $request_id;
		}
	}
}
`},
	"haproxy": {[]string{"haproxy", "-db", "-f", "%s"}, `defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend people
	bind %[1]s
	option forwardfor
	http-request set-header X-Request-Id %%[uuid()]
	default_backend totpctl
backend totpctl
	server one %[2]s
`},
	"caddy": {[]string{"caddy", "run", "--adapter", "caddyfile", "--config", "%s"}, `{
	admin off
	auto_https off
	storage file_system %[3]s
}
http://%[1]s {
	bind ` + proxyHost + `
	reverse_proxy %[2]s {
		header_up X-Request-Id {http.request.uuid}
	}
}
`},
}

func TestTheClientIsKnownBehindRealProxies(t *testing.T) {
	p := cmdtest.NewProgram(t, "sqlite:"+filepath.Join(t.TempDir(), "totpctl.db"))
	p.Env = append(p.Env, "TRUSTED_PROXIES=127.0.0.1")
	server := p.Serve()
	for name := range proxyConfigs {
		t.Run(name, func(t *testing.T) {
			addr := startProxy(t, name, strings.TrimPrefix(server.URL, "http://"))
			headers := askAsClient(t, "http://"+addr+"/nothing")
			id := headers.Get("X-Request-Id")
			if len(id) < 32 || id == "spoofed" {
				t.Errorf("the answer has the id %q, want the proxy's", id)
			}
			if got := clientOf(t, server, id); got != clientHost {
				t.Errorf("the log names the client %q, want %s", got, clientHost)
			}
		})
	}
	if id := askAsClient(t, server.URL+"/nothing").Get("X-Request-Id"); id == "spoofed" || clientOf(t, server, id) != clientHost {
		t.Errorf("without a proxy the client is %q, and its id %q counts", clientOf(t, server, id), id)
	}
}

// startProxy returns the address of the proxy.
func startProxy(t *testing.T, name, backend string) string {
	t.Helper()
	dir, addr := t.TempDir(), freeAddress(t, proxyHost)
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, fmt.Appendf(nil, proxyConfigs[name].text, addr, backend, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string(nil), proxyConfigs[name].args...)
	args[len(args)-1] = config
	log, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := exec.Command(args[0], args[1:]...)
	c.Env, c.Stdout, c.Stderr = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}, log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Signal(syscall.SIGTERM); c.Wait() })
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return addr
		}
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("%s does not listen:\n%s", name, text)
	return ""
}

// freeAddress is one of a host that no other test uses.
func freeAddress(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// askAsClient sends what a client might make up, and returns the headers of the answer.
func askAsClient(t *testing.T, url string) http.Header {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(clientHost)}}
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9", "X-Real-Ip": "198.51.100.9", "X-Request-Id": "spoofed"} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header
}

// clientOf returns the client of a request as the log has it.
func clientOf(t *testing.T, server *cmdtest.Server, id string) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for text := range strings.Lines(server.Lines()) {
			var line struct {
				Client string
				ID     string `json:"request_id"`
			}
			if json.Unmarshal([]byte(text), &line) == nil && line.ID == id {
				return line.Client
			}
		}
	}
	t.Fatalf("the log has no request %q:\n%s", id, server.Lines())
	return ""
}
