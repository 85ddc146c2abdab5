package storetest

import (
	"testing"
	"time"

	"totpctl/totp/verifier"
)

func keptComesBack(t *testing.T, open Open) {
	s, at := open(t), time.UnixMilli(20_000_000_000_123).UTC()
	want := full(t, "a")
	want.Pending = verifier.Pending{}
	want.Kept = verifier.Kept{Verdict: verifier.Verdict{Valid: true, SkewSteps: 1, Failures: 2}, Codes: []string{"A", "B"},
		Until: at, Token: "token", Cookie: "cookie", Request: verifier.NewRequestID("secret", "1")}
	add(t, s, want)
	for i, s := range []verifier.Store{s, open(t)} {
		if got := load(t, s, "a"); !same(got, want) {
			t.Errorf("through store %d:\n%+v, want\n%+v", i, got, want)
		}
	}
	if id, err := s.FindToken(t.Context(), "token"); id != "a" || err != nil {
		t.Errorf("FindToken: %q, %v, want a", id, err)
	}
	if err := s.Sweep(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	want.Kept = verifier.Kept{}
	if got := load(t, s, "a"); !same(got, want) {
		t.Errorf("after Sweep:\n%+v, want\n%+v", got, want)
	}
}

// codesLinkComesBack wants that a Summary tells a link for new recovery codes, before and
// after it is opened.
func codesLinkComesBack(t *testing.T, open Open) {
	s, at := open(t), time.UnixMilli(20_000_000_000_123).UTC()
	want := full(t, "a")
	want.Pending = verifier.Pending{}
	want.Kept = verifier.Kept{Until: at, Token: "token"}
	add(t, s, want)
	for _, cookie := range []string{"", "cookie"} {
		edit(t, s, "a", func(a *verifier.Account) { a.Kept.Cookie = cookie })
		want.Kept.Cookie = cookie
		if got := load(t, open(t), "a"); !same(got, want) {
			t.Errorf("cookie %q:\n%+v, want\n%+v", cookie, got, want)
		}
		page, err := s.List(t.Context(), verifier.Range{}, 1)
		if err != nil || len(page) != 1 || !page[0].CodesUntil.Equal(at) || page[0].CodesOpened != (cookie != "") {
			t.Errorf("cookie %q: listed %+v, %v", cookie, page, err)
		}
	}
}
