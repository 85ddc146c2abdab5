//go:build linux

package sqlstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// testdata/version2.sql has the rows that an older program wrote at schema version
// 2, under oldKey, with a clock at old2: the default account and alice have used a
// code, alice a recovery code, too; bob is pending, carol's link was opened in a
// browser, dave was stopped by 100 wrong codes, erin disabled by a person; frank's
// secret is that of alice; grace has a second key, opened in a browser; heidi a
// failure. testdata/version2.json has what their owners hold.
//
// testdata/version3.sql is the same database after the upgrade to schema version 3,
// where ivan has confirmed by a link and not acknowledged his recovery codes.
var old2 = time.Unix(1_800_000_010, 0)

type holding struct {
	Secret, PendingSecret, Token, Cookie string
	Recovery                             []string
}

func (h holding) key(t *testing.T) totp.Key { return keyOf(t, h.Secret) }

func keyOf(t *testing.T, secret string) totp.Key {
	t.Helper()
	s, err := totp.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	k, err := totp.NewKey(s, totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// asVersion1 takes a database of version 2 back to what the first migration made,
// from which used recovery codes were removed.
const asVersion1 = `
CREATE TABLE account_1 (
    id            TEXT    NOT NULL PRIMARY KEY,
    revision      BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL,
    last_step     BIGINT  NOT NULL,
    failures      INTEGER NOT NULL,
    wait_until    BIGINT  NOT NULL,
    disabled      INTEGER NOT NULL,
    recovery      TEXT    NOT NULL,
    answer        TEXT    NOT NULL,
    sealed_key    TEXT    NOT NULL,
    pending       TEXT    NOT NULL,
    pending_token TEXT
);
INSERT INTO account_1 SELECT id, revision, created_at, last_step, failures, wait_until, disabled,
	substr(recovery, 1, 66) || substr(recovery, 89), answer, sealed_key, pending, pending_token FROM account JOIN enrolment ON number = enrolment;
DROP TABLE account;
DROP TABLE enrolment;
ALTER TABLE account_1 RENAME TO account;
CREATE UNIQUE INDEX account_pending_token ON account (pending_token);
UPDATE schema_version SET version = 1;`

func loadVersion2(t *testing.T, d database) map[string]holding { return loadVersion(t, d, 2) }

// loadVersion fills an empty database with the rows of a schema version.
func loadVersion(t *testing.T, d database, version int) map[string]holding {
	t.Helper()
	d.exec("CREATE TABLE schema_version (version INTEGER NOT NULL)")
	for _, name := range []string{"0001_account.sql", "0002_enrolment.sql", "0003_seals.sql", "0004_issuer.sql"}[:version] {
		text, err := sqlstore.MigrationFor(d.url, name)
		if err != nil {
			t.Fatal(err)
		}
		d.exec(text)
	}
	d.exec(fmt.Sprintf("INSERT INTO schema_version VALUES (%d)", version))
	version = min(version, 3) // version 4 has another column, which may be empty
	rows, err := os.ReadFile(fmt.Sprintf("testdata/version%d.sql", version))
	if err != nil {
		t.Fatal(err)
	}
	d.exec(string(rows))
	text, err := os.ReadFile(fmt.Sprintf("testdata/version%d.json", version))
	if err != nil {
		t.Fatal(err)
	}
	var owners map[string]holding
	if err := json.Unmarshal(text, &owners); err != nil {
		t.Fatal(err)
	}
	return owners
}

func TestADatabaseOfAnOlderVersionKeepsItsAccounts(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, back := range map[string]string{"version 2": "", "version 1": asVersion1} {
			t.Run(name, func(t *testing.T) {
				d := first.another(t)
				owners := loadVersion2(t, d)
				if back != "" {
					d.exec(back)
				}
				testUpgraded(t, d, owners)
			})
		}
	})
}

func TestAnUpgradeKeepsAllOfAnAnswer(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		loadVersion2(t, d)
		d.exec(`UPDATE account SET answer = replace(answer, '{"valid":true}', '{"valid":true,"skew_steps":-1,"failures":2}') WHERE id = 'alice'`)
		v := newVerifier(t, d.mustOpen(t, oldKey), &clock{old2})
		a := verifier.Attempt{Account: "alice", Code: "000000", Request: verifier.NewRequestID("bearer", "alice", "key")}
		want := verifier.Verdict{Valid: true, SkewSteps: -1, Failures: 2, Repeated: true}
		if got, err := v.Check(t.Context(), a); err != nil || got != want {
			t.Errorf("the repeated request gets %+v, %v; want %+v", got, err, want)
		}
	})
}

func TestADatabaseOfVersion3Or4KeepsItsAccounts(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for _, version := range []int{3, 4} {
			t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
				d := first.another(t)
				testUpgraded3(t, d, loadVersion(t, d, version), version)
			})
		}
	})
}

func testUpgraded3(t *testing.T, d database, owners map[string]holding, version int) {
	s := d.mustOpen(t, oldKey)
	if told := s.Upgraded(); len(told) != 1 || !strings.Contains(told[0], fmt.Sprintf("upgraded from version %d to ", version)) {
		t.Errorf("it tells %q, want the upgrade alone", told)
	}
	m := testMigrated(t, s, owners)
	ivan := owners["ivan"]
	m.c.now = old2
	if kept, err := m.v.Peek(t.Context(), ivan.Token, ivan.Cookie); err != nil || kept.Account != "ivan" || !slices.Equal(kept.Codes, ivan.Recovery) {
		t.Errorf("ivan's link shows %+v, %v", kept, err)
	}
}

func testUpgraded(t *testing.T, d database, owners map[string]holding) {
	s := d.mustOpen(t, oldKey)
	if told := s.Upgraded(); len(told) != 2 || !strings.Contains(told[0], "upgraded from version") || !strings.Contains(told[1], `"frank"`) {
		t.Errorf("it tells %q; want the upgrade, and one text that names frank", told)
	}
	testMigrated(t, s, owners)
}

func testMigrated(t *testing.T, s sqlstore.Store, owners map[string]holding) migrated {
	m := migrated{owners, &clock{old2}, nil}
	var err error
	m.v, err = verifier.New(verifier.Config{Store: s, Clock: func() time.Time { return m.c.now }, Key: owners[""].key(t), Skew: 1,
		New: totp.DefaultScheme(), Issuer: "totpctl"})
	if err != nil {
		t.Fatal(err)
	}
	m.wantStatuses(t)
	m.wantAnswers(t)
	m.wantUsed(t)
	m.wantLinks(t)
	m.wantUsable(t)
	return m
}

// migrated is an older program's database, opened, and what its owners hold.
type migrated struct {
	owners map[string]holding
	c      *clock
	v      *verifier.Verifier
}

func (m migrated) code(t *testing.T, name string) string {
	return codeOf(t, m.owners[name].key(t), m.c)
}

func (m migrated) want(t *testing.T, what string, a verifier.Attempt, want verifier.Verdict) {
	t.Helper()
	if got, err := m.v.Check(t.Context(), a); err != nil || got != want {
		t.Errorf("%s: %+v, %v; want %+v", what, got, err, want)
	}
}

func (m migrated) wantStatuses(t *testing.T) {
	t.Helper()
	list, _, err := m.v.List(t.Context(), verifier.Query{}, 20)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]verifier.Status{}
	for _, i := range list {
		got[i.Name] = i.Status
	}
	for name, want := range map[string]verifier.Status{"alice": verifier.StatusActive, "bob": verifier.StatusPending, "carol": verifier.StatusPending,
		"dave": verifier.StatusStopped, "erin": verifier.StatusDisabled, "frank": verifier.StatusDamaged, "grace": verifier.StatusActive, "heidi": verifier.StatusActive} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if enrolled, err := m.v.Enrolled(t.Context()); err != nil || !enrolled {
		t.Errorf("the default account's Enrolled is %v, %v, want true", enrolled, err)
	}
}

func (m migrated) wantAnswers(t *testing.T) {
	t.Helper()
	for name, want := range map[string]verifier.Verdict{"": {Valid: true, Repeated: true}, "alice": {Valid: true, Repeated: true}, "heidi": {Reason: verifier.ReasonInvalid, Repeated: true}} {
		m.want(t, "the repeated request of "+name, verifier.Attempt{Account: name, Code: "000000", Request: verifier.NewRequestID("bearer", name, "key")}, want)
	}
}

func (m migrated) wantUsed(t *testing.T) {
	t.Helper()
	for _, name := range []string{"", "alice"} {
		m.want(t, "the used code of "+name, verifier.Attempt{Account: name, Code: m.code(t, name)}, verifier.Verdict{Reason: verifier.ReasonReplayed})
	}
	codes := m.owners["alice"].Recovery
	m.want(t, "alice's used recovery code", verifier.Attempt{Account: "alice", RecoveryCode: codes[3]}, verifier.Verdict{Reason: verifier.ReasonInvalid})
	m.want(t, "alice's recovery code", verifier.Attempt{Account: "alice", RecoveryCode: codes[4]}, verifier.Verdict{Valid: true, Recovery: true, RecoveryLeft: 8})
	m.want(t, "dave's recovery code", verifier.Attempt{Account: "dave", RecoveryCode: m.owners["dave"].Recovery[0]}, verifier.Verdict{Valid: true, Recovery: true, RecoveryLeft: m.left()})
	m.want(t, "dave's code", verifier.Attempt{Account: "dave", Code: m.code(t, "dave")}, verifier.Verdict{Reason: verifier.ReasonStopped})
	m.want(t, "erin's code", verifier.Attempt{Account: "erin", Code: m.code(t, "erin")}, verifier.Verdict{Reason: verifier.ReasonDisabled})
}

// left is how many recovery codes dave has after one: asVersion1 takes one away.
func (m migrated) left() int {
	info, err := m.v.Show(context.Background(), "grace")
	if err != nil {
		return -1
	}
	return info.RecoveryLeft - 1
}

func (m migrated) wantLinks(t *testing.T) {
	t.Helper()
	if e, err := m.v.Open(t.Context(), m.owners["bob"].Token, ""); err != nil || e.Entry.Key.Secret().Base32() != m.owners["bob"].Secret {
		t.Errorf("bob's link: %v, %v", e.Entry.Key, err)
	}
	for _, name := range []string{"carol", "grace"} {
		h := m.owners[name]
		if _, err := m.v.Open(t.Context(), h.Token, "theirs"); !errors.Is(err, verifier.ErrLink) {
			t.Errorf("%s's link in another browser: %v", name, err)
		}
		secret := h.Secret + h.PendingSecret
		if h.PendingSecret != "" {
			secret = h.PendingSecret
		}
		e, err := m.v.Open(t.Context(), h.Token, h.Cookie)
		if err != nil || e.Entry.Key.Secret().Base32() != secret {
			t.Errorf("%s's link: %v, %v", name, e.Entry.Key, err)
		}
		if _, verdict, err := m.v.ConfirmByLink(t.Context(), h.Token, h.Cookie, codeOf(t, keyOf(t, secret), m.c)); err != nil || !verdict.Valid {
			t.Errorf("%s's link, confirming: %+v, %v", name, verdict, err)
		}
	}
}

func (m migrated) wantUsable(t *testing.T) {
	t.Helper()
	m.c.now = m.c.now.Add(time.Minute)
	for _, name := range []string{"", "alice"} {
		m.want(t, "a new code of "+name, verifier.Attempt{Account: name, Code: m.code(t, name)}, verifier.Verdict{Valid: true})
	}
	m.want(t, "a new code of heidi", verifier.Attempt{Account: "heidi", Code: m.code(t, "heidi")}, verifier.Verdict{Valid: true, Failures: 1})
	if err := m.v.Remove(t.Context(), "frank"); err != nil {
		t.Errorf("removing the damaged account: %v", err)
	}
}

func TestADatabaseThatNeedsAMissingKeyIsNotMigrated(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		loadVersion2(t, d)
		for _, keys := range [][][]byte{{newKey}, {}} {
			if _, err := d.open(t, keys...); !errors.Is(err, sqlstore.ErrKey) {
				t.Errorf("opening: %v, want ErrKey", err)
			}
		}
		d.exec("UPDATE account SET disabled = disabled") // fails in the tables of later versions
	})
}

// More rows than one statement upgrades.
func TestManyRowsAreUpgraded(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		alice := loadVersion2(t, d)["alice"].key(t)
		var accounts, enrolments []string
		for i := range 1000 {
			name := fmt.Sprintf("user%d", i)
			sealed, err := sqlstore.SealVersion2(oldKey, name, alice)
			if err != nil {
				t.Fatal(err)
			}
			accounts = append(accounts, fmt.Sprintf("('%s', %d, 1, 0, 0, 0, 0, 0, '')", name, i+1))
			enrolments = append(enrolments, fmt.Sprintf("(%d, '%s', 1, '%s', '', '')", i+1, name, sealed))
		}
		d.exec("INSERT INTO account (id, enrolment, revision, last_step, failures, wait_until, disabled, recovery_used, answer) VALUES " + strings.Join(accounts, ", "))
		d.exec("INSERT INTO enrolment (number, account, created_at, sealed_key, recovery, pending) VALUES " + strings.Join(enrolments, ", "))
		c := &clock{old2}
		v := newVerifier(t, d.mustOpen(t, oldKey), c)
		for _, i := range []int{0, 199, 200, 201, 999} {
			verdict, err := v.Check(t.Context(), verifier.Attempt{Account: fmt.Sprintf("user%d", i), Code: codeOf(t, alice, c)})
			if err != nil || !verdict.Valid {
				t.Errorf("user %d: %+v, %v", i, verdict, err)
			}
		}
	})
}
