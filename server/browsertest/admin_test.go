package browsertest

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"totpctl/server/servertest"
	"totpctl/totp"
	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

// signIn signs an administrator in by keyboard: the field has the focus after a click alone.
func (s *site) signIn(b *tab) {
	b.t.Helper()
	b.open(s.URL + "/admin")
	b.fill("#bearer", adminBearer)
	b.load(chromedp.KeyEvent(kb.Enter))
}

// submit presses a button or follows a link, and waits for the page that it leads to.
func (b *tab) submit(selector string) {
	b.t.Helper()
	b.load(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// act presses the button of an account's page.
func (b *tab) act(action string) {
	b.t.Helper()
	b.submit("form[action$='/" + action + "'] button, a[href*='/" + action + "?']")
}

// wantOutcome wants a message that has the focus, so that a screen reader reads it.
func (b *tab) wantOutcome(want string) {
	b.t.Helper()
	b.wantText("#done", want)
	b.wait("document.activeElement?.id === 'done'")
}

// addedLink returns the link on the page that comes of adding an account.
func (s *site) addedLink(b *tab) string {
	b.t.Helper()
	link := b.text("#link")
	s.links = append(s.links, link)
	if !strings.HasPrefix(link, s.URL+"/enrol/") {
		b.t.Fatalf("the link is %q", link)
	}
	return link
}

// everyKind fills the list with an account of each state, and a long name.
func (s *site) everyKind() {
	s.t.Helper()
	s.everyState()
	s.Enrol("عميل " + strings.Repeat("long", 25))
}

func (s *site) everyState() {
	s.t.Helper()
	ctx := s.t.Context()
	k, _ := s.Enrol("bob@example.org")
	for _, code := range totptest.WrongCodes(k, s.Clock.Now(), 4) {
		s.Verifier.Check(ctx, verifier.Attempt{Account: "bob@example.org", Code: code})
	}
	s.Enrol("alice@example.org")
	s.linkFor("carol@example.org")
	s.Enrol("dave@example.org")
	s.Verifier.Disable(ctx, "dave@example.org")
	k, _ = s.Enrol("frank@example.org")
	s.Verifier.Rekey(ctx, "frank@example.org", true)
	a := verifier.NewAccount{Name: "erin@example.org"}
	a.Entry.Key = k
	if err := s.Verifier.AddActive(ctx, a); err != nil {
		s.t.Fatal(err)
	}
}

var adminStates = []struct {
	name string
	open func(s *site, b *tab)
}{
	{"sign-in", func(s *site, b *tab) { b.open(s.URL + "/admin") }},
	{"wrong key", func(s *site, b *tab) {
		b.open(s.URL + "/admin")
		b.fill("#bearer", "wrong")
		b.submit("main form button")
		b.wantText("#why", "This is not the ADMIN_BEARER")
		b.wait("document.activeElement?.id === 'bearer'")
	}},
	{"signed out", func(s *site, b *tab) {
		s.signIn(b)
		b.submit("form[action$='sign-out'] button")
		b.wantText(".verdict", "You are signed out")
	}},
	{"list", func(s *site, b *tab) { s.everyKind(); s.signIn(b); b.wantText("table", "bob@example.org") }},
	{"list of none", func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin?prefix=x") }},
	{"add", func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin/add") }},
	{"add, taken", func(s *site, b *tab) {
		s.Enrol("alice")
		s.signIn(b)
		b.open(s.URL + "/admin/add")
		b.fill("#name", "alice")
		b.submit("form:has(#name) button")
		b.wantText("#why", "There is an account of the name alice already")
	}},
	{"added", func(s *site, b *tab) {
		s.signIn(b)
		b.open(s.URL + "/admin/add")
		b.fill("#name", "alice")
		b.submit("form:has(#name) button")
		b.wantOutcome("alice is added.")
		s.addedLink(b)
	}},
	{"account", func(s *site, b *tab) {
		s.everyKind()
		s.signIn(b)
		b.open(s.URL + "/admin/account?name=bob@example.org")
	}},
	{"default account", func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin/account") }},
	{"no such account", func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin/account?name=x") }},
	{"remove", func(s *site, b *tab) {
		s.Enrol("alice")
		s.signIn(b)
		b.open(s.URL + "/admin/account/remove?name=alice")
		b.fill("#typed", "bob")
		b.submit("main form button")
		b.wantText("#why", "Nothing was removed")
	}},
}

func TestEveryAdminPageIsLightAccessibleAndFitsTheWindow(t *testing.T) {
	for _, state := range adminStates {
		t.Run(state.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b := newTab(t, phone)
			state.open(s, b)
			b.wantLight()
			b.wantAskedOnly(s.URL)
			for _, scheme := range []string{"light", "dark"} {
				b.prefer("prefers-color-scheme", scheme)
				b.checkAccessibility("phone, " + scheme)
			}
			b.wantNoSidewaysScroll()
			b.checkAccessibility("desk at 200 %")
		})
	}
}

// On a phone each account is a card, and on a desk a row. A screen reader has a table in both.
func TestTheListIsATableOnADeskAndCardsOnAPhone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.everyKind()
	b := newTab(t, desk)
	s.signIn(b)
	b.want("document.querySelector('table caption').textContent.length > 0")
	b.want("[...document.querySelectorAll('tbody tr')].every(r => getComputedStyle(r).display === 'table-row' && r.getBoundingClientRect().height < 160)")
	b.resize(phone, 1)
	b.want("[...document.querySelectorAll('td.act button')].every(e => e.getBoundingClientRect().height >= 44)")
	b.want("getComputedStyle(document.querySelector('td[data-label]'), '::before').content.includes('Status')")
	b.want("document.querySelector('table').getAttribute('role') === 'table' && document.querySelectorAll('[role=row]').length === document.querySelectorAll('tr').length")
}

// An administrator's day. The owner has a phone-sized browser of her own.
func TestAnAdministratorsDay(t *testing.T) {
	for _, c := range []struct {
		window size
		script bool
	}{{desk, true}, {phone, false}} {
		t.Run(fmt.Sprint(c.window, " script ", c.script), func(t *testing.T) {
			t.Parallel()
			s := makeSite(t, servertest.Options{AdminAccount: "root", SelfService: true})
			root, _ := s.Enrol("root")
			s.Clock.Advance(root.Period())
			b, owner := newTab(t, c.window), newTab(t, phone)
			if !c.script {
				b.withoutScript()
			}

			// She signs in with the bearer and her code.
			b.open(s.URL + "/admin?prefix=c")
			b.fill("#bearer", adminBearer)
			b.fill("#code", s.CodeOf(root))
			b.submit("main form button")
			b.want("location.search === '?prefix=c'")

			// She adds carol and hands the link over.
			b.open(s.URL + "/admin/add")
			b.fill("#name", "carol")
			b.submit("form:has(#name) button")
			b.wantText("#done", "carol is added.")
			link := s.addedLink(b)
			b.wantText(".facts", "Nobody has opened it.")
			b.want("!document.documentElement.outerHTML.includes('otpauth:')")

			// Carol types a wrong code, then the right one, and keeps her recovery codes.
			owner.openLink(link)
			k := owner.scanned()
			b.open(s.URL + "/admin/account?name=carol")
			b.wantText(".facts", "A browser has opened it.")
			owner.try(s.WrongCodeOf(k))
			b.open(s.URL + "/admin/account?name=carol")
			b.wantText(".facts", "There was 1 wrong code.")
			owner.try(s.CodeOf(k))
			owner.wait("document.querySelector('#codes') !== null")
			codes := owner.recoveryCodes()
			owner.submit("#kept")

			// She cannot log in: she is told to wait, calls, and is unlocked from the list.
			s.Clock.Advance(k.Period())
			for _, code := range totptest.WrongCodes(k, s.Clock.Now(), 3) {
				s.Verifier.Check(t.Context(), verifier.Attempt{Account: "carol", Code: code})
			}
			b.open(s.URL + "/admin?status=held")
			b.wantText("table", "waiting")
			b.submit("form[action$='/unlock'] button")
			b.wantText("#done", "carol is unlocked.")
			b.open(s.URL + "/admin/account?name=carol")
			b.fill("#code", s.CodeOf(k))
			b.act("check")
			b.wantText("#done", "The code of carol is good. It is used up now.")

			// She loses the phone, and enrols another with a recovery code. The old one works until then.
			owner.open(s.URL + "/recover")
			owner.fill("#account", "carol")
			owner.fill("#recovery-code", codes[1])
			owner.submit("main form button")
			k = owner.scanned()
			s.Clock.Advance(k.Period())
			owner.try(s.CodeOf(k))
			owner.wait("document.querySelector('#codes') !== null")
			codes = owner.recoveryCodes()
			owner.submit("#kept")
			b.open(s.URL + "/admin/account?name=carol")
			b.wantText(".facts", "10 left")

			// That one is stolen. Her recovery codes are good until the new phone's first code.
			b.act("revoke")
			b.wantText("h1", "Is the phone of carol lost or stolen?")
			b.submit("main form button")
			b.wantText("#done", "The old phone of carol is revoked")
			link = s.addedLink(b)
			s.Clock.Advance(k.Period())
			s.wantVerdict("carol", verifier.Attempt{Code: s.CodeOf(k)}, verifier.ReasonStopped)
			s.wantVerdict("carol", verifier.Attempt{RecoveryCode: codes[0]}, "")
			owner.openLink(link)
			k = owner.scanned()
			s.Clock.Advance(k.Period())
			owner.try(s.CodeOf(k))
			owner.wait("document.querySelector('#codes') !== null")
			owner.submit("#kept")
			s.Clock.Advance(k.Period())
			s.wantVerdict("carol", verifier.Attempt{Code: s.CodeOf(k)}, "")

			// She leaves: disabled, then removed by her name.
			b.open(s.URL + "/admin/account?name=carol")
			b.act("disable")
			b.submit("main form button")
			b.wantText("#done", "carol is disabled.")
			b.act("remove")
			b.fill("#typed", "carol")
			b.submit("main form button")
			b.wantText("#done", "carol is removed.")
			b.submit("form[action$='sign-out'] button")
			b.open(s.URL + "/admin")
			b.wantText("h1", "Sign in as administrator")
		})
	}
}

// scanned returns the key that the page gives to an authenticator.
func (b *tab) scanned() totp.Key {
	b.t.Helper()
	entry, err := totp.ParseURI(eval[string](b, "document.querySelector('#otpauth').href"))
	if err != nil {
		b.t.Fatal(err)
	}
	return entry.Key
}

func (s *site) wantVerdict(account string, a verifier.Attempt, want verifier.Reason) {
	s.t.Helper()
	a.Account = account
	if v, err := s.Verifier.Check(s.t.Context(), a); err != nil || v.Reason != want {
		s.t.Errorf("the verdict is %+v, %v, want %q", v, err, want)
	}
}

// The administrator may set the owner's phone up with her.
func TestTheOwnerIsHereAndScansAtTheAdministratorsScreen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, desk)
	s.signIn(b)
	b.open(s.URL + "/admin/add")
	b.fill("#name", "carol")
	b.submit("form:has(#name) button")
	link := s.addedLink(b)
	b.wantOutcome("carol is added.")
	b.useClipboard(s.URL)
	b.click("#copy")
	b.wait("document.querySelector('#copied').textContent !== ''")
	if got := eval[string](b, "navigator.clipboard.readText()"); got != link {
		t.Errorf("copied is %q, want the link", got)
	}
	if href := eval[string](b, "document.querySelector('.outcome a.button').href"); href != link {
		t.Errorf("the button leads to %q", href)
	}
	b.openLink(link) // in this browser, as the button does in a new tab
	if entry, err := totp.ParseURI(b.readQR(".qr")); err != nil || entry.Account != "carol" {
		t.Errorf("the QR code is of %q, %v", entry.Account, err)
	}
	b.open(s.URL + "/admin/account?name=carol")
	b.want("!document.documentElement.outerHTML.includes('" + path.Base(link) + "')")
}

func TestTheAdminPagesAreUsableByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.everyKind()
	b := newTab(t, desk)
	b.open(s.URL + "/admin")
	b.press(kb.Tab)
	b.wantFocus("#bearer") // the field for password managers is passed over
	b.press(adminBearer)
	b.load(chromedp.KeyEvent(kb.Enter))
	for range 40 {
		b.press(kb.Tab)
		if eval[bool](b, "document.activeElement.ariaLabel === 'Unlock bob@example.org'") {
			break
		}
	}
	b.load(chromedp.KeyEvent(kb.Enter))
	b.wantOutcome("bob@example.org is unlocked.")
}

func TestTimesAreInTheBrowsersZone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Enrol("alice")
	b := newTab(t, desk)
	s.signIn(b)
	b.open(s.URL + "/admin/account?name=alice")
	b.wait("document.querySelector('time.moment').textContent === new Intl.DateTimeFormat('en', {dateStyle: 'medium', timeStyle: 'short'}).format(new Date(document.querySelector('time.moment').dateTime))")
}

func TestWaitsAreCountedDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.everyKind()
	b := newTab(t, desk)
	s.signIn(b)
	b.wait("document.querySelector('td [data-left]').textContent.match(/^2[0-9] seconds$/)")
	b.open(s.URL + "/admin/account?name=bob@example.org")
	b.wait("document.querySelector('.waits').textContent.match(/in 2[0-9] seconds/)")

	other := newTab(t, phone)
	for range 10 {
		other.open(s.URL + "/admin")
		other.fill("#bearer", "wrong")
		other.submit("main form button")
	}
	other.fill("#bearer", "wrong")
	other.submit("main form button")
	other.wait("document.querySelector('#why').textContent.match(/Wait 2[0-9] seconds/)")
}

// Every language has names of other lengths; Arabic goes from right to left.
func TestTheAdminPagesFitInEveryLanguage(t *testing.T) {
	for _, language := range []string{"ar", "de", "es", "fr"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.everyKind()
			b := newTab(t, phone)
			s.signIn(b)
			call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
			for _, page := range []string{"/admin", "/admin/account?name=bob@example.org", "/admin/add", "/admin/account/remove?name=bob@example.org"} {
				b.open(s.URL + page)
				b.want("document.documentElement.lang === '" + language + "'")
				b.wantNoSidewaysScroll()
				b.resize(phone, 1)
				b.checkAccessibility(page)
			}
			if language == "ar" {
				b.open(s.URL + "/admin")
				b.resize(desk, 1)
				b.want("document.querySelector('tbody th a').getBoundingClientRect().left > innerWidth / 2")
			}
		})
	}
}
