package verifier

import (
	"context"
	"errors"
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

func (stalled) Remove(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stalled) List(ctx context.Context, _ string, _ int) ([]Summary, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stalled) FindToken(ctx context.Context, _ string) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestNothingWaitsForAStalledStoreForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := testRules(t)
		v, err := New(Config{Store: stalled{}, Clock: time.Now, Key: r.key, Skew: 1, New: totp.DefaultScheme()})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		for name, ask := range map[string]func() error{
			"Check":   func() error { _, err := v.Check(ctx, Attempt{Code: "123456"}); return err },
			"Ready":   func() error { return v.Ready(ctx) },
			"Add":     func() error { _, err := v.Add(ctx, "alice"); return err },
			"Rekey":   func() error { _, err := v.Rekey(ctx, "alice", false); return err },
			"Confirm": func() error { _, _, err := v.Confirm(ctx, "alice", "123456", RequestID{}); return err },
			"Unlock":  func() error { return v.Unlock(ctx, "alice") },
			"Remove":  func() error { return v.Remove(ctx, "alice") },
			"List":    func() error { _, _, err := v.List(ctx, "", 1); return err },
			"Peek":    func() error { _, err := v.Peek(ctx, "token", ""); return err },
			"Sweep":   func() error { return v.Sweep(ctx) },
			"Open":    func() error { _, err := v.Open(ctx, "token", ""); return err },
		} {
			begin := time.Now()
			if err := ask(); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != DefaultTimeout {
				t.Errorf("%s: %v after %v, want the deadline after %v", name, err, time.Since(begin), DefaultTimeout)
			}
		}
	})
}
