//go:build linux

package sqlstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
)

func examine(t *testing.T, d database, keys ...[]byte) sqlstore.Examination {
	t.Helper()
	e, err := sqlstore.Examine(t.Context(), sqlstore.Config{URL: d.url, EncryptionKeys: keys})
	if err != nil {
		t.Fatalf("examining: %v", err)
	}
	return e
}

func TestAnExaminationOfASoundDatabaseFindsNothingAndChangesNothing(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		v := newVerifier(t, s, c)
		enrol(t, v, c, "alice")
		enrol(t, v, c, "bob")
		before := d.dump()
		e := examine(t, d, oldKey)
		if e.Missing != nil || e.Version != e.Newest || e.Version == 0 || e.Examined != 2 || e.Rest || e.DamagedN+e.Due+len(e.Unused)+len(e.Broken)+len(e.Settings)+len(e.Rights) > 0 {
			t.Errorf("it finds %+v", e)
		}
		if d.dump() != before {
			t.Error("the database has changed")
		}
	})
}

func TestAnExaminationFindsTheKeysThatRowsNeed(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		enrol(t, newVerifier(t, s, c), c, "alice")
		if e := examine(t, d); !errors.Is(e.Missing, sqlstore.ErrKey) {
			t.Errorf("without a key it finds %+v", e)
		}
		if e := examine(t, d, newKey); !errors.Is(e.Missing, sqlstore.ErrKey) {
			t.Errorf("with another key it finds %+v", e)
		}
		if e := examine(t, d, newKey, oldKey); e.Missing != nil || e.Due != 1 || len(e.Unused) > 0 {
			t.Errorf("before the reseal it finds %+v", e)
		}
		if _, err := d.mustOpen(t, newKey, oldKey).Reseal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := examine(t, d, newKey, oldKey); e.Missing != nil || e.Due != 0 || !slices.Equal(e.Unused, []int{2}) {
			t.Errorf("after the reseal it finds %+v", e)
		}
	})
}

func TestAnExaminationNamesDamagedAccounts(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		v := newVerifier(t, s, c)
		enrol(t, v, c, "alice")
		enrol(t, v, c, "bob")
		d.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'bob'`)
		if e := examine(t, d, oldKey); e.DamagedN != 1 || !slices.Equal(e.Damaged, []string{"bob"}) || e.Examined != 2 {
			t.Errorf("it finds %+v", e)
		}
	})
}

func TestAnExaminationUpgradesNothing(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		loadVersion2(t, d)
		content := func() string { return restricted.ReplaceAllString(string(d.raw()), "") }
		before := content()
		if e := examine(t, d, oldKey); e.Version != 2 || e.Newest < 4 {
			t.Errorf("it finds %+v", e)
		}
		if content() != before {
			t.Error("the database has changed")
		}
		d.exec(`UPDATE schema_version SET version = 1000`)
		if e, err := sqlstore.Examine(t.Context(), sqlstore.Config{URL: d.url}); !errors.Is(err, sqlstore.ErrNewer) {
			t.Errorf("of a newer program's it finds %+v, %v", e, err)
		}
	})
}

func TestAnExaminationMakesNoDatabase(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		before := ""
		if file, ok := strings.CutPrefix(d.url, "sqlite:"); !ok {
			before = d.dump()
		} else {
			defer func() {
				if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) > 0 {
					t.Errorf("it leaves %q, %v", left, err)
				}
			}()
		}
		if e, err := sqlstore.Examine(t.Context(), sqlstore.Config{URL: d.url}); !errors.Is(err, sqlstore.ErrMissing) {
			t.Errorf("it finds %+v, %v", e, err)
		}
		if before != "" && d.dump() != before {
			t.Error("the database has changed")
		}
	})
}

func TestAnExaminationHasTheFingerprintsOfTheStore(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s := d.mustOpen(t, oldKey)
		want := s.Fingerprint("bearer x")
		if fingerprint, ok := examine(t, d, oldKey).Fingerprint(); !ok || fingerprint("bearer x") != want {
			t.Errorf("the fingerprint is not the store's, %q", want)
		}
		if _, ok := examine(t, d, newKey).Fingerprint(); ok {
			t.Error("with another key there is a fingerprint")
		}
	})
}

// Pages of the file's end are overwritten, as a bad disk or a careless copy does.
func TestAnExaminationFindsABrokenFile(t *testing.T) {
	d := sqliteDatabase(t)
	s, c := d.mustOpen(t, oldKey), newClock()
	v := newVerifier(t, s, c)
	for _, name := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		enrol(t, v, c, name)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file := strings.TrimPrefix(d.url, "sqlite:")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copy(text[len(text)-4096:], bytes.Repeat([]byte{0xff}, 4096))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := sqlstore.Examine(t.Context(), sqlstore.Config{URL: d.url, EncryptionKeys: [][]byte{oldKey}})
	if err == nil && len(e.Broken) == 0 {
		t.Errorf("it finds %+v", e)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, text) {
		t.Errorf("the file has changed, or %v", err)
	}
}

func TestAnExaminationReadsPostgreSQLsSettingsAndRights(t *testing.T) {
	server := pgtest.Start(t)
	d := postgresDatabase(server)
	d.mustOpen(t, oldKey)
	name := d.url[strings.LastIndex(d.url, "/")+1:]
	server.Exec(name, `CREATE ROLE teller LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON account, enrolment, sealing_key, admin_session TO teller; GRANT SELECT ON schema_version TO teller`)
	teller := d
	teller.url = "postgres://teller@" + d.url[strings.Index(d.url, "@")+1:]
	if e := examine(t, teller, oldKey); e.Super || len(e.Rights)+len(e.Settings) > 0 || e.Version != e.Newest {
		t.Errorf("with every right it finds %+v", e)
	}
	if e := examine(t, d, oldKey); !e.Super {
		t.Errorf("of a superuser it finds %+v", e)
	}
	server.Exec(name, `REVOKE UPDATE, DELETE ON account FROM teller`)
	if e := examine(t, teller, oldKey); !slices.Equal(e.Rights, []string{"UPDATE on account", "DELETE on account"}) {
		t.Errorf("it finds %+v", e)
	}
	for _, value := range []string{"off", "local"} {
		server.Set("synchronous_commit", value)
		if e := examine(t, d, oldKey); len(e.Settings) != 1 || !strings.Contains(e.Settings[0], "synchronous_commit is "+value) {
			t.Errorf("with synchronous_commit %s it finds %+v", value, e)
		}
	}
}

func TestAnExaminationFindsAStandbyThatLacksCommits(t *testing.T) {
	server := pgtest.Start(t)
	server.SynchronousStandby()
	d := postgresDatabase(server)
	d.mustOpen(t, oldKey)
	if e := examine(t, d, oldKey); len(e.Settings) > 0 {
		t.Errorf("of a synchronous standby it finds %q", e.Settings)
	}
	server.Set("synchronous_standby_names", "")
	if e := examine(t, d, oldKey); len(e.Settings) != 1 || !strings.Contains(e.Settings[0], "synchronous_standby_names is empty") {
		t.Errorf("of an asynchronous standby it finds %q", e.Settings)
	}
}

// A fingerprint without a key would let the reader of an audit log test guesses of a bearer.
func TestNoFingerprintOfABearerIsToldWithoutAKey(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s := d.mustOpen(t)
		if by := newVerifier(t, s, newClock()).ByBearer("short"); by != "bearer" {
			t.Errorf("without a key the bearer is called %q", by)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if by := newVerifier(t, d.mustOpen(t, oldKey), newClock()).ByBearer("short"); len(by) != len("bearer:1a2b3c4d") {
			t.Errorf("with a key the bearer is called %q", by)
		}
	})
}
