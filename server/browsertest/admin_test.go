package browsertest

import (
	"path"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

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

// add adds an account on the form for one.
func (s *site) add(b *tab, name string) {
	b.t.Helper()
	b.open(s.URL + "/admin/add")
	b.fill("#name", name)
	b.submit("form:has(#name) button")
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

// scanned returns the key that the page gives to an authenticator.
func (b *tab) scanned() totp.Key {
	b.t.Helper()
	entry, err := totp.ParseURI(eval[string](b, "document.querySelector('#otpauth').href"))
	if err != nil {
		b.t.Fatal(err)
	}
	return entry.Key
}

// The administrator may set the owner's phone up with her.
func TestTheOwnerIsHereAndScansAtTheAdministratorsScreen(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	b := newTab(t, desk)
	s.signIn(b)
	s.add(b, "carol")
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
	s := newServed(t)
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
