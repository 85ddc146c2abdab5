package browsertest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// recover fills in the form of /recover and sends it.
func (b *tab) recover(account, code string) {
	b.t.Helper()
	b.fill("#account", account)
	b.fill("#recovery-code", code)
	b.load(chromedp.Click(chromedp.CSS("main form button")))
}

// codesLink is a link for new recovery codes of an account that has been confirmed.
func (s *site) codesLink() string {
	s.t.Helper()
	s.Enrol(person)
	l, err := s.Verifier.RecoveryLink(s.t.Context(), person)
	if err != nil {
		s.t.Fatal(err)
	}
	link := s.URL + "/enrol/" + l.Token
	s.links = append(s.links, link)
	return link
}

// TestWhoHasLostHerPhoneEnrolsAnotherByARecoveryCode takes a person from a mistyped recovery
// code to the new recovery codes.
func TestWhoHasLostHerPhoneEnrolsAnotherByARecoveryCode(t *testing.T) {
	s := newServed(t)
	_, codes := s.Enrol(person)
	b := newTab(t, phone)
	b.open(s.URL + "/recover")
	b.recover(person, strings.Repeat("A", 24))
	b.wantText("#why", "This account and this recovery code do not belong together, or the code was used before.")
	b.want("document.activeElement.id === 'recovery-code' && document.querySelector('#account').value === '" + person + "'")
	b.want("!location.href.includes('person')")
	b.recover(person, strings.ToLower(codes[0][:4]+" "+codes[0][4:8]+" "+codes[0][8:]))
	b.wait("document.querySelector('#secret') !== null")
	_, pending, err := s.Verifier.Keys(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	b.want("document.querySelector('#secret').textContent.replace(/\\s/g, '') === '" + pending.Key.Secret().Base32() + "'")
	b.try(s.CodeOf(pending.Key))
	if fresh := b.recoveryCodes(); len(fresh) != 10 || fresh[0] == codes[0] {
		t.Errorf("%d recovery codes follow", len(fresh))
	}
	live, _, err := s.Verifier.Keys(t.Context(), person)
	if err != nil || !live.Key.Equal(pending.Key) {
		t.Errorf("the live key is another than the page's: %v", err)
	}
}

func TestALinkForRecoveryCodesIsUnderstoodWithoutAKey(t *testing.T) {
	s := newServed(t)
	b := newTab(t, phone)
	link := s.codesLink()
	b.openLink(link)
	if codes := b.recoveryCodes(); len(codes) != 10 {
		t.Fatalf("%d recovery codes", len(codes))
	}
	b.want("document.querySelector('#secret, .qr, #code') === null")
	b.load(chromedp.Click(chromedp.CSS("#kept")))
	b.wantText("h1", "You have new recovery codes")
	b.open(link)
	b.wantText("h1", "You have new recovery codes")
}
