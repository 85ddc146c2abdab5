package browsertest

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"totpctl/server/servertest"
	"totpctl/totp/verifier"
)

const person = "person@example.com"

// link is the enrolment link of a new account.
func (s *site) link() string { return s.linkFor(person) }

// linkFor gives the account the fixed secret.
func (s *site) linkFor(account string) string {
	s.t.Helper()
	e, err := s.Verifier.Add(s.t.Context(), account)
	if err != nil {
		s.t.Fatal(err)
	}
	e.Entry = servertest.Entry(s.t, s.Entry.Issuer, account)
	err = s.Store.Edit(s.t.Context(), account, func(a verifier.Account) (verifier.Account, error) {
		a.Pending.Key = e.Entry.Key
		return a, nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.linkOf(e)
}

func (s *site) linkOf(e verifier.Enrolment) string {
	link := s.URL + "/enrol/" + e.Token
	s.links = append(s.links, link)
	return link
}

// openLink opens an enrolment link and presses the button.
func (b *tab) openLink(link string) {
	b.t.Helper()
	b.open(link)
	b.load(chromedp.Click(chromedp.CSS("#show")))
}

// recoveryCodes are those that the page shows.
func (b *tab) recoveryCodes() []string {
	b.t.Helper()
	return strings.Fields(b.text("#codes"))
}

func (b *tab) wantNoSecret() {
	b.t.Helper()
	b.want("document.querySelector('.qr, #secret, #codes, #code') === null")
	b.want("!document.documentElement.outerHTML.includes('" + secret[:4] + "')")
}

func (b *tab) wantDeadLink() {
	b.t.Helper()
	b.wantText("h1", "This link does not work")
	b.wantNoSecret()
	b.want("!document.documentElement.outerHTML.includes('" + person + "')")
}

func TestEnrolmentFromTheQRCodeToTheRecoveryCodes(t *testing.T) {
	withAndWithoutScript(t, phone, func(s *site, b *tab, script bool) {
		link := s.link()
		b.open(link)
		b.wantText("#issuer", "TOTP Example")
		b.wantNoSecret()
		b.want("!document.documentElement.outerHTML.includes('" + person + "')")
		b.load(chromedp.Click(chromedp.CSS("#show")))
		if scanned := b.scanAndTry(s); scanned.Account != person || scanned.Issuer != "TOTP Example" {
			b.t.Errorf("QR code is for %q at %q", scanned.Account, scanned.Issuer)
		}
		b.wantText("#result", "your authenticator is set up")
		b.wantText("#whose", person)
		s.wantRecoveryCodes(b.recoveryCodes())
		if !script {
			b.wantText("noscript", "select the codes and copy them")
			b.want("document.querySelectorAll('#keep > [hidden]').length === 3")
		}
		codes := b.recoveryCodes()
		for _, again := range []func(){func() { b.load(chromedp.Reload()) }, func() { b.open(link) }} {
			again()
			if got := b.recoveryCodes(); !slices.Equal(got, codes) {
				b.t.Errorf("shown again: %q, want %q", got, codes)
			}
		}
		b.load(chromedp.Click(chromedp.CSS("#kept")))
		b.wantText("h1", "Your authenticator is set up")
		b.open(link)
		b.wantText("h1", "Your authenticator is set up")
		b.wantNoSecret()
		other := newTab(b.t, phone)
		other.open(link)
		other.wantDeadLink()
		other.load(chromedp.Click(chromedp.CSS("#show")))
		other.wantDeadLink()
		other.wantText(".verdict", "This is not a browser that has opened the link")
	})
}

// wantRecoveryCodes wants ten, each good once.
func (s *site) wantRecoveryCodes(codes []string) {
	s.t.Helper()
	slices.Sort(codes)
	if n := len(slices.Compact(codes)); n != 10 {
		s.t.Fatalf("%d recovery codes, want 10", n)
	}
	for _, code := range codes {
		for _, want := range []bool{true, false} {
			v, err := s.Verifier.Check(s.t.Context(), verifier.Attempt{Account: person, RecoveryCode: code})
			if err != nil || v.Valid != want {
				s.t.Errorf("recovery code: %+v, %v, want %v", v, err, want)
			}
		}
	}
}

func TestRecoveryCodesAreDownloadedPrintedAndCopied(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, desk)
	b.useClipboard(s.URL)
	b.openLink(s.link())
	b.try(s.Code())
	codes := b.recoveryCodes()
	want := "Recovery codes. For " + person + " at TOTP Example.\nMade on 2026-03-01 by " + s.URL + "\nEach of them is good once.\n\n" + strings.Join(codes, "\n") + "\n"
	if got := b.download("#download", "TOTP-Example-person@example.com-recovery-codes.txt"); got != want {
		t.Errorf("the file says %q, want %q", got, want)
	}
	b.click("#copy")
	b.wait("document.querySelector('#copied').textContent === 'Copied'")
	if got := strings.Fields(eval[string](b, "navigator.clipboard.readText()")); !slices.Equal(got, codes) {
		t.Errorf("copied: %q, want %q", got, codes)
	}
	b.wait("document.querySelector('#copied').textContent === ''")

	eval[*string](b, "window.print = () => { window.printed = true }, null")
	b.click("#print")
	b.want("window.printed")

	eval[*string](b, "getSelection().selectAllChildren(document.querySelector('#codes')), null")
	b.edit("c", "copy")
	if got := strings.Fields(eval[string](b, "navigator.clipboard.readText()")); !slices.Equal(got, codes) {
		t.Errorf("selected and copied: %q, want %q", got, codes)
	}
}

// download clicks and returns what the file says.
func (b *tab) download(selector, name string) string {
	b.t.Helper()
	folder := b.t.TempDir()
	_, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: "allow", DownloadPath: folder, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID})
	if err != nil {
		b.t.Fatal(err)
	}
	b.click(selector)
	for deadline := time.Now().Add(8 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err == nil && len(text) > 0 {
			return string(text)
		}
	}
	b.t.Fatalf("no file %s was downloaded", name)
	return ""
}

func TestPaperHasTheRecoveryCodesAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, desk)
	b.openLink(s.link())
	b.try(s.Code())
	b.print("dark")
	b.want("getComputedStyle(document.querySelector('h1')).color === 'rgb(21, 26, 34)'")
	b.want("['header', '#result', '#download', '#print', '#kept'].every(s => document.querySelector(s).getClientRects().length === 0)")
	b.want("['h1', '#whose', '#codes', '#made'].every(s => document.querySelector(s).getClientRects().length > 0)")
}

func TestEnrolmentLinkIsForTheBrowserThatOpenedIt(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	link := s.link()
	b, other := newTab(t, phone), newTab(t, phone)
	other.open(link) // not opened yet by showing the button
	b.openLink(link)
	other.load(chromedp.Click(chromedp.CSS("#show")))
	other.wantDeadLink()
	other.open(link)
	other.wantDeadLink()
	other.load(chromedp.Click(chromedp.CSS("#show")))
	other.wantDeadLink()
	other.want("document.querySelector('form') === null")

	b.open(link) // again
	b.try(s.Code())
	s.wantRecoveryCodes(b.recoveryCodes())
}

// A browser keeps the cookie back when another site's page, such as a mailbox,
// holds the link.
func TestEnrolmentLinkIsFollowedTwiceFromAnotherSite(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	link := s.link()
	b := newTab(t, phone)
	for range 2 {
		b.open("data:text/html,<a href='" + link + "'>mail</a>")
		b.load(chromedp.Click(chromedp.CSS("a")))
		b.load(chromedp.Click(chromedp.CSS("#show")))
		if got := b.readQR(".qr"); !strings.Contains(got, secret) {
			t.Errorf("QR code says %q", got)
		}
	}
	b.try(s.Code())
	s.wantRecoveryCodes(b.recoveryCodes())
}

// deadLinks are links that are not good, each for a reason of its own.
var deadLinks = map[string]func(s *site) string{
	"mistyped": func(s *site) string { return s.URL + "/enrol/" + strings.Repeat("A", 26) },
	"cut off":  func(s *site) string { link := s.link(); return link[:len(link)-1] },
	"expired":  func(s *site) string { link := s.link(); s.Clock.Advance(verifier.DefaultPendingTime); return link },
	"used": func(s *site) string {
		link := s.link()
		if v, _, err := s.Verifier.Confirm(s.t.Context(), person, s.Code(), verifier.RequestID{}); err != nil || !v.Valid {
			s.t.Fatal(v, err)
		}
		return link
	},
	"opened by another": func(s *site) string {
		link := s.link()
		r := httptest.NewRequest("POST", strings.TrimPrefix(link, s.URL), nil)
		s.ServeHTTP(httptest.NewRecorder(), r)
		return link
	},
}

func TestEveryDeadLinkShowsTheSamePage(t *testing.T) {
	t.Parallel()
	pages := map[string]map[string]string{"before the button": {}, "after it": {}}
	b := newTab(t, phone)
	for name, make := range deadLinks {
		s := newSite(t)
		b.open(make(s))
		b.wantDeadLink()
		pages["before the button"][name] = eval[string](b, "document.documentElement.outerHTML")
		b.load(chromedp.Click(chromedp.CSS("#show")))
		b.wantDeadLink()
		pages["after it"][name] = eval[string](b, "document.documentElement.outerHTML")
	}
	for when, texts := range pages {
		for name, text := range texts {
			if text != texts["mistyped"] {
				t.Errorf("%s, a link that is %s differs from a mistyped one", when, name)
			}
		}
	}
}

func TestEnrolmentIsUsableByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	b := newTab(t, desk)
	b.open(s.link())
	b.press(kb.Tab)
	b.wantFocus("#show")
	b.load(chromedp.KeyEvent(kb.Enter))
	b.tryByKeyboard(s.Code())
	b.wantText("h1", "Keep your recovery codes")
	for _, selector := range []string{"#copy", "#print"} { // then #download and #kept
		b.press(kb.Tab)
		b.wantFocus(selector)
	}
	eval[*string](b, "window.print = () => { window.printed = true }, null")
	b.press(" ")
	b.want("window.printed")
}

func TestEnrolmentWorksUnderAPrefixAndOverHTTPS(t *testing.T) {
	for name, o := range map[string]servertest.Options{
		"prefix":           {Prefix: "/second/factor"},
		"HTTPS":            {TLS: true},
		"HTTPS and prefix": {TLS: true, Prefix: "/totp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := makeSite(t, o)
			b := newTab(t, phone)
			call(b, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
			b.openLink(s.link())
			b.want("getComputedStyle(document.querySelector('.brand')).display === 'flex'") // there is the stylesheet
			b.try(s.Code())
			s.wantRecoveryCodes(b.recoveryCodes())
			b.wait("!document.querySelector('#download').hidden") // and the script
		})
	}
}
