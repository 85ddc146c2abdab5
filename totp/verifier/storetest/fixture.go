package storetest

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

// moment is when these tests take place; a clock stands still unless moved.
var moment = time.Unix(1_111_111_109, 0)

type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(moment.UnixMilli())
	return c
}

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func key(t *testing.T) totp.Key {
	t.Helper()
	k, err := totp.GenerateKey(totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newVerifier(t *testing.T, s verifier.Store, k totp.Key, c *clock) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{
		Store: s, Clock: c.now, Key: k, Skew: 1,
		New: totp.Scheme{Algorithm: totp.SHA256, Digits: 8, Period: time.Minute}, Issuer: "issuer",
		RefusalTime: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fixture returns a Verifier on an empty store, its clock and the default account's key.
func fixture(t *testing.T, open Open) (*verifier.Verifier, *clock, totp.Key) {
	c, k := newClock(), key(t)
	return newVerifier(t, open(t), k, c), c, k
}

func enrol(t *testing.T, v *verifier.Verifier, c *clock, name string) (totp.Key, []string) {
	t.Helper()
	e, err := v.Add(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return e.Entry.Key, confirm(t, v, c, name, e.Entry.Key)
}

func confirm(t *testing.T, v *verifier.Verifier, c *clock, name string, k totp.Key) []string {
	t.Helper()
	verdict, codes, err := v.Confirm(t.Context(), name, code(t, k, c), verifier.RequestID{})
	if err != nil || !verdict.Valid {
		t.Fatalf("confirming %s: %+v, %v", name, verdict, err)
	}
	if len(codes) != 10 || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != 10 {
		t.Errorf("recovery codes are %q, want ten different ones", codes)
	}
	return codes
}

func check(t *testing.T, v *verifier.Verifier, a verifier.Attempt) verifier.Verdict {
	t.Helper()
	verdict, err := v.Check(t.Context(), a)
	if err != nil {
		t.Error(err)
	}
	return verdict
}

func wantReason(t *testing.T, v *verifier.Verifier, a verifier.Attempt, want verifier.Reason) {
	t.Helper()
	if got := check(t, v, a); got.Reason != want {
		t.Errorf("%+v, want reason %q", got, want)
	}
}

func code(t *testing.T, k totp.Key, c *clock) string {
	t.Helper()
	return totptest.Code(t, k, c.now())
}

// wrong returns n codes that are good at no step near the clock's time.
func wrong(k totp.Key, c *clock, n int) []string { return totptest.WrongCodes(k, c.now(), n) }
