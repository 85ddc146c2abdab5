package storetest

import (
	"errors"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

func codesLink(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	k, old := enrol(t, v, c, "alice")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: old[0]}, "")
	l, err := v.RecoveryLink(ctx, "alice")
	if err != nil || l.Account != "alice" || !l.Until.Equal(c.now().Add(verifier.DefaultPendingTime)) {
		t.Fatalf("RecoveryLink: %+v, %v", l, err)
	}
	c.advance(verifier.DefaultPendingTime - time.Minute)
	if seen, err := v.Peek(ctx, l.Token, "planted"); err != nil || seen.Kind != verifier.LinkCodes || seen.Opened || seen.Codes != nil || !seen.Until.Equal(l.Until) {
		t.Errorf("Peek before: %+v, %v", seen, err)
	}
	if info, err := v.Show(ctx, "alice"); err != nil || !info.CodesUntil.Equal(l.Until) || info.CodesOpened || info.Status != verifier.StatusActive {
		t.Errorf("Show before: %+v, %v", info, err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: old[1]}, "") // until the link is opened
	if _, _, err := v.ConfirmByLink(ctx, l.Token, "planted", code(t, k, c)); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("a code by this link: %v, want ErrLink", err)
	}
	opened, err := v.Open(ctx, l.Token, "planted")
	if err != nil || opened.Kind != verifier.LinkCodes || !opened.Entry.Key.IsZero() || opened.Cookie == "planted" {
		t.Fatalf("Open: %+v, %v, want no key", opened, err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: old[2]}, verifier.ReasonInvalid)
	mine := opened.Cookie
	for _, theirs := range []string{"", "planted"} {
		_, errPeek := v.Peek(ctx, l.Token, theirs)
		_, errOpen := v.Open(ctx, l.Token, theirs)
		if errors.Join(errPeek, errOpen) == nil || !errors.Is(errPeek, verifier.ErrLink) || !errors.Is(errOpen, verifier.ErrLink) {
			t.Errorf("another browser: %v, %v, want ErrLink", errPeek, errOpen)
		}
	}
	if _, err := v.Open(ctx, l.Token, mine); !errors.Is(err, verifier.ErrConfirmed) {
		t.Errorf("opened again: %v, want ErrConfirmed", err)
	}
	if _, _, err := v.ConfirmByLink(ctx, l.Token, mine, code(t, k, c)); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("a code in the browser that sees the codes: %v, want ErrLink", err)
	}
	c.advance(verifier.KeepTime - time.Second)
	seen, err := v.Peek(ctx, l.Token, mine)
	if err != nil || seen.Kind != verifier.LinkCodes || len(seen.Codes) != 10 {
		t.Fatalf("Peek afterwards: %+v, %v", seen, err)
	}
	if info, err := v.Show(ctx, "alice"); err != nil || !info.CodesOpened || info.RecoveryLeft != 10 {
		t.Errorf("Show afterwards: %+v, %v", info, err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: seen.Codes[0]}, "")
	if err := v.Acknowledge(ctx, l.Token, mine); err != nil {
		t.Error(err)
	}
	if _, err := v.Peek(ctx, l.Token, mine); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("acknowledged: %v, want ErrLink", err)
	}
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, k, c)}, "") // the key is as it was
}

func codesLinkRefused(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	if _, err := v.Add(ctx, "pending"); err != nil {
		t.Fatal(err)
	}
	_, codes := enrol(t, v, c, "rekeyed")
	l, err := v.RecoveryLink(ctx, "rekeyed")
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.Rekey(ctx, "rekeyed", false) // which ends the link
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open(ctx, l.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the link after a rekey: %v, want ErrLink", err)
	}
	for name, want := range map[string]error{"nobody": verifier.ErrNoAccount, "pending": verifier.ErrPending, "rekeyed": verifier.ErrKeyPending} {
		if l, err := v.RecoveryLink(ctx, name); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v, want %v", name, l, err, want)
		}
	}
	if _, err := v.Open(ctx, e.Token, ""); err != nil {
		t.Errorf("the pending key's link: %v", err)
	}
	enrol(t, v, c, "alice")
	if l, err = v.RecoveryLink(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	c.advance(verifier.DefaultPendingTime)
	if _, err := v.Open(ctx, l.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("a link that was not opened in time: %v, want ErrLink", err)
	}
	wantReason(t, v, verifier.Attempt{Account: "rekeyed", RecoveryCode: codes[0]}, "") // nothing was voided
}
