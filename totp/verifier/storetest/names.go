package storetest

import (
	"errors"
	"testing"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// ownIssuer wants that the name stays whole wherever it names the account.
func ownIssuer(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	const name = "GitHub:alice"
	e, err := v.Add(ctx, name)
	wantLabel(t, "Add", e, err)
	e, err = v.Rekey(ctx, name, false)
	wantLabel(t, "Rekey", e, err)
	opened, err := v.Open(ctx, e.Token, "")
	wantLabel(t, "Open", opened, err)
	if _, pending, err := v.Keys(ctx, name); err != nil || pending.URI() != e.Key.URI() {
		t.Errorf("Keys: %v, %v, want %v", pending, err, e.Key)
	}
	confirm(t, v, c, name, e.Key)
	c.advance(e.Key.Period())
	wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, e.Key, c)}, "")
	for _, part := range []string{"alice", "GitHub"} {
		if _, err := v.Show(ctx, part); !errors.Is(err, verifier.ErrNoAccount) {
			t.Errorf("showing %s: %v, want ErrNoAccount", part, err)
		}
	}
}

func wantLabel(t *testing.T, what string, e verifier.Enrolment, err error) {
	t.Helper()
	if err != nil || e.Account != "GitHub:alice" || e.Key.Issuer() != "GitHub" || e.Key.Account() != "alice" {
		t.Errorf("%s: account %q, key %v, %v", what, e.Account, e.Key, err)
	}
}

// oldNames wants that what is refused for a new account is one for an old.
func oldNames(t *testing.T, open Open) {
	s, c := open(t), newClock()
	v := newVerifier(t, s, totp.Key{}, c)
	for _, name := range []string{"(default)", "-", "\u3164", "a\u200d", ":alice", "GitHub:", "a:b:c", "GitHub: alice"} {
		if _, err := v.Add(t.Context(), name); err == nil || errors.Is(err, verifier.ErrExists) {
			t.Errorf("adding %+q: %v, want an error that tells why not", name, err)
		}
		k := key(t, name)
		add(t, s, verifier.Account{ID: name, Key: k})
		wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, k, c)}, "")
		e, err := v.Rekey(t.Context(), name, false)
		if err != nil || e.Account != name || e.Key.Issuer() != "issuer" || e.Key.Account() != name {
			t.Errorf("Rekey: account %+q, key %v, %v", e.Account, e.Key, err)
			continue
		}
		confirm(t, v, c, name, e.Key)
		if err := v.Remove(t.Context(), name); err != nil {
			t.Errorf("removing %+q: %v", name, err)
		}
	}
}
