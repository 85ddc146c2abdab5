package browsertest

import (
	"fmt"
	"testing"
)

func TestAListOfAHundredAccountsIsLight(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	for i := range 102 {
		if _, err := s.Verifier.Add(t.Context(), fmt.Sprintf("somebody%03d@example.org", i)); err != nil {
			t.Fatal(err)
		}
	}
	s.signIn(b)
	b.want("document.querySelectorAll('tbody tr').length === 100")
	b.wantLight()
	b.wantNoSidewaysScroll()
}

func TestTheHeadOfTheAdminPagesHasTwoLinesOnAPhone(t *testing.T) {
	for _, language := range []string{"en", "de", "es", "fr", "ar"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s, b := newSite(t), newTab(t, phone)
			b.speak(language)
			s.signIn(b)
			b.want("document.querySelector('header').getBoundingClientRect().height < 120")
			if !b.above(".bar > span", ".bar nav") {
				t.Error("the links are not below the name")
			}
		})
	}
}

// A name is longer than a button is wide.
func TestAButtonsTextFlowsAroundTheNameInIt(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	s.everyKind()
	s.signIn(b)
	b.submit("tbody tr:last-child a")
	b.want("[...document.querySelectorAll('main :is(button, .button):has(bdi)')].length > 3")
	b.want(`[...document.querySelectorAll('main :is(button, .button):has(bdi)')].every(e => {
		const words = document.createRange()
		words.selectNode(e.firstChild)
		return words.getClientRects().length === 1
	})`)
	b.want("getComputedStyle(document.querySelector('#new-codes')).fontFamily === getComputedStyle(document.querySelector('#disable')).fontFamily")
}
