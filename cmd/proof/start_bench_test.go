//go:build linux

package proof

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

const cobraSource = `package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{Use: "bare"}
	root.AddCommand(&cobra.Command{Use: "gen", Run: func(*cobra.Command, []string) { fmt.Println("123456") }})
	root.Execute()
}
`

// serveSource listens on the address that it is given.
const serveSource = `package main

import (
	"net/http"
	"os"
)

func main() {
	http.ListenAndServe(os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("alive\n")) }))
}
`

// BenchmarkColdStart compares totpctl's start with that of bare programs, in
// turn; its metrics are ratios of medians.
func BenchmarkColdStart(b *testing.B) {
	env := append(os.Environ(), "TOTP_BASE32_SECRET=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "BEARER=bearer",
		"DATABASE_URL=sqlite:"+filepath.Join(b.TempDir(), "start.db"))
	b.Run("gen", func(b *testing.B) {
		bare := buildBare(b, b.TempDir(), cobraSource)
		compareStarts(b,
			func() time.Duration { return timeRun(b, env, bare, "gen") },
			func() time.Duration { return timeRun(b, env, cmdtest.Binary(b), "gen", "--once") })
	})
	b.Run("serve", func(b *testing.B) {
		bare := buildBare(b, b.TempDir(), serveSource)
		compareStarts(b,
			func() time.Duration { addr := freeAddr(b); return timeServe(b, env, addr, bare, addr) },
			func() time.Duration {
				addr := freeAddr(b)
				return timeServe(b, env, addr, cmdtest.Binary(b), "serve", "--listen-addr", addr)
			})
	})
}

func compareStarts(b *testing.B, bare, own func() time.Duration) {
	var bares, owns []time.Duration
	for b.Loop() {
		bares, owns = append(bares, bare()), append(owns, own())
	}
	b.ReportMetric(float64(median(owns))/float64(median(bares)), "of-bare")
	b.ReportMetric(0, "ns/op")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func timeRun(b *testing.B, env []string, name string, args ...string) time.Duration {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = env, b.TempDir()
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return time.Since(begin)
}

// timeServe is how long it takes from the start to the first answer.
func timeServe(b *testing.B, env []string, addr, name string, args ...string) time.Duration {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = env, b.TempDir()
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for time.Since(begin) < 10*time.Second {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			time.Sleep(200 * time.Microsecond)
			continue
		}
		defer conn.Close()
		conn.Write([]byte("GET /healthz HTTP/1.0\r\n\r\n"))
		if n, err := conn.Read(make([]byte, 64)); n > 0 && err == nil {
			return time.Since(begin)
		}
	}
	b.Fatalf("%s does not answer", name)
	return 0
}

func freeAddr(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
