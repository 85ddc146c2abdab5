package sqlstore_test

import (
	"errors"
	"slices"
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// asVersion1 takes a database back to what the first migration made, from which
// used recovery codes were removed.
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
	substr(recovery, 23), answer, sealed_key, pending, pending_token FROM account JOIN enrolment ON number = enrolment;
DROP TABLE account;
DROP TABLE enrolment;
ALTER TABLE account_1 RENAME TO account;
CREATE UNIQUE INDEX account_pending_token ON account (pending_token);
UPDATE schema_version SET version = 1;`

func TestADatabaseOfTheFirstVersionKeepsItsAccounts(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		o := newOld(t, newVerifier(t, s, c), c)
		s.Close()
		d.exec(asVersion1)
		v := newVerifier(t, d.mustOpen(t, oldKey), c)
		o.wantSame(t, v)
		o.wantUsed(t, v, c)
		o.wantBothKeys(t, v, c)
	})
}

// An old database has alice, bob with a second key and a failure, which a repeated
// request of his is told of again, and carol, who is disabled.
type old struct {
	alice, bob, second verifier.Enrolment
	recovery           []string // of alice
	wrong              verifier.Attempt
	infos              []verifier.Info
}

func newOld(t *testing.T, v *verifier.Verifier, c *clock) (o old) {
	o.alice, o.recovery = enrol(t, v, c, "alice")
	o.bob, _ = enrol(t, v, c, "bob")
	var err error
	if o.second, err = v.Rekey(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	o.wrong = verifier.Attempt{Account: "bob", Code: "000000", Request: verifier.NewRequestID("bearer", "key")}
	if verdict, err := v.Check(t.Context(), o.wrong); err != nil || verdict.Reason != verifier.Invalid {
		t.Fatalf("a wrong code: %+v, %v", verdict, err)
	}
	enrol(t, v, c, "carol")
	if err := v.Disable(t.Context(), "carol"); err != nil {
		t.Fatal(err)
	}
	if o.infos, _, err = v.List(t.Context(), "", 10); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o old) wantSame(t *testing.T, v *verifier.Verifier) {
	t.Helper()
	if verdict, err := v.Check(t.Context(), o.wrong); err != nil || verdict.Reason != verifier.Invalid {
		t.Errorf("the repeated request: %+v, %v; want its first verdict", verdict, err)
	}
	for i := range o.infos {
		o.infos[i].RecoveryLeft-- // by asVersion1
	}
	if got, _, err := v.List(t.Context(), "", 10); err != nil || !slices.Equal(got, o.infos) {
		t.Errorf("List: %+v, %v; want %+v", got, err, o.infos)
	}
}

func (o old) wantUsed(t *testing.T, v *verifier.Verifier, c *clock) {
	t.Helper()
	used := verifier.Attempt{Account: "alice", Code: codeOf(t, o.alice.Key, c)}
	if verdict, err := v.Check(t.Context(), used); err != nil || verdict.Reason != verifier.Replayed {
		t.Errorf("a code that was used before: %+v, %v", verdict, err)
	}
	for i, want := range []verifier.Verdict{{Reason: verifier.Invalid}, {Valid: true, Recovery: true, RecoveryLeft: 8}} {
		got, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", RecoveryCode: o.recovery[i]})
		if err != nil || got != want {
			t.Errorf("recovery code %d: %+v, %v; want %+v", i, got, err, want)
		}
	}
}

func (o old) wantBothKeys(t *testing.T, v *verifier.Verifier, c *clock) {
	t.Helper()
	c.next()
	mustAccept(t, v, c, o.bob.Key)
	if _, err := v.Open(t.Context(), o.second.Token, ""); err != nil {
		t.Errorf("the link: %v", err)
	}
	if verdict, _, err := v.Confirm(t.Context(), "bob", codeOf(t, o.second.Key, c)); err != nil || !verdict.Valid {
		t.Errorf("the pending key's code: %+v, %v", verdict, err)
	}
}

func TestADatabaseThatNeedsAMissingKeyIsNotMigrated(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		enrol(t, newVerifier(t, s, c), c, "alice")
		s.Close()
		d.mustOpen(t, newKey, oldKey).Close() // it knows both
		d.exec(asVersion1)
		if _, err := d.open(t, newKey); !errors.Is(err, sqlstore.ErrKey) {
			t.Errorf("opening: %v, want ErrKey", err)
		}
		d.exec("UPDATE account SET sealed_key = sealed_key") // fails in the tables of later versions
	})
}
