//go:build linux

package cmd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

const (
	nginxPath        = "/usr/sbin/nginx"
	nginxLog         = "/var/log/nginx/error.log" // in the recipe
	nginxAdminBearer = "admin-bearer-of-the-proxied"
)

// nginxRecipe is the manual's, with the addresses of a test in it.
func nginxRecipe(t *testing.T, backend, errorLog string) string {
	t.Helper()
	recipe := cmdtest.Recipe(t, "web-servers.md", "location")
	for old, by := range map[string]string{"http://127.0.0.1:5000;": backend + ";", nginxLog: errorLog} {
		if strings.Count(recipe, old) != 1 {
			t.Fatalf("the manual's recipe has no %s, or several:\n%s", old, recipe)
		}
		recipe = strings.Replace(recipe, old, by, 1)
	}
	return recipe
}

// An nginx is a process of its own with the manual's recipe.
type nginx struct {
	t        *testing.T
	dir      string // with all its logs
	listener *net.TCPListener
}

func newNginx(t *testing.T) *nginx {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	n := &nginx{t: t, dir: t.TempDir(), listener: l}
	t.Cleanup(func() { l.Close() })
	return n
}

func (n *nginx) port() int { return n.listener.Addr().(*net.TCPAddr).Port }

// start hands the listener over as one nginx does to the next (NGINX=3;), so that
// nobody else can take the port.
func (n *nginx) start(backend string) {
	n.t.Helper()
	file, err := n.listener.File()
	if err != nil {
		n.t.Fatal(err)
	}
	defer file.Close()
	config := filepath.Join(n.dir, "nginx.conf")
	if err := os.WriteFile(config, []byte(n.config(backend)), 0o644); err != nil {
		n.t.Fatal(err)
	}
	c := exec.Command(nginxPath, "-p", n.dir, "-e", filepath.Join(n.dir, "main.log"), "-c", config)
	c.Env, c.ExtraFiles = []string{"NGINX=3;"}, []*os.File{file}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM) // its workers end with it
		c.Wait()
	})
	n.waitForWorker()
}

func (n *nginx) config(backend string) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user nobody nogroup;" // as an installed one: root may connect to everything
	}
	var folders strings.Builder
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&folders, "%s_temp_path %s;\n", name, filepath.Join(n.dir, name))
	}
	return fmt.Sprintf(`daemon off; pid %[1]s/nginx.pid; worker_processes 1; %[2]s
events {}
http {
access_log %[1]s/access.log;
%[3]s
server {
listen 127.0.0.1:%[4]d;
location = /own { return 204; }
%[5]s
}
}
`, n.dir, user, folders.String(), n.port(), nginxRecipe(n.t, backend, filepath.Join(n.dir, "error.log")))
}

func (n *nginx) waitForWorker() {
	n.t.Helper()
	client := http.Client{Timeout: time.Second} // the kernel takes connections before nginx does
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/own", n.port()))
		if err == nil {
			resp.Body.Close()
			return
		}
	}
	n.t.Fatalf("nginx does not answer:\n%s", n.logs())
}

// logs are all that it has written.
func (n *nginx) logs() string {
	n.t.Helper()
	files, err := filepath.Glob(filepath.Join(n.dir, "*.log"))
	if err != nil {
		n.t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			n.t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s:\n%s", filepath.Base(file), text)
	}
	return all.String()
}

// ask sends a request as a browser on plain HTTP does that knows the proxy by the
// given host.
func (n *nginx) ask(method, host, path, form string, headers ...string) (int, string) {
	n.t.Helper()
	req, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", n.port(), path), strings.NewReader(form))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Host = host
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return answerOf(n.t, http.DefaultTransport.RoundTrip, req)
}

// answerOf sends a request and returns the status and the text of the answer.
func answerOf(t *testing.T, send func(*http.Request) (*http.Response, error), req *http.Request) (int, string) {
	t.Helper()
	resp, err := send(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// proxied is a server that people reach by the nginx.
func (n *nginx) proxied() *cmdtest.Server {
	p := cmdtest.NewProgram(n.t, "sqlite:"+filepath.Join(n.t.TempDir(), "totpctl.db"))
	p.Env = append(p.Env, "ADMIN_BEARER="+nginxAdminBearer, fmt.Sprintf("PUBLIC_URL=http://127.0.0.1:%d", n.port()))
	return p.Serve()
}

// link is that of a pending account.
func (n *nginx) link(account string) *url.URL {
	n.t.Helper()
	status, text := n.ask("POST", "127.0.0.1", "/accounts", fmt.Sprintf(`{"account":%q}`, account), "Authorization", "Bearer "+nginxAdminBearer)
	var body struct {
		URL string `json:"enrol_url"`
	}
	err := json.Unmarshal([]byte(text), &body)
	link, bad := url.Parse(body.URL)
	if status != 201 || err != nil || bad != nil || !strings.HasPrefix(body.URL, fmt.Sprintf("http://127.0.0.1:%d/enrol/", n.port())) {
		n.t.Fatalf("making an account: %d %s", status, text)
	}
	return link
}

func TestTheManualsNginxPassesFormsOnAPortOfItsOwn(t *testing.T) {
	n := newNginx(t)
	server := n.proxied()
	n.start(server.URL)
	for account, host := range map[string]string{"alice": "127.0.0.1", "bob": "localhost"} { // PUBLIC_URL's, and another
		link, at := n.link(account), fmt.Sprintf("%s:%d", host, n.port())
		status, text := n.ask("POST", at, link.Path, "", "Origin", "http://attacker.example")
		if status != 403 || !strings.Contains(text, "This form came from another site") {
			t.Errorf("a form of another site, at %s: %d %s", at, status, text)
		}
		status, text = n.ask("POST", at, link.Path, "", "Origin", "http://"+at)
		if status != 200 || !regexp.MustCompile(`otpauth://totp/[^"]*`+account).MatchString(text) {
			t.Errorf("the button at %s: %d %s", at, status, text)
		}
	}
}

func TestTheManualsNginxLogsNeitherTokensNorCodesWhenTheServerIsDown(t *testing.T) {
	for what, down := range map[string]func(*nginx) string{
		"refused": func(n *nginx) string { return closedAddress(n.t) },
		// As SELinux has it by default: nginx calls this "crit".
		"forbidden": func(n *nginx) string { return forbiddenSocket(n.t) },
	} {
		t.Run(what, func(t *testing.T) {
			n := newNginx(t)
			n.start(down(n))
			const code, token = "31415926", "JBSWY3DPEHPK3PXPJBSWY3DPEH"
			for _, path := range []string{"/check/" + code, "/check/" + code + "?account=secretname", "/?setup=" + token, "/enrol/" + token} {
				for _, method := range []string{"GET", "POST"} {
					status, _ := n.ask(method, "127.0.0.1", path, "code="+code, "Authorization", "Bearer "+cmdtest.Bearer, "Referer", "http://127.0.0.1/?setup="+token)
					if status != http.StatusBadGateway {
						t.Errorf("%s %s: %d, want 502", method, path, status)
					}
				}
			}
			logs := n.logs()
			if !strings.Contains(logs, "/own") {
				t.Errorf("nginx logs nothing at all:\n%s", logs)
			}
			for _, secret := range []string{code, token, cmdtest.Bearer, "secretname"} {
				if strings.Contains(logs, secret) {
					t.Errorf("%s is in a log of nginx:\n%s", secret, logs)
				}
			}
		})
	}
}

// closedAddress is one that nobody listens on.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
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
	return "http://unix:" + path
}
