//go:build linux

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
	for _, edit := range []string{
		"account SET failures = 'x'", "account SET last_step = 'x'", "account SET answer = NULL", "account SET wait_until = 1.5",
		"enrolment SET created_at = 'x'", "enrolment SET sealed_key = NULL", "enrolment SET recovery = NULL",
	} {
		if _, err := db.Exec("UPDATE " + edit); err == nil {
			t.Errorf("UPDATE %s was taken", edit)
		}
	}
}
