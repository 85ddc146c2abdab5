//go:build linux

package audit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
