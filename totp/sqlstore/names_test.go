//go:build linux

package sqlstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

func TestNamesAreThoseThatBeginAsAskedWithoutAKey(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db database) {
		store := openNamed(t, db.url)
		key, err := totp.GenerateKey(totp.DefaultScheme())
		if err != nil {
			t.Fatal(err)
		}
		v, err := verifier.New(verifier.Config{Store: store, Clock: time.Now, Key: key, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"GitHub:bob", "GitHub:alice", "alice", "Ünal", "Git"} {
			if _, err := v.Add(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := v.Check(t.Context(), verifier.Attempt{Code: "000000"}); err != nil { // makes the default account's row
			t.Fatal(err)
		}
		before := db.dump()
		for prefix, want := range map[string][]string{
			"":         {"Git", "GitHub:alice", "GitHub:bob", "alice", "Ünal"},
			"Git":      {"Git", "GitHub:alice", "GitHub:bob"},
			"GitHub:b": {"GitHub:bob"},
			"git":      nil,
			"Ü":        {"Ünal"},
			"zz":       nil,
		} {
			if got, err := sqlstore.Names(t.Context(), db.url, prefix, 10); err != nil || !slices.Equal(got, want) {
				t.Errorf("%q: %q, %v, want %q", prefix, got, err, want)
			}
		}
		if got, err := sqlstore.Names(t.Context(), db.url, "", 2); err != nil || len(got) != 2 {
			t.Errorf("of 2 at most it returns %q, %v", got, err)
		}
		if db.dump() != before {
			t.Error("asking for names has changed the database")
		}
	})
}

func TestNamesOfNoDatabaseMakeNone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "totpctl.db")
	if got, err := sqlstore.Names(t.Context(), "sqlite:"+path, "", 10); err == nil {
		t.Errorf("it returns %q", got)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a database: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := sqlstore.Names(t.Context(), "sqlite:"+path, "", 10); err == nil {
		t.Errorf("of an empty file it returns %q", got)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v: want the empty file alone", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v: want it empty", info, err)
	}
}

func TestNamesLeaveNoFileBesideADatabaseThatNobodyHasOpen(t *testing.T) {
	db := sqliteDatabase(t)
	store := openNamed(t, db.url)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Names(t.Context(), db.url, "", 10); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(db.url[len("sqlite:"):]), "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("beside the database there are %q, %v", files, err)
	}
}

func openNamed(t *testing.T, url string) sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, EncryptionKeys: [][]byte{make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}
