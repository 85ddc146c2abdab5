package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

var lists = []test{
	{"a list by prefix has the names that begin with it, and no others", listedByPrefix},
	{"a list by status has the accounts of that status", listedByStatus},
	{"an account that has waited is not listed as waiting", listedAfterAWait},
	{"an account whose codes were brought along runs out of them", listedWithoutCodes},
	{"a page of few accounts ends after a thousand", listedSparsely},
	{"a list begins with the default account where it is asked for", listedDefault},
}

// namesOf returns the names of all pages, each of at most two accounts.
func namesOf(t *testing.T, v *verifier.Verifier, q verifier.Query) (all []string) {
	t.Helper()
	for {
		page, next, err := v.List(t.Context(), q, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page {
			all = append(all, i.Name)
		}
		if next == "" {
			return all
		}
		if next <= q.From || len(page) > 2 {
			t.Fatalf("after %q, a page of %d accounts leads to %q", q.From, len(page), next)
		}
		q.From = next
	}
}

func wantNames(t *testing.T, v *verifier.Verifier, q verifier.Query, want ...string) {
	t.Helper()
	if got := namesOf(t, v, q); !slices.Equal(got, want) {
		t.Errorf("%+v lists %q, want %q", q, got, want)
	}
}

func listedByPrefix(t *testing.T, open Open) {
	v, _, _ := fixture(t, open)
	for _, name := range []string{"a", "al", "alice", "alìce", "aliz", "am", "z"} {
		if err := v.AddActive(t.Context(), entryOf(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	wantNames(t, v, verifier.Query{Prefix: "al"}, "al", "alice", "aliz", "alìce")
	wantNames(t, v, verifier.Query{Prefix: "ali", From: "alj"})
	wantNames(t, v, verifier.Query{Prefix: "ali", From: "alid"}, "aliz")
	wantNames(t, v, verifier.Query{Prefix: "al", Only: verifier.FilterHeld})
	wantNames(t, v, verifier.Query{Prefix: "aliz", Only: "active"}, "aliz")
	wantNames(t, v, verifier.Query{Prefix: "A"})
	wantNames(t, v, verifier.Query{Prefix: " "})
	wantNames(t, v, verifier.Query{Prefix: "z"}, "z")
}

func entryOf(t *testing.T, name string) verifier.NewAccount {
	a := verifier.NewAccount{Name: name}
	a.Entry.Key = key(t)
	return a
}

// oneOfEach is a fixture with an account of each status, named for it.
func oneOfEach(t *testing.T, open Open) (*verifier.Verifier, *clock) {
	t.Helper()
	v, c, _ := fixture(t, open)
	if _, err := v.Add(t.Context(), "expired"); err != nil {
		t.Fatal(err)
	}
	c.advance(48 * time.Hour)
	for _, name := range []string{"active", "waiting", "stopped", "disabled", "no codes", "rekeyed"} {
		k, codes := enrol(t, v, c, name)
		switch name {
		case "waiting":
			for _, bad := range wrong(k, c, 3) {
				check(t, v, verifier.Attempt{Account: name, Code: bad})
			}
		case "stopped":
			if _, err := v.Rekey(t.Context(), name, true); err != nil {
				t.Fatal(err)
			}
		case "disabled":
			if err := v.Disable(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		case "no codes":
			for _, code := range codes {
				check(t, v, verifier.Attempt{Account: name, RecoveryCode: code})
			}
		case "rekeyed":
			if _, err := v.Rekey(t.Context(), name, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := v.Add(t.Context(), "pending"); err != nil {
		t.Fatal(err)
	}
	if err := v.AddActive(t.Context(), entryOf(t, "without codes")); err != nil {
		t.Fatal(err)
	}
	return v, c
}

func listedByStatus(t *testing.T, open Open) {
	v, _ := oneOfEach(t, open)
	for _, q := range []struct {
		only verifier.Filter
		want []string
	}{
		{"", []string{"active", "disabled", "expired", "no codes", "pending", "rekeyed", "stopped", "waiting", "without codes"}},
		{"active", []string{"active", "no codes", "rekeyed", "without codes"}},
		{"waiting", []string{"waiting"}},
		{"stopped", []string{"stopped"}},
		{"disabled", []string{"disabled"}},
		{"pending", []string{"pending"}},
		{"expired", []string{"expired"}},
		{"damaged", nil},
		{verifier.FilterHeld, []string{"disabled", "stopped", "waiting"}},
		{verifier.FilterUnconfirmed, []string{"expired", "pending"}},
		{verifier.FilterRecoveryless, []string{"no codes", "without codes"}},
	} {
		wantNames(t, v, verifier.Query{Only: q.only}, q.want...)
	}
	if err := v.Unlock(t.Context(), "disabled"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.RecoveryCodes(t.Context(), "no codes"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, v, verifier.Query{Only: verifier.FilterHeld}, "stopped", "waiting")
	wantNames(t, v, verifier.Query{Only: verifier.FilterRecoveryless}, "without codes")
}

func listedAfterAWait(t *testing.T, open Open) {
	v, c := oneOfEach(t, open)
	c.advance(time.Minute)
	wantNames(t, v, verifier.Query{Only: "waiting"})
	wantNames(t, v, verifier.Query{Only: verifier.FilterHeld}, "disabled", "stopped")
}

func listedWithoutCodes(t *testing.T, open Open) {
	v, _, _ := fixture(t, open)
	a := entryOf(t, "brought")
	a.Recovery = []string{strings.Repeat("A", 26), strings.Repeat("B", 26)}
	if err := v.AddActive(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	check(t, v, verifier.Attempt{Account: "brought", RecoveryCode: a.Recovery[1]})
	wantNames(t, v, verifier.Query{Only: verifier.FilterRecoveryless})
	check(t, v, verifier.Attempt{Account: "brought", RecoveryCode: a.Recovery[0]})
	wantNames(t, v, verifier.Query{Only: verifier.FilterRecoveryless}, "brought")
}

func listedSparsely(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	s := open(t)
	var all []verifier.Account
	for i := range 1500 {
		all = append(all, verifier.Account{ID: fmt.Sprintf("a%04d", i), Key: key(t), State: verifier.State{
			Throttle: verifier.Throttle{Failures: 3, Until: c.now().Add(-time.Hour)}}})
	}
	all = append(all, verifier.Account{ID: "z", Key: key(t), State: verifier.State{Disabled: true}})
	if err := s.AddAll(t.Context(), all, func(map[int]verifier.Loaded) (map[int]verifier.Account, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	page, next, err := v.List(t.Context(), verifier.Query{Only: verifier.FilterHeld}, 100)
	if err != nil || len(page) != 0 || next != "a1000" {
		t.Errorf("the first page has %d accounts and leads to %q, %v; want none, and a1000", len(page), next, err)
	}
	wantNames(t, v, verifier.Query{Only: verifier.FilterHeld}, "z")
}

func listedDefault(t *testing.T, open Open) {
	v, c, k := fixture(t, open)
	enrol(t, v, c, "alice")
	wantNames(t, v, verifier.Query{Default: true}, "", "alice")
	wantNames(t, v, verifier.Query{Default: true, Prefix: "a"}, "alice")
	wantNames(t, v, verifier.Query{Default: true, From: "a"}, "alice")
	wantNames(t, v, verifier.Query{Default: true, Only: verifier.FilterHeld})
	for _, bad := range wrong(k, c, 3) {
		check(t, v, verifier.Attempt{Code: bad})
	}
	wantNames(t, v, verifier.Query{Default: true, Only: verifier.FilterHeld}, "")
}
