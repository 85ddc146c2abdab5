//go:build linux

package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

// Whoever may write to the database, without ENCRYPTION_KEY, must learn no secret
// and forge no code, link or answer. In each case mallory has a link that works, and
// writes into the rows: TOKEN is the hash of its token, UNTIL its time.
func TestAWriterToTheDatabaseOpensNoSecret(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		const free = `UPDATE enrolment SET pending_token = NULL WHERE account = 'mallory'; `
		for name, write := range map[string]string{
			"a live key as a pending one": free +
				`UPDATE enrolment SET pending = '{"key":"' || sealed_key || '","until":UNTIL}', pending_token = 'TOKEN', expires_at = UNTIL WHERE account = 'alice'`,
			"a pending key under another link": free +
				`UPDATE enrolment SET pending_token = 'TOKEN' WHERE account = 'carol'`,
			"a pending key without its browser": `UPDATE enrolment SET pending = replace(pending, '"browser"', '"nobody"') WHERE account = 'bob'`,
			"a pending key for longer":          `UPDATE enrolment SET pending = replace(pending, '"until":1', '"until":2'), expires_at = 2 * expires_at WHERE account = 'carol'`,
			"a pending key in another account":  `UPDATE enrolment SET pending = (SELECT pending FROM enrolment WHERE account = 'bob') WHERE account = 'mallory'`,
			"another account's enrolment": `UPDATE enrolment SET account = 'gone' WHERE account = 'mallory';
				UPDATE account SET enrolment = (SELECT number FROM enrolment WHERE account = 'bob') WHERE id = 'mallory';
				UPDATE enrolment SET account = 'mallory' WHERE account = 'bob'`,
		} {
			t.Run(name, func(t *testing.T) { testWriterOfLinks(t, first.another(t), write) })
		}
	})
}

func testWriterOfLinks(t *testing.T, d database, write string) {
	s, c := d.mustOpen(t, oldKey), newClock()
	v := newVerifier(t, s, c)
	alice, _ := enrol(t, v, c, "alice")
	bob, err := v.Add(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open(t.Context(), bob.Token, ""); err != nil {
		t.Fatal(err)
	}
	carol, err := v.Add(t.Context(), "carol")
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := v.Add(t.Context(), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Load(t.Context(), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	d.exec(strings.NewReplacer("TOKEN", a.Pending.Token, "UNTIL", fmt.Sprint(a.Pending.Until.UnixMilli())).Replace(write))
	wantClosed(t, v, []string{mallory.Token, bob.Token}, alice, bob, carol)
	c.now = c.now.Add(verifier.DefaultPendingTime)
	wantClosed(t, v, []string{mallory.Token, bob.Token, carol.Token}, alice, bob, carol)
}

// wantClosed expects that no link opens any of the secrets for a browser that comes
// for the first time.
func wantClosed(t *testing.T, v *verifier.Verifier, tokens []string, secrets ...verifier.Enrolment) {
	t.Helper()
	for _, token := range tokens {
		e, err := v.Open(t.Context(), token, "")
		for _, s := range secrets {
			if err == nil && e.Entry.Key.Secret().Base32() == s.Entry.Key.Secret().Base32() {
				t.Errorf("a link opens the secret of %s", s.Account)
			}
		}
	}
}

func TestAWriterToTheDatabaseForgesNothing(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, write := range map[string]string{
			"recovery hashes of mallory's":     `UPDATE enrolment SET recovery = (SELECT recovery FROM enrolment WHERE account = 'mallory') WHERE account = 'alice'`,
			"recovery hashes in the clear":     `UPDATE enrolment SET recovery = 'AAAAAAAAAAAAAAAAAAAAAA' WHERE account = 'alice'`,
			"a valid answer":                   `UPDATE account SET answer = replace(answer, '"valid":false,"reason":"invalid"', '"valid":true') WHERE id = 'alice'`,
			"an unsigned answer":               `UPDATE account SET answer = substr(answer, 41) WHERE id = 'alice'`,
			"mallory's answer":                 `UPDATE account SET answer = (SELECT answer FROM account WHERE id = 'mallory') WHERE id = 'alice'`,
			"mallory's key":                    `UPDATE enrolment SET sealed_key = (SELECT sealed_key FROM enrolment WHERE account = 'mallory') WHERE account = 'alice'`,
			"a pending key that is taken live": `UPDATE enrolment SET sealed_key = (SELECT substr(pending, 9, 82) FROM enrolment WHERE account = 'alice') WHERE account = 'alice'`,
		} {
			t.Run(name, func(t *testing.T) { testForger(t, first.another(t), write) })
		}
	})
}

func testForger(t *testing.T, d database, write string) {
	s, c := d.mustOpen(t, oldKey), newClock()
	v := newVerifier(t, s, c)
	enrol(t, v, c, "alice")
	second, err := v.Rekey(t.Context(), "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	mallory, codes := enrol(t, v, c, "mallory")
	guess := verifier.Attempt{Account: "alice", Code: wrongCode(second.Entry.Key, c), Request: verifier.NewRequestID("bearer", "1")}
	if verdict, err := v.Check(t.Context(), guess); err != nil || verdict.Reason != verifier.ReasonInvalid {
		t.Fatalf("%+v, %v", verdict, err)
	}
	c.next()
	his := verifier.Attempt{Account: "mallory", Code: codeOf(t, mallory.Entry.Key, c), Request: guess.Request}
	if verdict, err := v.Check(t.Context(), his); err != nil || !verdict.Valid {
		t.Fatalf("%+v, %v", verdict, err)
	}
	d.exec(write)
	c.next()
	for what, a := range map[string]verifier.Attempt{
		"a repeated guess":        guess,
		"mallory's recovery code": {Account: "alice", RecoveryCode: codes[0]},
		"mallory's code":          {Account: "alice", Code: codeOf(t, mallory.Entry.Key, c)},
		"the pending key's code":  {Account: "alice", Code: codeOf(t, second.Entry.Key, c)},
	} {
		if verdict, err := v.Check(t.Context(), a); verdict.Valid || err != nil && !errors.Is(err, sqlstore.ErrDamaged) {
			t.Errorf("%s: %+v, %v", what, verdict, err)
		}
	}
}

// wrongCode is good at no step near the clock's.
func wrongCode(k totp.Key, c *clock) string { return totptest.WrongCode(k, c.now) }

// A sealed key from before an account was removed and added again is not good in
// the new row.
func TestASealedKeyFromBeforeARemovalDoesNotOpen(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		v := newVerifier(t, s, c)
		old, codes := enrol(t, v, c, "alice")
		d.exec(`CREATE TABLE copy AS SELECT sealed_key, recovery FROM enrolment WHERE account = 'alice'`)
		if err := v.Remove(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		enrol(t, v, c, "alice")
		for _, column := range []string{"sealed_key", "recovery"} {
			d.exec(`UPDATE enrolment SET ` + column + ` = (SELECT ` + column + ` FROM copy) WHERE account = 'alice'`)
			c.now = c.now.Add(time.Minute)
			for _, a := range []verifier.Attempt{{Account: "alice", Code: codeOf(t, old.Entry.Key, c)}, {Account: "alice", RecoveryCode: codes[0]}} {
				if verdict, err := v.Check(t.Context(), a); !errors.Is(err, sqlstore.ErrDamaged) {
					t.Errorf("with its %s of before: %+v, %v; want ErrDamaged", column, verdict, err)
				}
			}
		}
	})
}
