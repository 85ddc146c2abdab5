//go:build linux

package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

// TestAWriterToTheDatabaseMakesNoLinkForRecoveryCodes wants that mallory, who may write to the
// database and has a link for his own recovery codes, gets none of alice's, and none for
// longer. TOKEN is the hash of his token.
func TestAWriterToTheDatabaseMakesNoLinkForRecoveryCodes(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, write := range map[string]string{
			"his link in her row": `UPDATE enrolment SET pending_token = NULL WHERE account = 'mallory';
				UPDATE enrolment SET kept = (SELECT kept FROM enrolment WHERE account = 'mallory'), pending_token = 'TOKEN',
					expires_at = (SELECT expires_at FROM enrolment WHERE account = 'mallory') WHERE account = 'alice'`,
			"his token in her row": `UPDATE enrolment SET pending_token = NULL WHERE account = 'mallory';
				UPDATE enrolment SET pending_token = 'TOKEN' WHERE account = 'alice'`,
			"a link for longer": `UPDATE enrolment SET expires_at = expires_at + 86400000 WHERE account = 'mallory'`,
		} {
			t.Run(name, func(t *testing.T) { testWriterOfCodesLinks(t, first.another(t), write) })
		}
	})
}

func testWriterOfCodesLinks(t *testing.T, d database, write string) {
	s, c := d.mustOpen(t, oldKey), newClock()
	v := newVerifier(t, s, c)
	enrol(t, v, c, "alice")
	enrol(t, v, c, "mallory")
	if _, err := v.RecoveryLink(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	his, err := v.RecoveryLink(t.Context(), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	d.exec(strings.ReplaceAll(write, "TOKEN", verifier.TokenHash(his.Token)))
	c.now = c.now.Add(verifier.DefaultPendingTime + time.Minute)
	if e, err := v.Open(t.Context(), his.Token, ""); err == nil {
		t.Errorf("the link opens codes of %s", e.Account)
	}
	c.now = c.now.Add(-2 * time.Minute)
	if e, err := v.Open(t.Context(), his.Token, ""); err == nil {
		t.Errorf("the link opens codes of %s", e.Account)
	}
}

// TestAWriterToTheDatabaseNeitherPassesOnNorHidesARecovery wants that an enrolment which a
// recovery code has begun lasts as long as it may, is its browser's, and is told.
func TestAWriterToTheDatabaseNeitherPassesOnNorHidesARecovery(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, write := range map[string]string{
			"hides it":           `UPDATE enrolment SET pending = replace(pending, ',"recovered":true', '') WHERE account = 'alice'`,
			"gives it more time": `UPDATE enrolment SET pending = replace(pending, '"until":UNTIL', '"until":LATER'), expires_at = LATER WHERE account = 'alice'`,
			"frees its browser":  `UPDATE enrolment SET pending = replace(pending, '"browser"', '"nobody"') WHERE account = 'alice'`,
		} {
			t.Run(name, func(t *testing.T) {
				d := first.another(t)
				s, c := d.mustOpen(t, oldKey), newClock()
				v := newVerifier(t, s, c)
				_, codes := enrol(t, v, c, "alice")
				e, err := v.Recover(t.Context(), "alice", codes[0])
				if err != nil {
					t.Fatal(err)
				}
				before := d.dump()
				d.exec(strings.NewReplacer("UNTIL", fmt.Sprint(e.Until.UnixMilli()), "LATER", fmt.Sprint(e.Until.UnixMilli()+1000)).Replace(write))
				if d.dump() == before {
					t.Fatal("nothing was written")
				}
				for _, cookie := range []string{e.Cookie, ""} {
					if _, err := v.Open(t.Context(), e.Token, cookie); err == nil {
						t.Errorf("the link opens with cookie %q", cookie)
					}
				}
				if _, verdict, err := v.ConfirmByLink(t.Context(), e.Token, e.Cookie, codeOf(t, e.Entry.Key, c)); err == nil {
					t.Errorf("confirming: %+v", verdict)
				}
			})
		}
	})
}
