//go:build linux

package sqlstore_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
	"totpctl/totp/verifier/storetest"
)

var encryptionKey = bytes.Repeat([]byte("k"), 32)

func TestSQLiteKeepsTheStoreContracts(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "totpctl.db")
		return func(t *testing.T) verifier.Store { return openSQLite(t, path) }
	})
}

func openSQLite(t *testing.T, path string) *sqlstore.SQLite {
	t.Helper()
	s, err := sqlstore.OpenSQLite(t.Context(), path, [][]byte{encryptionKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Who pages through all accounts must neither wait for SQLite's lock nor take it: the
// verdicts of a server in another process need it.
func TestAPageOfAccountsNeedsNoLock(t *testing.T) {
	d := sqliteDatabase(t)
	s := d.mustOpen(t, oldKey)
	if err := s.Add(t.Context(), verifier.Account{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	defer d.stall(t)()
	if page, err := s.List(t.Context(), verifier.Range{}, 10); err != nil || len(page) != 1 {
		t.Errorf("List: %+v, %v", page, err)
	}
	if page, err := s.LoadPage(t.Context(), "", 10); err != nil || len(page) != 1 {
		t.Errorf("LoadPage: %+v, %v", page, err)
	}
}
