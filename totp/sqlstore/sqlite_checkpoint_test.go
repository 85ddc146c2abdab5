//go:build linux

package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

func TestTheLogIsBegunAnewWhileWritesGoOn(t *testing.T) {
	// Without the checkpointer these rows make a log of 28 MB.
	const accounts, rows, maxLog = 2000, 40_000, 16 << 20
	path := filepath.Join(t.TempDir(), "totpctl.db")
	s := openSQLite(t, path)
	addMany(t, s, accounts)
	writeMany(t, s, accounts, rows)
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxLog {
		t.Errorf("the log has %d bytes after %d rows, want at most %d", info.Size(), rows, maxLog)
	}
	if n := lastSteps(t, s, accounts); n != rows {
		t.Errorf("the accounts' last steps sum up to %d, want %d: one a row", n, rows)
	}
}

func addMany(t *testing.T, s *sqlstore.SQLite, accounts int) {
	t.Helper()
	var all sync.WaitGroup
	for i := range accounts {
		all.Go(func() {
			if err := s.Add(t.Context(), verifier.Account{ID: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// writeMany adds one to the last steps of accounts, from many callers at once.
func writeMany(t *testing.T, s *sqlstore.SQLite, accounts, rows int) {
	t.Helper()
	const callers = 100
	next := func(a verifier.Account) (verifier.State, bool) {
		a.State.LastStep++
		return a.State, true
	}
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := c; i < rows; i += callers {
				if err := s.Decide(t.Context(), fmt.Sprint(i%accounts), next); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func lastSteps(t *testing.T, s *sqlstore.SQLite, accounts int) (sum int64) {
	t.Helper()
	found, err := s.List(t.Context(), verifier.Range{}, accounts)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		sum += a.State.LastStep
	}
	return sum
}

// After a clean stop the one file is all there is, for whoever copies it.
func TestAClosedStoreLeavesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "totpctl.db")
	s := openSQLite(t, path)
	addMany(t, s, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want that it is gone", path+suffix, err)
		}
	}
	if n := countIn(t, path); n != 10 {
		t.Errorf("the file has %d accounts, want 10", n)
	}
}

// countIn reads the file alone, whatever lies beside it.
func countIn(t *testing.T, path string) (accounts int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM account").Scan(&accounts); err != nil {
		t.Fatal(err)
	}
	return accounts
}

// What is written ahead in a batch must not be decided on as it was before.
func TestABatchSeesWhatItHasWritten(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "totpctl.db"))
	for round := range 50 {
		name := fmt.Sprint("alice", round)
		if err := s.Add(t.Context(), verifier.Account{ID: name}); err != nil {
			t.Fatal(err)
		}
		testSharedBatch(t, s, name)
	}
}

// testSharedBatch has one account changed, edited, removed and added at once; a
// change that is told of must be there, whichever comes first.
func testSharedBatch(t *testing.T, s *sqlstore.SQLite, name string) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := s.Decide(ctx, name, func(a verifier.Account) (verifier.State, bool) {
				a.State.Throttle.Failures++
				return a.State, true
			})
			if err != nil && !errors.Is(err, verifier.ErrNoAccount) {
				t.Errorf("deciding: %v", err)
			}
		})
		all.Go(func() {
			err := s.Edit(ctx, name, func(a verifier.Account) (verifier.Account, error) {
				a.State.Throttle.Failures++
				return a, nil
			})
			if err != nil && !errors.Is(err, verifier.ErrNoAccount) {
				t.Errorf("editing: %v", err)
			}
		})
	}
	all.Go(func() {
		if err := s.Remove(ctx, name); err != nil {
			t.Errorf("removing: %v", err)
		}
	})
	all.Wait()
	if err := s.Decide(ctx, name, nil); !errors.Is(err, verifier.ErrNoAccount) {
		t.Errorf("after it was removed: %v", err)
	}
}
