//go:build linux

package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

// Somebody may have written anything into a row, and the other accounts must be fenced all
// the same.
func TestADamagedRowKeepsNoAccountFromAFence(t *testing.T) {
	onBothEngines(t, func(t *testing.T, first database) {
		for name, damage := range map[string]string{
			"no sealed text":      `UPDATE enrolment SET sealed_key = 'x' WHERE account = 'bob'`,
			"no number":           `UPDATE enrolment SET sealed_key = 'SHA1 6 x 0123456789abcdef AAAA' WHERE account = 'bob'`,
			"no period":           `UPDATE enrolment SET sealed_key = 'SHA1 6 0 0123456789abcdef AAAA' WHERE account = 'bob'`,
			"a negative period":   `UPDATE enrolment SET sealed_key = 'SHA1 6 -1 0123456789abcdef AAAA' WHERE account = 'bob'`,
			"an endless period":   `UPDATE enrolment SET sealed_key = 'SHA1 6 99999999999999999999999 0123456789abcdef AAAA' WHERE account = 'bob'`,
			"no enrolment":        `DELETE FROM enrolment WHERE account = 'bob'`,
			"the last revision":   `UPDATE account SET revision = 9223372036854775807 WHERE id = 'bob'`,
			"the last step":       `UPDATE account SET last_step = 9223372036854775807 WHERE id = 'bob'`,
			"another's enrolment": `UPDATE account SET enrolment = (SELECT number FROM enrolment WHERE account = 'alice') WHERE id = 'bob'`,
		} {
			t.Run(name, func(t *testing.T) {
				d, c := first.another(t), newClock()
				v := newVerifier(t, d.mustOpen(t, oldKey), c)
				alice, _ := enrol(t, v, c, "alice")
				enrol(t, v, c, "bob")
				d.exec(damage)
				c.next()
				if done, err := v.Fence(t.Context(), false); err != nil || done.Accounts != 2 {
					t.Fatalf("%+v, %v, want two accounts", done, err)
				}
				verdict, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", Code: codeOf(t, alice.Entry.Key, c)})
				if err != nil || verdict.Reason != verifier.ReasonReplayed {
					t.Errorf("alice's code: %+v, %v, want replayed", verdict, err)
				}
			})
		}
	})
}

// Verdicts under way while a fence is made are given before it or after it.
func TestAFenceAmongVerdictsLeavesNoCodeGood(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		c := newClock()
		v, other := newVerifier(t, d.mustOpen(t, oldKey), c), newVerifier(t, d.mustOpen(t, oldKey), c)
		var accounts []verifier.Enrolment
		for i := range 50 {
			e, _ := enrol(t, v, c, fmt.Sprintf("user%d", i))
			accounts = append(accounts, e)
		}
		c.next()
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				e := accounts[i%len(accounts)].Entry
				if _, err := other.Check(t.Context(), verifier.Attempt{Account: e.Account, Code: codeOf(t, e.Key, c)}); err != nil {
					t.Error(err)
				}
			}
		}()
		for range 5 {
			time.Sleep(20 * time.Millisecond)
			if _, err := v.Fence(t.Context(), false); err != nil {
				t.Error(err)
			}
			for _, e := range accounts {
				verdict, err := v.Check(t.Context(), verifier.Attempt{Account: e.Account, Code: codeOf(t, e.Entry.Key, c)})
				if err != nil || verdict.Reason != verifier.ReasonReplayed {
					t.Errorf("%+v, %v, want replayed", verdict, err)
				}
			}
		}
		close(stop)
		<-stopped
	})
}
