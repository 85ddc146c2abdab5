//go:build linux

package sqlstore_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// asVersion2 gives a database of today the tables of schema version 2.
const asVersion2 = `UPDATE schema_version SET version = 2;
DROP TABLE admin_session;
DROP INDEX account_held;
DROP INDEX account_recovery_used;
DROP INDEX enrolment_unconfirmed;
DROP INDEX enrolment_no_recovery;
DROP INDEX enrolment_expires_at;
ALTER TABLE account DROP COLUMN recent_failures;
ALTER TABLE account DROP COLUMN recent_since;
ALTER TABLE account DROP COLUMN recovery_failures;
ALTER TABLE account DROP COLUMN recovery_since;
ALTER TABLE enrolment DROP COLUMN rekeyed_at;
ALTER TABLE enrolment DROP COLUMN issuer;
ALTER TABLE enrolment DROP COLUMN expires_at;
ALTER TABLE enrolment DROP COLUMN kept;
ALTER TABLE sealing_key DROP COLUMN database_key;
ALTER TABLE account RENAME COLUMN blocked TO disabled;`

// An upgrade seals what it finds: whoever may write to the database must not have
// it seal what he likes.
func TestADatabaseThatWasTakenBackIsNotUpgradedAgain(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, prepare := range map[string]func(d database){
			"made today": func(d database) { d.mustOpen(t, oldKey).Close() },
			"upgraded":   func(d database) { loadVersion2(t, d); d.mustOpen(t, oldKey).Close() },
		} {
			t.Run(name, func(t *testing.T) {
				d := first.another(t)
				prepare(d)
				d.mustOpen(t, newKey, oldKey).Close()
				d.exec(asVersion2)
				for _, keys := range [][][]byte{{oldKey}, {newKey}, {newKey, oldKey}} {
					if _, err := d.open(t, keys...); !errors.Is(err, sqlstore.ErrTakenBack) {
						t.Errorf("opening: %v, want ErrTakenBack", err)
					}
				}
			})
		}
		t.Run("without its keys", func(t *testing.T) {
			d, c := first.another(t), newClock()
			s := d.mustOpen(t, oldKey)
			enrol(t, newVerifier(t, s, c), c, "alice")
			s.Close()
			d.exec(asVersion2 + "DELETE FROM sealing_key")
			if _, err := d.open(t, oldKey); !errors.Is(err, sqlstore.ErrKey) {
				t.Errorf("opening: %v, want ErrKey", err)
			}
		})
	})
}

func TestTheKeysTableTakesNothingOfAWriters(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, write := range map[string]string{
			"a key in the clear": `INSERT INTO sealing_key (id, canary, database_key) VALUES ('', '', 'TU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU0=')`,
			"a wildcard":         `INSERT INTO sealing_key (id, canary) VALUES ('%', '')`,
			"no key":             `DELETE FROM sealing_key`,
			"a canary for a key": `UPDATE sealing_key SET database_key = canary`,
			"no database key":    `UPDATE sealing_key SET canary = database_key`,
			"an odd version":     `UPDATE schema_version SET version = -1`,
		} {
			t.Run(name, func(t *testing.T) {
				d, c := first.another(t), newClock()
				s := d.mustOpen(t, oldKey)
				enrol(t, newVerifier(t, s, c), c, "alice")
				s.Close()
				d.exec(write)
				if _, err := d.open(t, oldKey); !errors.Is(err, sqlstore.ErrKey) && !errors.Is(err, sqlstore.ErrNewer) {
					t.Errorf("opening: %v, want an error", err)
				}
			})
		}
	})
}

// A key that has never sealed an older version's tables must not upgrade them: an old
// copy of the database may have been put in the place of the one that was rotated.
func TestAnUpgradeIsForTheKeyOfItsTables(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		loadVersion2(t, d)
		if _, err := d.open(t, newKey, oldKey); !errors.Is(err, sqlstore.ErrRotateLater) {
			t.Errorf("opening with a new key first: %v, want ErrRotateLater", err)
		}
		d.mustOpen(t, oldKey).Close()
		d.mustOpen(t, newKey, oldKey)
	})
}

// A trigger can add rows while the upgrade goes on, which were not looked at before.
func TestAnUpgradeWithoutKnownKeysSealsNothing(t *testing.T) {
	d := sqliteDatabase(t)
	alice := loadVersion2(t, d)["alice"]
	d.exec(`CREATE TABLE stash AS SELECT * FROM enrolment WHERE account = 'alice';
		CREATE TABLE stash_a AS SELECT * FROM account WHERE id = 'alice';
		DELETE FROM sealing_key; DELETE FROM account; DELETE FROM enrolment;
		INSERT INTO enrolment (number, account, created_at, sealed_key, recovery, pending) VALUES (-5, 'aaa', 1, '', '', '');
		INSERT INTO account (id, enrolment, revision, last_step, failures, wait_until, disabled, recovery_used, answer) VALUES ('aaa', -5, 1, 0, 0, 0, 0, 0, '');
		CREATE TRIGGER plant AFTER UPDATE ON account WHEN new.id = 'aaa' BEGIN
			INSERT INTO enrolment (number, account, created_at, sealed_key, recovery, pending)
				SELECT number, account, created_at, sealed_key, recovery, '' FROM stash;
			INSERT INTO account (id, enrolment, revision, last_step, failures, wait_until, blocked, recovery_used, answer) SELECT * FROM stash_a;
		END`)
	s, err := d.open(t, newKey, oldKey)
	if err != nil {
		return // better still
	}
	c := &clock{old2}
	c.next()
	v := newVerifier(t, s, c)
	for what, a := range map[string]verifier.Attempt{
		"a code":          {Account: "alice", Code: codeOf(t, alice.key(t), c)},
		"a recovery code": {Account: "alice", RecoveryCode: alice.Recovery[0]},
	} {
		if verdict, err := v.Check(t.Context(), a); verdict.Valid {
			t.Errorf("%s of a row that a trigger added: %+v, %v", what, verdict, err)
		}
	}
}

// A collation, or a view in a table's place, may find another account's row.
func TestSQLiteTakesNoAccountForAnother(t *testing.T) {
	for name, write := range map[string]string{
		"a collation": `CREATE TABLE a2 (id TEXT COLLATE NOCASE, enrolment INTEGER, revision INTEGER, last_step INTEGER, failures INTEGER,
				wait_until INTEGER, blocked INTEGER, recovery_used INTEGER, answer TEXT, recent_failures INTEGER, recent_since INTEGER,
				recovery_failures INTEGER, recovery_since INTEGER);
			INSERT INTO a2 SELECT id, enrolment, revision, 0, failures, wait_until, blocked, recovery_used, answer, recent_failures, recent_since,
				recovery_failures, recovery_since FROM account ORDER BY id;
			DROP TABLE account; ALTER TABLE a2 RENAME TO account`,
		"a view": `ALTER TABLE account RENAME TO real;
			CREATE VIEW account AS SELECT CASE WHEN real.id = 'Alice' AND abs(random()) % 2 THEN 'alice' ELSE real.id END AS id,
				enrolment, revision, last_step, failures, wait_until, blocked, recovery_used, answer, recent_failures, recent_since, recovery_failures, recovery_since FROM real WHERE real.id <> 'alice'`,
	} {
		t.Run(name, func(t *testing.T) {
			d, c := sqliteDatabase(t), newClock()
			s := d.mustOpen(t, oldKey)
			v := newVerifier(t, s, c)
			mallory, _ := enrol(t, v, c, "Alice")
			enrol(t, v, c, "alice")
			s.Close()
			d.exec(write)
			c.next()
			v = newVerifier(t, d.mustOpen(t, oldKey), c)
			for range 20 {
				verdict, _ := v.Check(t.Context(), verifier.Attempt{Account: "alice", Code: codeOf(t, mallory.Entry.Key, c)})
				if verdict.Valid {
					t.Fatal("the code of Alice is good for alice")
				}
				live, _, err := v.Keys(t.Context(), "alice")
				if err == nil && live.Key.Equal(mallory.Entry.Key) {
					t.Fatal("the key of alice is that of Alice")
				}
			}
		})
	}
}

// What the older program cannot have written is not sealed by the upgrade.
func TestAnUpgradeLeavesWhatWasPlanted(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		const alicesKey = `(SELECT sealed_key FROM enrolment WHERE account = 'alice')`
		for name, plant := range map[string]string{
			"the live key in a link":      `UPDATE enrolment SET pending = '{"key":"' || ` + alicesKey + ` || '","until":1800000600000}', pending_token = 'TOKEN' WHERE account = 'alice'`,
			"the same for years":          `UPDATE enrolment SET pending = '{"key":"' || ` + alicesKey + ` || '","until":4102444800000}', pending_token = 'TOKEN', sealed_key = '', recovery = '' WHERE account = 'alice'`,
			"recovery hashes with no key": `UPDATE enrolment SET sealed_key = '' WHERE account = 'alice'`,
			"too many recovery hashes":    `UPDATE enrolment SET recovery = recovery || recovery WHERE account = 'alice'`,
			"an odd number":               `UPDATE account SET recovery_used = -1 WHERE id = 'alice'`,
		} {
			t.Run(name, func(t *testing.T) {
				d := first.another(t)
				alice := loadVersion2(t, d)["alice"]
				d.exec(strings.ReplaceAll(plant, "TOKEN", verifier.TokenHash("mine")))
				v := newVerifier(t, d.mustOpen(t, oldKey), &clock{old2})
				if e, err := v.Open(t.Context(), "mine", ""); err == nil {
					t.Errorf("the link opens the secret of %s", e.Account)
				}
				verdict, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", RecoveryCode: alice.Recovery[0]})
				if sealed := !strings.Contains(name, "recovery") && !strings.Contains(name, "number"); !sealed && (verdict.Valid || !errors.Is(err, sqlstore.ErrDamaged)) {
					t.Errorf("a recovery code: %+v, %v; want ErrDamaged", verdict, err)
				}
			})
		}
	})
}

// Rows without accounts, however many, and odd numbers hide no account from the
// upgrade; accounts that it cannot read are named.
func TestAnUpgradeReachesEveryAccount(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		alice := loadVersion2(t, d)["alice"].key(t)
		var orphans []string
		for i := range 500 {
			orphans = append(orphans, fmt.Sprintf("(%d, 'orphan%d', 1, '', '', '')", i-250, i))
		}
		d.exec("INSERT INTO enrolment (number, account, created_at, sealed_key, recovery, pending) VALUES " + strings.Join(orphans, ", "))
		d.exec(fmt.Sprintf("UPDATE account SET enrolment = %d WHERE id = 'alice'; UPDATE enrolment SET number = %d WHERE account = 'alice'", math.MinInt64+1, math.MinInt64+1))
		d.exec("DELETE FROM enrolment WHERE account = 'erin'")
		s := d.mustOpen(t, oldKey)
		if told := strings.Join(s.Upgraded(), "\n"); !strings.Contains(told, `"erin"`) || !strings.Contains(told, `"frank"`) || strings.Contains(told, `"alice"`) {
			t.Errorf("it tells %q; want erin and frank", told)
		}
		c := &clock{old2}
		c.next()
		mustAccept(t, newVerifier(t, s, c), c, totp.Entry{Account: "alice", Key: alice})
	})
}

// One row's odd numbers are one account's trouble.
func TestOddNumbersTakeNobodyElseDown(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, damage := range map[string]string{
			"the last revision":   `UPDATE account SET revision = 9223372036854775807 WHERE id = 'bob'`,
			"a negative revision": `UPDATE account SET revision = -1 WHERE id = 'bob'`,
			"negative failures":   `UPDATE account SET failures = -1000000000 WHERE id = 'bob'`,
			"a key that is none":  `UPDATE enrolment SET pending = '{"until":-9223372036854775808}' WHERE account = 'bob'`,
		} {
			t.Run(name, func(t *testing.T) { testDamage(t, first.another(t), damage, "bob") })
		}
	})
}

func TestNoTimeIsBeyondWhatJSONCanTell(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		v := newVerifier(t, s, c)
		enrol(t, v, c, "alice")
		for _, ms := range []int64{math.MinInt64, -1, math.MaxInt64} {
			d.exec(fmt.Sprintf("UPDATE enrolment SET created_at = %d, expires_at = %d", ms, ms))
			d.exec(fmt.Sprintf("UPDATE account SET wait_until = %d", ms))
			info, err := v.Show(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := info.Created.MarshalJSON(); err != nil {
				t.Errorf("created_at %d: %v", ms, err)
			}
			if _, err := info.WaitUntil.MarshalJSON(); err != nil {
				t.Errorf("wait_until %d: %v", ms, err)
			}
		}
	})
}
