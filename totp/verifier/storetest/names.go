package storetest

import (
	"errors"
	"testing"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// names are issuers, labels and the names of accounts.
var names = []test{
	{"a name with a colon has its own issuer", ownIssuer},
	{"entries have the names that authenticators show", entries},
	{"a stored issuer is shown", storedIssuer},
	{"a name that is refused now goes on working", oldNames},
}

// ownIssuer wants that a name with an issuer in it stays whole where it names the account.
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
	if _, pending, err := v.Keys(ctx, name); err != nil || pending.URI() != e.Entry.URI() {
		t.Errorf("Keys: %v, %v, want %v", pending, err, e.Entry)
	}
	confirm(t, v, c, name, e.Entry.Key)
	c.advance(e.Entry.Key.Period())
	wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, e.Entry.Key, c)}, "")
	for _, part := range []string{"alice", "GitHub"} {
		if _, err := v.Show(ctx, part); !errors.Is(err, verifier.ErrNoAccount) {
			t.Errorf("showing %s: %v, want ErrNoAccount", part, err)
		}
	}
}

func wantLabel(t *testing.T, what string, e verifier.Enrolment, err error) {
	t.Helper()
	if err != nil || e.Account != "GitHub:alice" || e.Entry.Issuer != "GitHub" || e.Entry.Account != "alice" {
		t.Errorf("%s: account %q, entry %v, %v", what, e.Account, e.Entry, err)
	}
}

// storedIssuer wants that an account which was added with an issuer keeps it, and
// that its name stays the account's, without an issuer that stands before it.
func storedIssuer(t *testing.T, open Open) {
	s, c, ctx := open(t), newClock(), t.Context()
	v := newVerifier(t, s, totp.Key{}, c)
	for _, want := range []struct{ name, issuer, label string }{
		{"alice", "GitHub", "alice"}, {"GitHub:bob", "GitHub", "bob"}, {"Work:carol", "GitHub", "Work:carol"}, {"dave", "A:B", "dave"},
	} {
		add(t, s, verifier.Account{ID: want.name, Issuer: want.issuer, Key: key(t)})
		live, _, err := v.Keys(ctx, want.name)
		if err != nil || live.Issuer != want.issuer || live.Account != want.label {
			t.Errorf("Keys of %s: %v, %v", want.name, live, err)
		}
		e, err := v.Rekey(ctx, want.name, false)
		if err != nil || e.Account != want.name || e.Entry.Issuer != want.issuer || e.Entry.Account != want.label {
			t.Errorf("Rekey of %s: %v, %v", want.name, e.Entry, err)
		}
		if shown, err := v.Peek(ctx, e.Token, ""); err != nil || shown.Account != want.name || shown.Issuer != want.issuer || shown.Label != want.label {
			t.Errorf("Peek of %s: %+v, %v", want.name, shown, err)
		}
		confirm(t, v, c, want.name, e.Entry.Key)
		if got := load(t, open(t), want.name).Issuer; got != want.issuer {
			t.Errorf("after its confirmation the issuer of %s is %q, want %q", want.name, got, want.issuer)
		}
	}
}

// oldNames wants that an account keeps a name that no new account may have.
func oldNames(t *testing.T, open Open) {
	s, c := open(t), newClock()
	v := newVerifier(t, s, totp.Key{}, c)
	for _, name := range []string{"(default)", "-", "\u3164", "a\u200d", ":alice", "GitHub:", "a:b:c", "GitHub: alice"} {
		if _, err := v.Add(t.Context(), name); err == nil || errors.Is(err, verifier.ErrExists) {
			t.Errorf("adding %+q: %v, want an error that tells why not", name, err)
		}
		k := key(t)
		add(t, s, verifier.Account{ID: name, Key: k})
		wantReason(t, v, verifier.Attempt{Account: name, Code: code(t, k, c)}, "")
		e, err := v.Rekey(t.Context(), name, false)
		if err != nil || e.Account != name || e.Entry.Issuer != "issuer" || e.Entry.Account != name {
			t.Errorf("Rekey: account %+q, entry %v, %v", e.Account, e.Entry, err)
			continue
		}
		confirm(t, v, c, name, e.Entry.Key)
		if err := v.Remove(t.Context(), name); err != nil {
			t.Errorf("removing %+q: %v", name, err)
		}
	}
}
