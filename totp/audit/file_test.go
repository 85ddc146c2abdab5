//go:build linux

package audit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"totpctl/totp/audit"
	"totpctl/totp/verifier"
)

// Nobody can read what is written into a file without a name.
func TestARemovedFileTakesNoLinesAndIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := audit.Start(config(path))
	if err := errors.Join(l.Tell(t.Context(), check("before", verifier.Verdict{Valid: true})), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	if err := l.Tell(t.Context(), check("lost", verifier.Verdict{Valid: true})); err == nil {
		t.Error("a removed file takes a line")
	}
	eventually(t, "it goes on", func() bool { return l.Ready() == nil })
	if err := l.Tell(t.Context(), check("after", verifier.Verdict{Valid: true})); err != nil {
		t.Error(err)
	}
	closed(t, l)
	if text := read(t, path); !strings.Contains(text, `"lost":1`) || !strings.Contains(text, "after") {
		t.Errorf("the new file is\n%s", text)
	}
}

func TestAFileThatIsNoAuditLogStaysAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "totpctl.db")
	const text = "SQLite format 3\x00, and no newline at the end"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := audit.Open(config(path)); err == nil {
		l.Tell(t.Context(), check("alice", verifier.Verdict{Valid: true}))
		closed(t, l)
		t.Error("a database is opened as an audit log")
	}
	l := audit.Start(config(path))
	if err := l.Ready(); err == nil || strings.Contains(err.Error(), path) {
		t.Errorf("Ready: %v", err)
	}
	closed(t, l)
	if got := read(t, path); got != text {
		t.Errorf("the file is %q", got)
	}
}

// Whoever has one good code may ask for its verdict again for minutes.
func TestRepeatedVerdictsDoNotFillTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	for range 5000 {
		if err := l.Tell(t.Context(), check("alice", verifier.Verdict{Valid: true, Repeated: true})); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(read(t, path), "alice") {
			t.Fatal("the verdict is told before there is a line of it")
		}
	}
	time.Sleep(2500 * time.Millisecond) // the second ends
	if err := l.Tell(t.Context(), check("alice", verifier.Verdict{Valid: true, Repeated: true})); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(read(t, path), `"count":`)
	closed(t, l)
	text := read(t, path)
	if n := strings.Count(text, "\n"); n > 100 || before == 0 || !strings.HasSuffix(text, "\"failures\":0}\n") {
		t.Errorf("5001 repeated verdicts take %d lines, of which %d have a count:\n%.1000s", n, before, text)
	}
}
