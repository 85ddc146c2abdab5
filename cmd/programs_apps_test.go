//go:build linux

package cmd_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"totpctl/cmd/cmdtest"
)

// Of npm, for the manual's Express application alone.
const (
	expressVersion        = "5.3.0"
	expressSessionVersion = "1.19.0"
)

// passwordOfAll is that of every user of the manual's applications.
const passwordOfAll = "correct horse"

// manualApps has the command that serves each application of the manual from its folder, on a
// port.
var manualApps = map[string]func(t *testing.T, dir, port string) *exec.Cmd{
	"flask": func(t *testing.T, dir, port string) *exec.Cmd {
		write(t, filepath.Join(dir, "login.py"), cmdtest.Recipe(t, "programs.md", "flask"))
		return exec.Command("/usr/bin/python3", "-m", "flask", "--app", "login", "run", "--port", port)
	},
	"express": func(t *testing.T, dir, port string) *exec.Cmd {
		write(t, filepath.Join(dir, "login.js"), cmdtest.Recipe(t, "programs.md", "express"))
		if err := os.Symlink(expressModules(t), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		c := exec.Command("node", "login.js")
		c.Env = []string{"PORT=" + port}
		return c
	},
	"php": func(t *testing.T, dir, port string) *exec.Cmd {
		write(t, filepath.Join(dir, "login.php"), cmdtest.Recipe(t, "programs.md", "php"))
		hash, err := bcrypt.GenerateFromPassword([]byte(passwordOfAll), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("php", "-d", "session.save_path="+dir, "-S", "127.0.0.1:"+port, "login.php")
		c.Env = []string{"PASSWORD_HASH=" + string(hash)}
		return c
	},
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// expressModules returns the folder node_modules with Express in it, which the user's cache
// keeps.
func expressModules(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "totpctl-test", "express-"+expressVersion+"-"+expressSessionVersion)
	modules := filepath.Join(folder, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules
	}
	own := folder + fmt.Sprintf("-%d", os.Getpid()) // tests of another checkout may do so, too
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(own)
	c := exec.Command("npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", own,
		"express@"+expressVersion, "express-session@"+expressSessionVersion)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v: %s", err, out)
	}
	if err := os.Rename(own, folder); err != nil {
		if _, other := os.Stat(modules); other != nil {
			t.Fatal(err)
		}
	}
	return modules
}

// startApp serves an application that asks the server at the URL, and returns its own URL.
func startApp(t *testing.T, name, server string) string {
	t.Helper()
	for range 3 { // somebody else may take the port in between
		port := freePort(t)
		address, dir := "http://127.0.0.1:"+port, t.TempDir()
		c := manualApps[name](t, dir, port)
		out, err := os.Create(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		c.Dir, c.Stdout, c.Stderr = dir, out, out
		c.Env = append(c.Env, "PATH="+os.Getenv("PATH"), "SECRET_KEY=key of the sessions", "PASSWORD="+passwordOfAll, "BEARER="+cmdtest.Bearer, "TOTPCTL_URL="+server)
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { c.Wait(); close(ended) }()
		t.Cleanup(func() { c.Process.Kill(); <-ended })
		if answers(address, ended) {
			return address
		}
		text, _ := os.ReadFile(out.Name())
		t.Logf("%s does not answer:\n%s", name, text)
	}
	t.Fatalf("%s cannot be started", name)
	return ""
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// answers waits until something answers at a URL, and reports whether it does before ended.
func answers(url string, ended <-chan struct{}) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		}
		select {
		case <-ended:
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return false
}
