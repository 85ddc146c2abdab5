package storetest

import (
	"errors"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// steamKey wants that a key of Steam is kept, and that no verdict on its codes is valid or
// charged.
func steamKey(t *testing.T, open Open) {
	s, c, ctx := open(t), newClock(), t.Context()
	v := newVerifier(t, s, totp.Key{}, c)
	k, err := totp.GenerateKey(totp.SteamScheme())
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, verifier.Account{ID: "alice", Key: k})
	for i, s := range []verifier.Store{s, open(t)} {
		if got := load(t, s, "alice").Key; !got.Equal(k) || !got.Scheme().Steam {
			t.Errorf("through store %d: %v, want %v", i, got, k)
		}
	}
	for range 5 {
		for _, offered := range []string{code(t, k, c), "12345", "123456", "BCDFG"} {
			wantReason(t, v, verifier.Attempt{Account: "alice", Code: offered}, verifier.ReasonMalformed)
		}
	}
	if info, err := v.Show(ctx, "alice"); err != nil || info.Failures != 0 || info.Status != verifier.StatusActive {
		t.Errorf("Show: %+v, %v", info, err)
	}
	if codes, err := v.RecoveryCodes(ctx, "alice"); !errors.Is(err, verifier.ErrSteam) {
		t.Errorf("RecoveryCodes: %q, %v, want ErrSteam", codes, err)
	}
	if live, _, err := v.Keys(ctx, "alice"); err != nil || !live.Key.Equal(k) {
		t.Errorf("Keys: %v, %v", live, err)
	}
	e, err := v.Rekey(ctx, "alice", false) // a key of its own kind
	if err != nil {
		t.Fatal(err)
	}
	confirm(t, v, c, "alice", e.Entry.Key)
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, "")
}
