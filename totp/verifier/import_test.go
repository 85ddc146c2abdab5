package verifier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/totp"
)

// slow is a store whose transactions take a second.
type slow struct{ stalled }

func (slow) AddAll(ctx context.Context, _ []Account, edit func(map[int]Loaded) (map[int]Account, error)) error {
	time.Sleep(time.Second)
	_, err := edit(nil)
	return err
}

// SQLite's lock has no queue: a server in another process must find it free for as long as
// the import has held it.
func TestAnImportLeavesRoomBetweenItsTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := testRules(t)
		v, err := New(Config{Store: slow{}, Clock: time.Now, Skew: 1, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		var accounts []NewAccount
		for i := range 2*importBatch + 1 {
			accounts = append(accounts, r.newAccount(fmt.Sprint(i)))
		}
		for n, want := range map[int]time.Duration{2*importBatch + 1: 5 * time.Second, importBatch: 2 * time.Second, 1: time.Second} {
			begin := time.Now()
			if _, err := v.Import(t.Context(), accounts[:n], ImportOptions{}); err != nil || time.Since(begin) != want {
				t.Errorf("%d accounts, with transactions of a second, took %v, %v, want %v", n, time.Since(begin), err, want)
			}
		}
	})
}

func TestAnImportEndsBetweenItsTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := testRules(t)
		v, err := New(Config{Store: slow{}, Clock: time.Now, Skew: 1, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		var accounts []NewAccount
		for i := range 2 * importBatch {
			accounts = append(accounts, r.newAccount(fmt.Sprint(i)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		results, err := v.Import(ctx, accounts, ImportOptions{})
		first, second := results[importBatch-1], results[importBatch]
		if !errors.Is(err, context.DeadlineExceeded) || first.Outcome != OutcomeAdded || second != (Imported{}) {
			t.Errorf("Import: %+v, %+v, %v, want the transaction under way, and no other", first, second, err)
		}
	})
}

func TestTheNameOfABroughtEntryHasItsIssuer(t *testing.T) {
	for _, v := range []struct {
		issuer, account, want string
	}{
		{"", "alice", "alice"}, {"GitHub", "alice@example.com", "GitHub:alice@example.com"}, {"Amazon", "arn:aws:iam::1:mfa/a", "Amazon:arn-aws-iam--1-mfa/a"},
		{"A:B", "c", "A-B:c"}, {"", "a:b", "a-b"},
		{"", "", ""}, {"", "-", ""}, {"GitHub", "a\u200d", ""}, {strings.Repeat("a", 100), strings.Repeat("b", 100), ""},
	} {
		name, err := StoredName(totp.Entry{Issuer: v.issuer, Account: v.account})
		if name != v.want || (err == nil) != (v.want != "") || err != nil && !errors.Is(err, ErrName) {
			t.Errorf("StoredName(%q, %q): %q, %v, want %q", v.issuer, v.account, name, err, v.want)
		}
	}
}

func TestNoVerifierIsMadeForSteam(t *testing.T) {
	k, err := totp.GenerateKey(totp.SteamScheme())
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]Config{"the default account": {Key: k, New: totp.DefaultScheme()}, "new accounts": {New: totp.SteamScheme()}} {
		c.Store, c.Clock = stalled{}, time.Now
		if _, err := New(c); !errors.Is(err, ErrSteam) {
			t.Errorf("a key of Steam for %s: %v, want ErrSteam", what, err)
		}
	}
}
