package verifier

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"totpctl/totp"
)

// stalled is a store that answers when its caller gives up.
type stalled struct{}

func (stalled) Load(ctx context.Context, _ string) (Account, error) {
	<-ctx.Done()
	return Account{}, ctx.Err()
}

func (stalled) Sweep(ctx context.Context, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) Fingerprint(string) string { return "" }
func (stalled) Keyed() bool               { return true }

func (stalled) Decide(ctx context.Context, _ string, _ func(Account) (State, bool)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) Edit(ctx context.Context, _ string, _ func(Account) (Account, error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) Add(ctx context.Context, _ Account) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) AddAll(ctx context.Context, _ []Account, _ func(map[int]Loaded) (map[int]Account, error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) Rename(ctx context.Context, _, _ string, _ func(Account) (Account, error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) Remove(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) List(ctx context.Context, _ Range, _ int) ([]Summary, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stalled) LoadPage(ctx context.Context, _ string, _ int) ([]Loaded, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stalled) FindToken(ctx context.Context, _ string) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func (stalled) Fence(ctx context.Context, _ Fence) (Fenced, error) {
	<-ctx.Done()
	return Fenced{}, ctx.Err()
}

func TestNothingWaitsForAStalledStoreForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := testRules(t)
		v, err := New(Config{Store: stalled{}, Clock: time.Now, Key: r.key, Skew: 1, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		methods := map[string]func() error{
			"Check":     func() error { _, err := v.Check(ctx, Attempt{Code: "123456"}); return err },
			"Ready":     func() error { return v.Ready(ctx) },
			"Enrolled":  func() error { _, err := v.Enrolled(ctx); return err },
			"Add":       func() error { _, err := v.Add(ctx, "alice"); return err },
			"AddActive": func() error { return v.AddActive(ctx, r.newAccount("alice")) },
			"Import": func() error {
				_, err := v.Import(ctx, []NewAccount{r.newAccount("alice")}, ImportOptions{})
				return err
			},
			"Rename":        func() error { return v.Rename(ctx, "alice", "bob") },
			"Rekey":         func() error { _, err := v.Rekey(ctx, "alice", false); return err },
			"Confirm":       func() error { _, _, err := v.Confirm(ctx, "alice", "123456", RequestID{}); return err },
			"RecoveryCodes": func() error { _, err := v.RecoveryCodes(ctx, "alice"); return err },
			"RecoveryLink":  func() error { _, err := v.RecoveryLink(ctx, "alice"); return err },
			"Recover":       func() error { _, err := v.Recover(ctx, "alice", strings.Repeat("A", recoveryLength)); return err },
			"Unlock":        func() error { return v.Unlock(ctx, "alice") },
			"Disable":       func() error { return v.Disable(ctx, "alice") },
			"Remove":        func() error { return v.Remove(ctx, "alice") },
			"Keys":          func() error { _, _, err := v.Keys(ctx, "alice"); return err },
			"Show":          func() error { _, err := v.Show(ctx, "alice"); return err },
			"List":          func() error { _, _, err := v.List(ctx, Query{}, 1); return err },
			"Entries":       func() error { _, _, err := v.Entries(ctx, "", 1); return err },
			"Peek":          func() error { _, err := v.Peek(ctx, "token", ""); return err },
			"Open":          func() error { _, err := v.Open(ctx, "token", ""); return err },
			"OpenOwn":       func() error { _, err := v.OpenOwn(ctx, "token", "cookie"); return err },
			"ConfirmByLink": func() error { _, _, err := v.ConfirmByLink(ctx, "token", "", "123456"); return err },
			"Acknowledge":   func() error { return v.Acknowledge(ctx, "token", "") },
			"Sweep":         func() error { return v.Sweep(ctx) },
			"StoreReady":    func() error { return v.StoreReady(ctx) },
			"Fence":         func() error { _, err := v.Fence(ctx, false); return err },
		}
		askNoStore := map[string]bool{"ByBearer": true, "Refuse": true, "SignIn": true, "SignOut": true}
		for m := range reflect.TypeOf(v).Methods() {
			if methods[m.Name] == nil && !askNoStore[m.Name] {
				t.Errorf("%s is not tested", m.Name)
			}
		}
		for name, ask := range methods {
			begin := time.Now()
			if err := ask(); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != DefaultTimeout {
				t.Errorf("%s: %v after %v, want the deadline after %v", name, err, time.Since(begin), DefaultTimeout)
			}
		}
	})
}
