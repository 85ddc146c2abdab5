package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

const inView = `(selector => (r => r.height > 0 && r.top >= 0 && r.bottom <= innerHeight)(document.querySelector(selector).getBoundingClientRect()))`

// above reports whether one element is drawn above another.
func (b *tab) above(upper, lower string) bool {
	b.t.Helper()
	return eval[bool](b, `document.querySelector('`+upper+`').getBoundingClientRect().bottom <= document.querySelector('`+lower+`').getBoundingClientRect().top`)
}

// A phone cannot scan its own screen.
func TestSetupOnAPhoneOpensTheAppFirstAndFoldsTheQRCode(t *testing.T) {
	withAndWithoutScript(t, phone, func(s *site, b *tab, script bool) {
		b.open(s.SetupLink())
		b.want(inView + "('#otpauth')")
		b.want(inView + "('#secret')")
		b.want("!document.querySelector('.by-hand > summary').checkVisibility() && !document.querySelector('.qr').checkVisibility({ contentVisibilityAuto: true })")
		if script {
			b.wait("!document.querySelector('#copy').hidden")
			b.want(inView + "('#copy')")
		}
		for _, order := range [][2]string{{"#otpauth", "#secret"}, {"#secret", "#code"}, {"#code", ".scan > summary"}} {
			if !b.above(order[0], order[1]) {
				b.t.Errorf("%s is not above %s", order[0], order[1])
			}
		}
		if got := b.readQR(".qr"); got != s.Entry.URI() {
			b.t.Errorf("the QR code in the fold says %q", got)
		}
	})
}

func TestSetupOnADeskShowsTheQRCodeAndTheFieldAtOnce(t *testing.T) {
	withAndWithoutScript(t, desk, func(s *site, b *tab, _ bool) {
		b.open(s.SetupLink())
		for _, selector := range []string{".qr", "#code", ".by-hand > summary"} {
			b.want(inView + "('" + selector + "')")
		}
		b.want("!document.querySelector('.scan > summary').checkVisibility()")
		b.want("!document.querySelector('#secret').checkVisibility({ contentVisibilityAuto: true })")
		b.click(".by-hand > summary")
		b.want(inView + "('#secret')")
	})
}

func TestSetupOnPaperIsABackupOfTheSecret(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, desk)
	b.open(s.SetupLink())
	b.print("dark")
	for _, selector := range []string{"#code", "#try", "#otpauth", "#copy", "header", "footer", "summary"} {
		b.want("document.querySelector('" + selector + "').getClientRects().length === 0")
	}
	for _, selector := range []string{"#secret", ".qr", "#account", "h1"} {
		b.want("document.querySelector('" + selector + "').checkVisibility({ contentVisibilityAuto: true })")
	}
}

func TestSetupCountsAWaitDown(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.open(s.SetupLink())
	for range 3 {
		b.try(s.WrongCode())
	}
	b.wantText("#result", "This code is not valid.")
	b.wantText("#wait", "Too many wrong codes. Wait")
	b.wait("document.querySelector('#try button').disabled")
	b.wantText("#try button", "Wait ")
	s.Clock.Advance(24 * time.Second)
	b.open(s.SetupLink())
	b.try(s.Code())
	b.wantText("#result", "Too many wrong codes. Wait ")
	b.want("document.activeElement.id === 'code'")
	b.wait("document.querySelector('#wait').textContent.includes('Wait 1 second,')")
	b.wait("document.querySelector('#over[role=status]').textContent === 'You can try again.'")
	b.want("!document.querySelector('#try button').disabled && document.querySelector('#result').hidden")
	s.Clock.Advance(6 * time.Second)
	b.try(s.Code())
	b.wantText("h1", "Your authenticator is set up")
}

// Who goes to set her clock comes back after the wait.
func TestSetupStillTellsOfTheClockAfterTheWait(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.open(s.SetupLink())
	code := s.Code()
	s.Clock.Advance(4 * 60 * time.Second)
	for range 2 {
		b.try(s.WrongCode())
	}
	b.try(code)
	b.wantText("#result", "Too many wrong codes. Wait")
	eval[bool](b, "Date.now = (now => () => now() + 40000)(Date.now), true")
	b.wait("document.querySelector('#over').textContent === 'You can try again.'")
	b.wantText("#result", "This code was right 4 minutes ago.")
	b.want("!document.querySelector('#result').textContent.includes('Wait')")
}

func TestSetupTellsHowFarThePhonesClockIsOff(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.open(s.SetupLink())
	code := s.Code()
	s.Clock.Advance(4 * 60 * time.Second)
	b.try(code)
	b.wantText("#result", "This code was right 4 minutes ago.")
	b.wantText("#result time", ":04:05")
}

// High contrast removes colours of the ground: a border stays.
func TestVerdictsHaveAnEdgeWhereColoursAreForced(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.slowly()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}}})
	hasEdge := func(selector string) {
		b.want("(s => s.borderTopStyle === 'solid' && parseFloat(s.borderTopWidth) >= 1 && s.borderTopColor !== 'rgba(0, 0, 0, 0)')(getComputedStyle(document.querySelector('" + selector + "')))")
	}
	b.open(s.SetupLink())
	b.try(s.WrongCode())
	hasEdge(".verdict")
	b.open(s.URL + "/app")
	b.enterBearer(bearer)
	b.validate(s.WrongCode())
	hasEdge("#problem")
	hasEdge(".toast")
}

// The texts are hyphenated, names and codes are not.
func TestPagesHoldAtTwiceTheText(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.speak("de")
	b.open(s.SetupLink())
	eval[*string](b, "document.documentElement.style.fontSize = '200%', null")
	b.want("document.documentElement.scrollWidth <= innerWidth")
	b.want("getComputedStyle(document.querySelector('h1')).hyphens === 'auto' && getComputedStyle(document.querySelector('#secret')).hyphens === 'manual'")
}

func TestAReloadAndBackSendNoCodeAgain(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.openLink(s.link())
	b.try(s.WrongCode())
	b.reload()
	b.want("document.querySelector('#result') === null && document.querySelector('#code') !== null")
	b.try(s.Code())
	b.wantText("h1", "Keep your recovery codes")
	codes := b.text("#codes")
	b.reload()
	b.wantText("#codes", codes)
	b.open(s.URL + "/app")
	eval[*string](b, "history.back(), null")
	b.wait("document.querySelector('#codes') !== null")
	b.wantText("#codes", codes)
	if n := countVerdicts(s); n != 2 {
		t.Errorf("%d verdicts, want the two that were asked for", n)
	}
}

func TestAStepBackToTheFormCanSendAnotherCode(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.open(s.SetupLink())
	b.click("#code")
	b.press("12345" + kb.Enter)
	b.wait("document.querySelector('#result') !== null")
	b.want("!document.querySelector('#try button').disabled")
}
