package sqlstore_test

import (
	"testing"

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
		v := newVerifier(t, s, c)
		alice, recovery := enrol(t, v, c, "alice")
		bob, _ := enrol(t, v, c, "bob")
		second, err := v.Rekey(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		wrong := verifier.Attempt{Account: "bob", Code: "000000"}
		if verdict, err := v.Check(t.Context(), wrong); err != nil || verdict.Reason != verifier.Invalid {
			t.Fatalf("a wrong code: %+v, %v", verdict, err)
		}
		s.Close()
		d.exec(asVersion1)

		v = newVerifier(t, d.mustOpen(t, oldKey), c)
		used := verifier.Attempt{Account: "alice", Code: codeOf(t, alice.Key, c)}
		if verdict, err := v.Check(t.Context(), used); err != nil || verdict.Reason != verifier.Replayed {
			t.Errorf("a code that was used before: %+v, %v", verdict, err)
		}
		for i, want := range []verifier.Verdict{{Reason: verifier.Invalid}, {Valid: true, Recovery: true, RecoveryLeft: 8}} {
			got, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", RecoveryCode: recovery[i]})
			if err != nil || got != want {
				t.Errorf("recovery code %d: %+v, %v; want %+v", i, got, err, want)
			}
		}
		c.next()
		live := verifier.Attempt{Account: "bob", Code: codeOf(t, bob.Key, c)}
		if verdict, err := v.Check(t.Context(), live); err != nil || !verdict.Valid || verdict.Failures != 1 {
			t.Errorf("the live key's code: %+v, %v; want a good one after one failure", verdict, err)
		}
		if _, err := v.Open(t.Context(), second.Token, ""); err != nil {
			t.Errorf("the link: %v", err)
		}
		if verdict, _, err := v.Confirm(t.Context(), "bob", codeOf(t, second.Key, c)); err != nil || !verdict.Valid {
			t.Errorf("the pending key's code: %+v, %v", verdict, err)
		}
	})
}
