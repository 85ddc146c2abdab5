package storetest

import (
	"fmt"
	"testing"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

func loadedPage(t *testing.T, open Open) {
	s := open(t)
	want := []string{"!", "a", "b", "\u00e4", "\u05d0"}
	all := map[string]verifier.Account{}
	for _, id := range want {
		all[id] = full(t, id)
		add(t, s, all[id])
	}
	for from, want := range map[string][]string{"": want[:3], "a": want[1:4], "b": want[2:5], "c": want[3:], "\u05d1": nil} {
		page, err := s.LoadPage(t.Context(), from, 3)
		if err != nil || len(page) != len(want) {
			t.Fatalf("from %q: %d accounts, %v, want %q", from, len(page), err, want)
		}
		for i, l := range page {
			if l.Err != nil || !same(l.Account, all[want[i]]) {
				t.Errorf("from %q, account %d:\n%+v, want\n%+v", from, i, l, all[want[i]])
			}
		}
	}
}

// entries wants the live keys of stored accounts, page by page, and nothing of the default
// account.
func entries(t *testing.T, open Open) {
	s, c, ctx := open(t), newClock(), t.Context()
	v := newVerifier(t, s, key(t), c)
	check(t, v, verifier.Attempt{Code: "12345678"}) // which gives the default account a row
	want := []verifier.StoredEntry{
		{Name: "GitHub:alice", Entry: totp.Entry{Issuer: "GitHub", Account: "alice", Key: key(t)}},
		{Name: "bob", Entry: totp.Entry{Issuer: "issuer", Account: "bob", Key: key(t)}},
		{Name: "carol", Entry: totp.Entry{Issuer: "A:B", Account: "carol", Key: key(t)}},
		{Name: "dave"},
	}
	add(t, s, verifier.Account{ID: "GitHub:alice", Key: want[0].Entry.Key})
	add(t, s, verifier.Account{ID: "bob", Key: want[1].Entry.Key, State: verifier.State{Disabled: true}})
	add(t, s, verifier.Account{ID: "carol", Issuer: "A:B", Key: want[2].Entry.Key, Pending: full(t, "carol").Pending})
	add(t, s, verifier.Account{ID: "dave", Pending: full(t, "dave").Pending})
	for _, limit := range []int{-1, 1, 3, 4, 1 << 40} {
		var got []verifier.StoredEntry
		for from := ""; ; {
			page, next, err := v.Entries(ctx, from, limit)
			if err != nil || len(page) > max(limit, 1) {
				t.Fatalf("limit %d: a page of %d, %v", limit, len(page), err)
			}
			got = append(got, page...)
			if from = next; next == "" {
				break
			}
		}
		wantEntries(t, fmt.Sprint("limit ", limit), got, want)
	}
}

func wantEntries(t *testing.T, what string, got, want []verifier.StoredEntry) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %+v, want %+v", what, got, want)
	}
	for i, e := range got {
		w := want[i]
		if e.Name != w.Name || e.Damaged || e.Entry.Issuer != w.Entry.Issuer || e.Entry.Account != w.Entry.Account || !e.Entry.Key.Equal(w.Entry.Key) {
			t.Errorf("%s, entry %d: %+v, want %+v", what, i, e, w)
		}
	}
}
