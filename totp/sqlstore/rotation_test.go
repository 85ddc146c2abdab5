package sqlstore_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// A replica that was forgotten in the rotation seals with the old key after the
// others have resealed: a start without that key must not pass over its row.
func TestAKeyThatALateRowNeedsMayNotBeMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "totpctl.db")
	previous, next := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("n"), 32)
	open := func(keys ...[]byte) (*sqlstore.SQLite, error) { return sqlstore.OpenSQLite(t.Context(), path, keys) }
	late, err := open(previous, next)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	resealing, err := open(next, previous)
	if err != nil {
		t.Fatal(err)
	}
	defer resealing.Close()
	if _, err := resealing.Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	k, err := totp.GenerateKey(totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Add(t.Context(), verifier.Account{ID: "late", Key: k}); err != nil {
		t.Fatal(err)
	}
	if s, err := open(next); !errors.Is(err, sqlstore.ErrKey) {
		t.Errorf("opening without the old key: %v, %v, want ErrKey", s, err)
	}
}
