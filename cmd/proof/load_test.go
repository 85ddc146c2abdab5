//go:build linux

package proof

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A loaded server is a process under load.
type loaded struct {
	addr string
	pid  int
}

// startProcess runs a server whose log, which names the address it listens on,
// goes to a file. It ends with the benchmark.
func startProcess(b *testing.B, log *os.File, env []string, name string, args ...string) *loaded {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = filepath.Dir(log.Name()), append(os.Environ(), env...), log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(log.Name())
		if _, rest, ok := strings.Cut(string(text), `"addr":"`); ok {
			addr, _, _ := strings.Cut(rest, `"`)
			return &loaded{addr, cmd.Process.Pid}
		}
	}
	b.Fatalf("%s does not listen", name)
	return nil
}

func (l *loaded) peakMemory(b *testing.B) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kib) / 1024
}

// cpu is the processor time that the process has taken, in units of 10 ms.
func (l *loaded) cpu(b *testing.B) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", l.pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// bareSource is what totpctl is compared with.
const bareSource = `package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "{\"addr\":\"%s\"}\n", l.Addr())
	http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte("{\"status\":true}\n"))
	}))
}
`

func startBare(b *testing.B) *loaded {
	dir := b.TempDir()
	log, err := os.Create(filepath.Join(dir, "bare.log"))
	if err != nil {
		b.Fatal(err)
	}
	return startProcess(b, log, nil, buildBare(b, dir, bareSource))
}

func buildBare(t testing.TB, dir, source string) string {
	file, program := filepath.Join(dir, "bare.go"), filepath.Join(dir, "bare")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, file).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", file, err, out)
	}
	return program
}

// A request is what a client of the load asks.
type request struct{ method, path, body string }

// hammer sends the requests in turn over some connections until the time is over
// or they run out, with net/http's client, as an application would. It returns
// the rate of answers and how long each took. An answer without the wanted text
// fails the benchmark, unless that is "".
func hammer(b *testing.B, addr string, all []request, window time.Duration, want string) (rate float64, latencies []time.Duration) {
	transport := &http.Transport{MaxIdleConnsPerHost: loadConnections, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var next, wrong atomic.Int64
	var mu sync.Mutex
	var clients sync.WaitGroup
	begin := time.Now()
	for range loadConnections {
		clients.Go(func() {
			var own []time.Duration
			for time.Since(begin) < window {
				i := int(next.Add(1)) - 1
				if len(all) > 1 && i >= len(all) {
					b.Error("the requests ran out")
					break
				}
				sent := time.Now()
				body, err := exchange(transport, addr, all[i%len(all)])
				if err != nil {
					b.Error(err)
					return
				}
				own = append(own, time.Since(sent))
				if !bytes.Contains(body, []byte(want)) && wrong.Add(1) == 1 {
					b.Errorf("an answer is %s, want %s", body, want)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
		})
	}
	clients.Wait()
	return float64(len(latencies)) / time.Since(begin).Seconds(), latencies
}

func exchange(transport *http.Transport, addr string, r request) ([]byte, error) {
	req, err := http.NewRequest(r.method, "http://"+addr+r.path, strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+loadBearer)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
