//go:build linux

package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"totpctl/totp/audit"
	"totpctl/totp/verifier"
)

var moment = time.Date(2026, 3, 1, 12, 0, 5, 678_900_000, time.FixedZone("", 3600))

func config(path string) audit.Config {
	return audit.Config{Path: path, Clock: func() time.Time { return moment }, Timeout: 2 * time.Second}
}

func open(t *testing.T, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(config(path))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closed(t *testing.T, l *audit.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func check(account string, v verifier.Verdict) verifier.Event {
	return verifier.Event{Time: moment, Kind: verifier.KindCheck, Account: account, Verdict: v}
}

// The bytes are a promise to whatever reads the log.
func TestTheFieldsOfALineStayAsTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	origin := verifier.Origin{By: "bearer:1a2b3c4d", Client: "2001:db8::1", RequestID: "req-1"}
	good := check("alice", verifier.Verdict{Valid: true, SkewSteps: -1, Failures: 2})
	good.Failures, good.Recent, good.Origin = 2, 7, origin
	wrong := check("", verifier.Verdict{Reason: verifier.ReasonInvalid})
	wrong.Failures = 3
	recovery := check("GitHub:<a&b>\u2028", verifier.Verdict{Valid: true, Recovery: true, RecoveryLeft: 9, Repeated: true})
	recovery.Recovery = true
	free := check("alice", verifier.Verdict{Reason: verifier.ReasonThrottled, RetryAfter: time.Minute})
	free.Free, free.Failures, free.Origin = true, 5, origin
	unknown := verifier.Event{Time: moment.Add(time.Second), Kind: verifier.KindCheck, Account: "hunter2", Refusal: verifier.RefusedNoAccount, Free: true}
	refused := verifier.Event{Time: moment.Add(2 * time.Second), Kind: verifier.KindRefuse, Refusal: verifier.RefusedBearer, Free: true, Origin: verifier.Origin{Client: "192.0.2.7"}}
	renamed := verifier.Event{Time: moment, Kind: verifier.KindRename, Account: "alice", To: "bob", Origin: verifier.Origin{By: "cli:root(alice)"}}
	for _, e := range []verifier.Event{good, wrong, recovery, renamed, free, free, unknown, refused} {
		if err := l.Tell(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	closed(t, l)
	want := `{"time":"2026-03-01T11:00:05.678Z","event":"check","account":"alice","valid":true,"skew_steps":-1,"failures":2,"by":"bearer:1a2b3c4d","client":"2001:db8::1","request_id":"req-1"}
{"time":"2026-03-01T11:00:05.678Z","event":"check","default":true,"valid":false,"reason":"invalid","failures":3}
{"time":"2026-03-01T11:00:05.678Z","event":"check","account":"GitHub:<a&b>\u2028","valid":true,"recovery":true,"repeated":true,"failures":0}
{"time":"2026-03-01T11:00:05.678Z","event":"account.rename","account":"alice","to":"bob","by":"cli:root(alice)"}
{"time":"2026-03-01T11:00:05.678Z","event":"check","account":"alice","valid":false,"reason":"throttled","failures":5,"by":"bearer:1a2b3c4d","client":"2001:db8::1","request_id":"req-1","count":2}
{"time":"2026-03-01T11:00:06.678Z","event":"check","reason":"no_account","count":1}
{"time":"2026-03-01T11:00:07.678Z","event":"refuse","reason":"unauthorized","client":"192.0.2.7","count":1}
`
	if got := read(t, path); got != want {
		t.Errorf("the log is\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}

func TestAnEventIsInTheFileWhenTellReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	defer closed(t, l)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				name := fmt.Sprintf("user-%d-%d", i, j)
				e := check(name, verifier.Verdict{Valid: true})
				if j%5 == 0 {
					e = verifier.Event{Time: moment, Kind: verifier.KindDisable, Account: name}
				}
				if err := l.Tell(t.Context(), e); err != nil || !strings.Contains(read(t, path), `"`+name+`"`) {
					t.Errorf("%s is not in the file: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	wantLines(t, read(t, path), 1000)
}

// wantLines wants so many lines, each a JSON object.
func wantLines(t *testing.T, text string, n int) {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	if last := lines[len(lines)-1]; last != "" {
		t.Errorf("the last line is half: %s", last)
	}
	if lines = lines[:len(lines)-1]; n >= 0 && len(lines) != n {
		t.Errorf("there are %d lines, want %d", len(lines), n)
	}
	for _, line := range lines {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

func TestWhatCostsAGuesserNothingIsALineASecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	for i := range 30_000 {
		name := fmt.Sprintf("user-%d", i%3000)
		free := check(name, verifier.Verdict{Reason: verifier.ReasonMalformed})
		unknown := verifier.Event{Time: moment, Kind: verifier.KindCheck, Account: fmt.Sprint("hunter", i), Refusal: verifier.RefusedNoAccount, Free: true}
		free.Free = true
		if err := errors.Join(l.Tell(t.Context(), free), l.Tell(t.Context(), unknown)); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, l)
	text := read(t, path)
	seconds := strings.Count(text, `"reason":"more_accounts"`)
	if n := strings.Count(text, "\n"); n > (seconds+1)*1002 || seconds == 0 || strings.Contains(text, "hunter") {
		t.Errorf("there are %d lines in %d seconds:\n%.2000s", n, seconds, text)
	}
	total := 0
	for line := range strings.Lines(text) {
		var l struct{ Count int }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		total += l.Count
	}
	if total != 60_000 {
		t.Errorf("the lines count %d events, want 60000", total)
	}
}

func TestACountedLineIsWrittenWithinSeconds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	defer closed(t, l)
	e := check("alice", verifier.Verdict{Reason: verifier.ReasonDisabled})
	e.Free = true
	for range 3 {
		if err := l.Tell(t.Context(), e); err != nil {
			t.Error(err)
		}
		time.Sleep(1200 * time.Millisecond)
	}
	if n := strings.Count(read(t, path), "\n"); n < 2 {
		t.Errorf("after three seconds there are %d lines", n)
	}
}

// smallDisk mounts a file system of 256 KiB, which needs root.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k", "none", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	return dir
}

func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !reached(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never comes: " + what)
		}
	}
}

func TestAFullDiskRefusesEventsUntilThereIsRoomAndLeavesNoHalfLine(t *testing.T) {
	dir := smallDisk(t)
	path, ballast := filepath.Join(dir, "audit.log"), filepath.Join(dir, "ballast")
	var log lockedBuffer
	c := config(path)
	c.Log = slog.New(slog.NewJSONHandler(&log, nil))
	l := audit.Start(c)
	if err := os.WriteFile(ballast, bytes.Repeat([]byte("x"), 100<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	written, e := 1, check(strings.Repeat("long name ", 12), verifier.Verdict{Valid: true})
	var err error
	for ; err == nil && written < 10_000; written++ {
		err = l.Tell(t.Context(), e)
	}
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), dir) {
		t.Fatalf("after %d lines: %v", written, err)
	}
	wantLines(t, read(t, path), written-1)
	for range 3 {
		if err := l.Ready(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Ready: %v", err)
		}
		if err := l.Tell(t.Context(), e); err == nil {
			t.Error("an event is taken while the disk is full")
		}
		time.Sleep(600 * time.Millisecond) // it must not take the last bytes for room
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes on", func() bool { return l.Ready() == nil })
	if err := l.Tell(t.Context(), e); err != nil {
		t.Error(err)
	}
	closed(t, l)
	text := read(t, path)
	wantLines(t, text, written+1)
	if !strings.Contains(text, `"event":"audit.open","lost":4`) {
		t.Errorf("the log does not say what was lost:\n%s", text[max(0, len(text)-900):])
	}
	if n := strings.Count(log.String(), "no space left"); n != 1 {
		t.Errorf("the failure is logged %d times:\n%s", n, log.String())
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestALogWaitsForItsFileAndReopensIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "audit.log")
	l := audit.Start(config(path))
	if err := l.Ready(); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), path) {
		t.Errorf("Ready without a folder: %v", err)
	}
	if _, err := audit.Open(config(path)); err == nil {
		t.Error("a command opens a file in no folder")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is open", func() bool { return l.Ready() == nil })
	if err := errors.Join(l.Tell(t.Context(), check("before", verifier.Verdict{})), os.Rename(path, path+".1"),
		l.Tell(t.Context(), check("moved", verifier.Verdict{})), l.Reopen(), l.Tell(t.Context(), check("after", verifier.Verdict{}))); err != nil {
		t.Error(err)
	}
	closed(t, l)
	old, fresh := read(t, path+".1"), read(t, path)
	wantLines(t, old, 3)
	wantLines(t, fresh, 2)
	if !strings.Contains(old, "moved") || !strings.Contains(fresh, "after") {
		t.Errorf("the old file is\n%sthe new\n%s", old, fresh)
	}
}

func TestProcessesShareAFileAndAKilledOnesHalfLineIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	a, b := open(t, path), open(t, path)
	var all sync.WaitGroup
	for _, l := range []*audit.Log{a, b} {
		for range 8 {
			all.Go(func() {
				for range 100 {
					if err := l.Tell(t.Context(), check(strings.Repeat("name ", 20), verifier.Verdict{Valid: true})); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	wantLines(t, read(t, path), 1600)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, l := range []*audit.Log{a, b} {
		if _, err := io.WriteString(f, `{"time":"2026-03-`); err != nil {
			t.Fatal(err)
		}
		if err := l.Tell(t.Context(), check("after", verifier.Verdict{Valid: true})); err != nil {
			t.Error(err)
		}
		wantLines(t, read(t, path), 1601+i)
	}
	closed(t, a)
	closed(t, b)
}

func TestNobodyWaitsForEverForAReader(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(config(fifo)); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("a FIFO without a reader: %v", err)
	}
	deaf, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	pipe, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout.Fd() // as standard output is: a write that waits cannot be interrupted
	c := config("")
	c.Output = stdout
	c.Timeout = 500 * time.Millisecond
	for name, l := range map[string]*audit.Log{"a FIFO": open(t, fifo), "standard output": audit.Start(c)} {
		begin := time.Now()
		var err error
		for err == nil && time.Since(begin) < 20*time.Second {
			err = l.Tell(t.Context(), check(strings.Repeat("name ", 20), verifier.Verdict{Valid: true}))
		}
		if err == nil {
			t.Errorf("%s whose reader does not read takes lines for ever", name)
		}
		defer l.Close()
		reader := map[string]*os.File{"a FIFO": deaf, "standard output": pipe}[name]
		go io.Copy(io.Discard, reader)
		eventually(t, name+" whose reader reads again", func() bool { return l.Ready() == nil })
		if err := l.Tell(t.Context(), check("alice", verifier.Verdict{})); err != nil {
			t.Error(name, err)
		}
	}
}
