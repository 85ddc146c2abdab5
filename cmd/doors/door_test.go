//go:build linux

package doors

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// Loopback addresses that nothing else uses: towards the servers a proxy is 127.0.0.1.
const (
	proxyHost  = "127.0.77.2"
	clientHost = "127.0.77.9"
	hastyHost  = "127.0.77.10"
)

// A door is a proxy between clients and three servers.
type door struct {
	t            *testing.T
	name         string
	dir          string // with all its logs, *.log
	secure, open string // the addresses of https and http
	roots        *x509.CertPool
	cluster      *cluster
	relays       []*relay

	mu      sync.Mutex
	secrets []string // what clients have sent or received
}

// newDoor returns a door whose proxy does not run yet.
func newDoor(t *testing.T, name string, c *cluster) *door {
	d := &door{t: t, name: name, dir: t.TempDir(), cluster: c, secure: freeAddress(t, proxyHost), open: freeAddress(t, proxyHost)}
	d.hide(cmdtest.Bearer, adminBearer)
	for _, s := range c.servers {
		d.relays = append(d.relays, newRelay(t, strings.TrimPrefix(s.URL, "http://")))
	}
	return d
}

// hide remembers what must not be in a log. What is short would be there by chance.
func (d *door) hide(secrets ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) >= 6 {
			d.secrets = append(d.secrets, secret)
		}
	}
}

// write makes a file of the proxy's.
func (d *door) write(name, text string) (path string) {
	d.t.Helper()
	path = filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// servers are pairs for replaced: the recipe's servers and those of the test.
func (d *door) servers() (pairs []string) {
	for i, r := range d.relays {
		pairs = append(pairs, fmt.Sprintf("127.0.0.1:500%d", i+1), r.addr)
	}
	return pairs
}

// run starts the proxy, which ends with the test, and waits until it listens.
func (d *door) run(args ...string) {
	d.t.Helper()
	log, err := os.Create(filepath.Join(d.dir, "output.log"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	c := exec.Command(args[0], args[1:]...)
	c.Env, c.Stdout, c.Stderr = []string{"HOME=" + d.dir, "PATH=" + os.Getenv("PATH") + ":/usr/sbin"}, log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { c.Wait(); close(ended) }()
	d.t.Cleanup(func() { c.Process.Signal(syscall.SIGTERM); <-ended })
	d.await("listening", func() bool {
		select {
		case <-ended:
			d.t.Fatalf("%s has ended:\n%s", d.name, tail(d.logs()))
		default:
		}
		return listens(d.secure) && listens(d.open)
	})
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

func (d *door) await(what string, reached func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("%s is not %s after %v:\n%s", d.name, what, patience, tail(d.logs()))
		}
	}
}

// mend brings all servers back, and waits until each of them is asked.
func (d *door) mend(t *testing.T, cut ...*relay) {
	t.Helper()
	for _, r := range cut {
		r.up()
	}
	for _, r := range d.relays {
		r.lose(0)
	}
	d.await("asking all servers", func() bool {
		asked := map[int]bool{}
		for range d.relays {
			status, _, id := d.program(t).check("GET", "", "12345")
			if status != 200 {
				return false
			}
			for i, s := range d.cluster.servers {
				if strings.Contains(s.Lines(), id) {
					asked[i] = true
				}
			}
		}
		return len(asked) == len(d.relays)
	})
}

// logs are all that the proxy has written.
func (d *door) logs() string {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.dir, "*.log"))
	if err != nil {
		d.t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			d.t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s:\n%s", filepath.Base(file), text)
	}
	return all.String()
}

// searchLogs wants lines with the ids, and finds secrets in what the proxy has written.
func (d *door) searchLogs(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		d.await("logging "+id, func() bool { return strings.Contains(d.logs(), id) })
	}
	logs := d.logs()
	for _, secret := range slices.Compact(slices.Sorted(slices.Values(d.secrets))) {
		if at := indexOf(logs, secret); at >= 0 {
			t.Errorf("a log of %s has the secret %s: …%s…", d.name, secret, logs[max(0, at-300):min(len(logs), at+100)])
		}
	}
}

// indexOf returns where a secret is in the logs, -1 if it is not. A code is no part of a
// longer number, or of a fraction of a second.
func indexOf(logs, secret string) int {
	const digits = "0123456789"
	for from := 0; ; {
		at := strings.Index(logs[from:], secret)
		if at < 0 {
			return -1
		}
		at += from
		from = at + len(secret)
		before, after := logs[max(0, at-1):at], logs[from:min(len(logs), from+1)]
		if strings.Trim(secret, digits) != "" || !strings.ContainsAny(before, digits+".") && !strings.ContainsAny(after, digits) {
			return at
		}
	}
}

// tail is the end of logs, for the message of a failure.
func tail(logs string) string { return logs[max(0, len(logs)-2000):] }
