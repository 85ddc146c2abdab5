package sqlstore

import (
	"context"
	"path/filepath"
	"testing"
)

// On the writer's own connection, after it has written: pragmas are a
// connection's, not the file's.
func TestTheWriterSyncsEveryCommit(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "totpctl.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "busy_timeout": "5000"} {
		var got string
		err := s.submit(t.Context(), "", func(ctx context.Context, w *writer) error {
			return w.conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got)
		})
		if err != nil || got != want {
			t.Errorf("PRAGMA %s is %q, %v, want %s", pragma, got, err, want)
		}
	}
}
