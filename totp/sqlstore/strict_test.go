package sqlstore_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"totpctl/totp/verifier"
)

// A value that no row can be read with would fail whole batches and lists.
func TestSQLiteRefusesAValueOfAnotherType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "totpctl.db")
	if err := openSQLite(t, path).Add(t.Context(), verifier.Account{ID: "alice"}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, edit := range []string{"failures = 'x'", "last_step = 'x'", "answer = NULL", "wait_until = 1.5"} {
		if _, err := db.Exec("UPDATE account SET " + edit); err == nil {
			t.Errorf("SET %s was taken", edit)
		}
	}
}
