//go:build linux

package sqlstore_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

func TestADamagedRowTakesNobodyElseDown(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		for name, damage := range map[string]string{
			"another row's secret": `UPDATE enrolment SET sealed_key = (SELECT sealed_key FROM enrolment WHERE account = 'carol') WHERE account = 'bob'`,
			"another period":       `UPDATE enrolment SET sealed_key = replace(sealed_key, 'SHA1 6 30 ', 'SHA1 6 60 ') WHERE account = 'bob'`,
			"another kind":         `UPDATE enrolment SET sealed_key = replace(sealed_key, 'SHA1 6 30 ', 'STEAM 5 30 ') WHERE account = 'bob'`,
			"an edited secret":     `UPDATE enrolment SET sealed_key = substr(sealed_key, 1, length(sealed_key) - 8) || 'AAAAAAA=' WHERE account = 'bob'`,
			"an unknown key":       `UPDATE enrolment SET sealed_key = 'SHA1 6 30 0123456789abcdef AAAA' WHERE account = 'bob'`,
			"no sealed text":       `UPDATE enrolment SET sealed_key = 'x' WHERE account = 'bob'`,
			"an edited pending":    `UPDATE enrolment SET pending = 'x' WHERE account = 'bob'`,
			"an edited answer":     `UPDATE account SET answer = '{' WHERE id = 'bob'`,
			"an odd number":        `UPDATE account SET recovery_used = 65536 WHERE id = 'bob'`,
			"no enrolment":         `DELETE FROM enrolment WHERE account = 'bob'`,
			"another's enrolment":  `UPDATE account SET enrolment = (SELECT number FROM enrolment WHERE account = 'carol') WHERE id = 'bob'`,
			"an empty enrolment":   `UPDATE account SET enrolment = (SELECT number FROM enrolment WHERE account = 'dan') WHERE id = 'bob'`,
		} {
			t.Run(name, func(t *testing.T) { testDamage(t, d.another(t), damage, "bob") })
		}
		t.Run("another name", func(t *testing.T) {
			testDamage(t, d.another(t), `UPDATE account SET id = 'bobby' WHERE id = 'bob'`, "bobby")
		})
	})
}

func testDamage(t *testing.T, d database, damage, damaged string) {
	s, c := d.mustOpen(t, oldKey), newClock()
	v := newVerifier(t, s, c)
	alice, _ := enrol(t, v, c, "alice")
	bob, codes := enrol(t, v, c, "bob")
	carol, _ := enrol(t, v, c, "carol")
	if err := s.Add(t.Context(), verifier.Account{ID: "dan"}); err != nil {
		t.Fatal(err)
	}
	d.exec(damage)
	c.next()
	var together sync.WaitGroup // in one batch, or few
	for range 20 {
		together.Go(func() {
			_, err := v.Check(t.Context(), verifier.Attempt{Account: damaged, Code: codeOf(t, bob.Entry.Key, c)})
			if !errors.Is(err, sqlstore.ErrDamaged) || !strings.Contains(err.Error(), damaged) {
				t.Errorf("the damaged account: %v, want ErrDamaged and its name", err)
			}
		})
	}
	for _, e := range []verifier.Enrolment{alice, carol} {
		together.Go(func() { mustAccept(t, v, c, e.Entry) })
	}
	together.Wait()
	if list, _, err := v.List(t.Context(), verifier.Query{}, 10); err != nil || len(list) != 4 || list[1].Name != damaged || list[1].Status != verifier.StatusDamaged || list[2].Status != verifier.StatusActive {
		t.Errorf("List: %+v, %v, want four accounts, the second damaged", list, err)
	}
	if list, _, err := v.Entries(t.Context(), "", 10); err != nil || len(list) != 4 || list[1].Name != damaged || !list[1].Damaged || !list[1].Entry.Key.IsZero() || list[2].Damaged || !list[2].Entry.Key.Equal(carol.Entry.Key) {
		t.Errorf("Entries: %+v, %v, want four accounts, the second damaged", list, err)
	}
	if _, err := v.Recover(t.Context(), damaged, codes[0]); err != verifier.ErrRecover {
		t.Errorf("recovering the damaged account: %v, want ErrRecover alone, as of one that does not exist", err)
	}
	if _, err := v.Add(t.Context(), damaged); err == nil {
		t.Error("the damaged account was made anew")
	}
	if n, err := s.Reseal(t.Context()); n != 0 || err == nil || !strings.Contains(err.Error(), damaged) {
		t.Errorf("Reseal: %d, %v, want the damaged account's name", n, err)
	}
	if err := v.Remove(t.Context(), damaged); err != nil {
		t.Errorf("removing the damaged account: %v", err)
	}
	s.Close()
	wantRotation(t, d, c, alice, carol)
}

// wantRotation goes over to another key: nothing that a removed account has left
// may need the old one.
func wantRotation(t *testing.T, d database, c *clock, accounts ...verifier.Enrolment) {
	t.Helper()
	s := d.mustOpen(t, newKey, oldKey)
	if n, err := s.Reseal(t.Context()); n != len(accounts) || err != nil {
		t.Errorf("Reseal: %d, %v, want %d", n, err, len(accounts))
	}
	s.Close()
	v := newVerifier(t, d.mustOpen(t, newKey), c)
	c.next()
	for _, e := range accounts {
		mustAccept(t, v, c, e.Entry)
	}
}

// What an application, a user or an administrator holds is not in the database.
func TestTheDatabaseHoldsNoSecret(t *testing.T) {
	onBothEngines(t, func(t *testing.T, d database) {
		s, c := d.mustOpen(t, oldKey), newClock()
		v := newVerifier(t, s, c)
		secrets := map[string][]byte{"the encryption key": oldKey}
		for _, name := range []string{"alice", "bob"} {
			e, recovery := enrol(t, v, c, name)
			second, err := v.Rekey(t.Context(), name, false)
			if err != nil {
				t.Fatal(err)
			}
			for i, each := range []verifier.Enrolment{e, second} {
				what := name + "'s " + []string{"live", "pending"}[i]
				secrets[what+" secret"], secrets[what+" token"] = each.Entry.Key.Secret().Bytes(), []byte(each.Token)
				secrets[what+" secret in base32"] = []byte(each.Entry.Key.Secret().Base32())
			}
			for _, code := range recovery {
				secrets[name+"'s recovery code "+code] = []byte(code)
			}
			opened, err := v.Open(t.Context(), second.Token, "")
			if err != nil {
				t.Fatal(err)
			}
			secrets[name+"'s cookie"] = []byte(opened.Cookie)
			c.next()
			bearer, request := "bearer-of-"+name, "idempotency-key-of-"+name
			a := verifier.Attempt{Account: name, Code: codeOf(t, e.Entry.Key, c)}
			a.Request = verifier.NewRequestID(bearer, a.Account, a.Code, request)
			if verdict, err := v.Check(t.Context(), a); err != nil || !verdict.Valid {
				t.Fatalf("%+v, %v", verdict, err)
			}
			secrets[name+"'s bearer"], secrets[name+"'s Idempotency-Key"] = []byte(bearer), []byte(request)
		}
		wantNone(t, d.raw(), secrets)
		s.Close() // SQLite moves its log into the file
		wantNone(t, d.raw(), secrets)
	})
}

func wantNone(t *testing.T, dump []byte, secrets map[string][]byte) {
	t.Helper()
	if !bytes.Contains(dump, []byte("alice")) || !bytes.Contains(dump, []byte("SHA1 6 30 ")) {
		t.Fatal("the dump has not what was stored")
	}
	upper := bytes.ToUpper(dump)
	for what, secret := range secrets {
		if bytes.Contains(dump, secret) || bytes.Contains(upper, bytes.ToUpper([]byte(hex.EncodeToString(secret)))) {
			t.Errorf("the database holds %s", what)
		}
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if bytes.Contains(dump, []byte(encoding.EncodeToString(secret))) {
				t.Errorf("the database holds %s in base64", what)
			}
		}
	}
}
