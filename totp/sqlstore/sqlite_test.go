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
