package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"totpctl/cmd/transfer"
	"totpctl/totp"
	"totpctl/totp/exchange"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// open returns a verifier on a new SQLite file.
func open(t *testing.T) *verifier.Verifier {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{
		URL: "sqlite:" + filepath.Join(t.TempDir(), "t.db"), EncryptionKeys: [][]byte{make([]byte, 32)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v, err := verifier.New(verifier.Config{Store: s, Clock: time.Now, New: totp.DefaultScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// stored has an account with the secret.
func stored(t *testing.T, name, secret string) *verifier.Verifier {
	t.Helper()
	v := open(t)
	if err := v.AddActive(t.Context(), verifier.NewAccount{Name: name, Entry: totp.Entry{Account: name, Key: key(t, secret)}}); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsStoredDecides(t *testing.T) {
	const exists = "leave out|alice|another key is stored under that name: --replace overwrites it"
	for _, c := range []struct {
		name, secret string
		replace      bool
		want         string
	}{
		{"bob", other, false, "add|alice"},
		{"alice", other, false, exists},
		{"alice", other, true, "replace|alice"},
		{"alice", long, false, "there already|alice"},
		{"alice", long, true, "there already|alice"}, // replacing would forget which codes were used
		{"bob", long, false, `add|alice||its key is stored as "bob", too`},
	} {
		v, p := stored(t, c.name, c.secret), transfer.New()
		p.Add(transfer.In("f", file(t, "alice "+long)))
		if err := p.Compare(t.Context(), v, c.replace); err != nil {
			t.Fatal(err)
		}
		want(t, p, c.want)
		carry(t, p, v, c.replace)
		want(t, p, c.want)
	}
}

func TestAChangedNameReplacesNoAccount(t *testing.T) {
	for _, list := range [][]string{
		{"al%E2%80%8Bice " + other}, {"alice%E2%A0%80 " + other},
		{"other " + long, "other " + other},
	} {
		v, p := stored(t, "alice", long), transfer.New()
		for _, name := range []string{"other (2)"} {
			if err := v.AddActive(t.Context(), verifier.NewAccount{Name: name, Entry: totp.Entry{Account: name, Key: key(t, long)}}); err != nil {
				t.Fatal(err)
			}
		}
		p.Add(transfer.In("f", file(t, list...)))
		if err := p.Compare(t.Context(), v, true); err != nil {
			t.Fatal(err)
		}
		carry(t, p, v, true)
		if p.Count(transfer.Replace) > 0 {
			t.Errorf("%q replaces: %q", list, lines(p))
		}
	}
}

func carry(t *testing.T, p *transfer.Plan, v *verifier.Verifier, replace bool) {
	t.Helper()
	if err := p.Carry(t.Context(), v, replace, false, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
}

func TestComparingStoresNothing(t *testing.T) {
	v, p := stored(t, "bob", other), transfer.New()
	p.Add(transfer.In("f", file(t, "alice "+long, "bob "+long)))
	if err := p.Compare(t.Context(), v, true); err != nil {
		t.Fatal(err)
	}
	page, _, err := v.Entries(t.Context(), "", 10)
	if err != nil || len(page) != 1 || !page[0].Entry.Key.Equal(key(t, other)) {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestAnAccountThatCameMeanwhileIsNotOverwritten(t *testing.T) {
	v, p := open(t), transfer.New()
	p.Add(transfer.In("f", file(t, "alice "+long)))
	if err := p.Compare(t.Context(), v, false); err != nil {
		t.Fatal(err)
	}
	if err := v.AddActive(t.Context(), verifier.NewAccount{Name: "alice", Entry: totp.Entry{Account: "alice", Key: key(t, other)}}); err != nil {
		t.Fatal(err)
	}
	carry(t, p, v, false)
	want(t, p, "leave out|alice|another key is stored under that name: --replace overwrites it")
}

// many returns a file of n accounts.
func many(t *testing.T, n int) exchange.Contents {
	t.Helper()
	var labels []string
	for i := range n {
		labels = append(labels, fmt.Sprintf("user%d %s%s", i, long, digits(i)))
	}
	return file(t, labels...)
}

// digits returns a number of eight digits as base32.
func digits(n int) string {
	return strings.NewReplacer("0", "A", "1", "B", "8", "C", "9", "D").Replace(fmt.Sprintf("%08d", n))
}

func TestAnInterruptEndsAnImportBetweenTransactions(t *testing.T) {
	v, p := open(t), transfer.New()
	p.Add(transfer.In("f", many(t, 2500)))
	ctx, cancel := context.WithCancel(t.Context())
	err := p.Carry(ctx, v, false, false, func(done, total int) {
		if total != 2500 {
			t.Errorf("total is %d", total)
		}
		if done == 2000 {
			cancel()
		}
	})
	if !errors.Is(err, transfer.ErrInterrupted) || p.Summary() != "2000 added, 500 not stored" {
		t.Errorf("%s, %v", p.Summary(), err)
	}
	again := transfer.New()
	again.Add(transfer.In("f", many(t, 2500)))
	if err := again.Compare(t.Context(), v, false); err != nil || again.Summary() != "500 added, 2000 there already" {
		t.Errorf("%s, %v", again.Summary(), err)
	}
}

func TestAStrictImportIsOneTransaction(t *testing.T) {
	v, p := stored(t, "user2400", other), transfer.New()
	p.Add(transfer.In("f", many(t, 2500)))
	if err := p.Carry(t.Context(), v, false, true, func(int, int) {}); !errors.Is(err, verifier.ErrLeftOut) {
		t.Errorf("%v", err)
	}
	if got := p.Summary(); got != "1 left out, 2499 not stored" {
		t.Errorf("summary is %q", got)
	}
	if page, _, err := v.Entries(t.Context(), "", 10); err != nil || len(page) != 1 {
		t.Errorf("%d accounts are stored, %v", len(page), err)
	}
}

func TestRecoveryCodesThatFitAreGoodOnce(t *testing.T) {
	const code = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	v, p := open(t), transfer.New()
	c := file(t, "alice "+long)
	c.Accounts[0].Recovery = []string{"12345678", strings.ToLower(code), code}
	p.Add(transfer.In("f", c))
	carry(t, p, v, false)
	want(t, p, "add|alice||2 recovery codes of the file are left out: `totpctl account recovery-codes` makes new ones")
	for _, valid := range []bool{true, false} {
		if got, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", RecoveryCode: code}); err != nil || got.Valid != valid {
			t.Errorf("%+v, %v, want %t", got, err, valid)
		}
	}
}
