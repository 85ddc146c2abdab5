package sqlstore_test

import (
	"path/filepath"
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
	"totpctl/totp/verifier/storetest"
)

func TestSQLiteKeepsTheStoreContracts(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "totpctl.db")
		return func(t *testing.T) verifier.Store { return openSQLite(t, path) }
	})
}

func openSQLite(t *testing.T, path string) *sqlstore.SQLite {
	t.Helper()
	s, err := sqlstore.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
