package browsertest

import (
	"bytes"
	"image/png"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"totpctl/totp"
)

// readQR reads a QR code from what the screen shows, or from what it shows of one
// element.
func (b *tab) readQR(selector ...string) string {
	b.t.Helper()
	b.unfold(".scan")
	shot := chromedp.CaptureScreenshot()
	if len(selector) > 0 {
		shot = chromedp.Screenshot(chromedp.CSS(selector[0]))
	}
	data, err := chromedp.Run(b.ctx, shot)
	if err != nil {
		b.t.Fatal(err)
	}
	image, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(image)
	if err != nil {
		b.t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		b.t.Fatalf("reading the QR code from the screenshot: %v", err)
	}
	return result.GetText()
}

// try types a code into the set-up page's form and waits for the answer.
func (b *tab) try(code string) {
	b.t.Helper()
	b.fill("#code", code)
	b.load(chromedp.Click(chromedp.CSS("#try button")))
}

// withAndWithoutScript runs a test in a tab where JavaScript runs, and in one where
// it does not.
func withAndWithoutScript(t *testing.T, window size, test func(s *site, b *tab, script bool)) {
	for name, script := range map[string]bool{"with JavaScript": true, "without JavaScript": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newServed(t), newTab(t, window)
			if !script {
				b.withoutScript()
			}
			test(s, b, script)
		})
	}
}

// scanAndTry reads the page's QR code as an authenticator does, and types a wrong code
// before the authenticator's.
func (b *tab) scanAndTry(s *site) totp.Entry {
	b.t.Helper()
	scanned, err := totp.ParseURI(b.readQR(".qr"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.try(s.WrongCode())
	b.wantText("#result", "This code is not valid.")
	code := s.CodeOf(scanned.Key)
	b.try(code[:3] + " " + code[3:])
	return scanned
}

func TestSetupFromTheQRCodeToTheEndOfTheLink(t *testing.T) {
	withAndWithoutScript(t, desk, func(s *site, b *tab, _ bool) {
		b.open(s.SetupLink())
		b.scanAndTry(s)
		b.wantText("body", "Your authenticator is set up")
		b.wantText("main", "The code is good.")
		b.want("document.querySelector('.qr, #secret, form') === null")
		b.load(chromedp.Reload())
		b.wantText("h1", "Your authenticator is set up")
		other := newTab(b.t, phone)
		other.open(s.SetupLink())
		other.wantText("h1", "This set-up link has ended")
		other.want("!document.body.textContent.includes('" + secret[:4] + "')")
	})
}

func TestSetupQRCodeReadsInEveryThemeAndSize(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, desk)
	for scheme, window := range map[string]size{"light": phone, "dark": desk} {
		b.prefer("prefers-color-scheme", scheme)
		b.resize(window, 1)
		b.open(s.SetupLink())
		b.unfold(".scan")
		eval[*string](b, "document.querySelector('.qr').scrollIntoView({ block: 'center' }), null")
		if got := b.readQR(); got != s.Entry.URI() {
			t.Errorf("%s %v: QR code says %q", scheme, window, got)
		}
	}
	b.resize(desk, 2)
	b.prefer("prefers-color-scheme", "light")
	if got := b.readQR(".qr"); got != s.Entry.URI() {
		t.Errorf("QR code says %q", got)
	}
}

func TestSetupShowsWhatToTypeByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.open(s.SetupLink())
	b.unfold(".more")
	b.wantText("#issuer", "TOTP Example")
	b.wantText("#account", "gonzalo123.com")
	b.wantText("#secret", "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")
	b.wantText(".more", "time-based, SHA1, 6 digits, every 30 seconds")
	if href := eval[string](b, "document.querySelector('#otpauth').href"); href != s.Entry.URI() {
		t.Errorf("the link to an app is %q", href)
	}
}

func TestSetupCopiesTheSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, desk)
	b.useClipboard(s.URL)
	b.open(s.SetupLink())
	b.unfold(".by-hand")
	for name, act := range map[string]func(){
		"by the button": func() { b.click("#copy"); b.wait("document.querySelector('#copied').textContent === 'Copied'") },
		"by hand": func() {
			eval[*string](b, "getSelection().selectAllChildren(document.querySelector('#secret')), null")
			b.edit("c", "copy")
		},
	} {
		eval[*string](b, "navigator.clipboard.writeText('').then(() => null)")
		act()
		if got := eval[string](b, "navigator.clipboard.readText()"); got != secret {
			t.Errorf("%s: the clipboard has %q", name, got)
		}
	}
}

// A phone on the local network reaches the server over plain HTTP, where browsers
// have no navigator.clipboard and send no Sec-Fetch-Site.
func TestSetupWorksOverPlainHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.useClipboard(s.URL)
	b.open(s.plain(s.SetupLink()))
	b.want("!isSecureContext")
	b.click("#copy")
	b.wait("document.querySelector('#copied').textContent === 'Copied'")
	b.click("#code")
	b.edit("v", "paste")
	b.want("document.querySelector('#code').value === '" + secret + "'")
	b.try(s.Code())
	b.wantText("body", "Your authenticator is set up")
}

// plain is the URL with a host that is not loopback to the browser.
func (s *site) plain(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		s.t.Fatal(err)
	}
	u.Host = net.JoinHostPort(plainHost, u.Port())
	return u.String()
}

func TestTheFormSaysWhatIsWrongBesideIt(t *testing.T) {
	setup := func(s *site, b *tab) { s.openAsAdmin(b) }
	enrol := func(s *site, b *tab) { b.openLink(s.link()) }
	closeStore := func(s *site) { s.Store.Close() }
	tooLate := func(s *site) { s.Clock.Advance(time.Hour) }
	noCode := func(*site) string { return "hello" }
	for name, c := range map[string]struct {
		open  func(*site, *tab)
		cause func(*site)
		code  func(*site) string
		says  string
		page  bool // in place of the form: it says so alone
	}{
		"setup, wrong code":   {open: setup, code: (*site).WrongCode, says: "This code is not valid. Is the clock of your phone right? The server's time is"},
		"setup, not a code":   {open: setup, code: noCode, says: "That is not a code: a code has 6 digits."},
		"setup, throttled":    {open: setup, cause: (*site).throttle, code: (*site).Code, says: "Too many wrong codes. Wait 30 seconds, then try again."},
		"setup, disabled":     {open: setup, cause: (*site).disable, code: (*site).Code, says: "This account is disabled. Ask an administrator to enable it."},
		"setup, used already": {open: setup, cause: (*site).useCode, code: (*site).Code, says: "This code has been used already. Wait for the next one."},
		"setup, no store":     {open: setup, cause: closeStore, code: (*site).Code, says: "cannot reach its store", page: true},
		"enrol, not a code":   {open: enrol, code: noCode, says: "That is not a code: a code has 6 digits."},
		"enrol, no store":     {open: enrol, cause: closeStore, code: (*site).Code, says: "cannot reach its store", page: true},
		"enrol, time is over": {open: enrol, cause: tooLate, code: (*site).Code, says: "Its time is over", page: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b := newTab(t, phone)
			c.open(s, b)
			if c.cause != nil {
				c.cause(s)
			}
			b.try(c.code(s))
			b.wantText("main", c.says)
			if c.page {
				b.wantNoSecret()
				return
			}
			b.want("document.querySelector('#code[aria-invalid=true]').getAttribute('aria-describedby').startsWith('result')")
			b.want("document.activeElement.id === 'code'")
			b.wait("(r => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector('#result').getBoundingClientRect())")
		})
	}
}

func TestSetupStaysOpenToAnAdministrator(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, desk)
	s.openAsAdmin(b)
	b.try(s.Code())
	b.wantText("#result", "The code is good.")
	b.wantText("#try", "the page stays open to you")
	s.openAsAdmin(b)
	if got := b.readQR(".qr"); got != s.Entry.URI() {
		t.Errorf("QR code says %q", got)
	}
}

// tryByKeyboard steps through the page to its form, and sends a code.
func (b *tab) tryByKeyboard(code string) {
	b.t.Helper()
	for _, selector := range []string{".by-hand > summary", "#code", "#try button"} {
		b.press(kb.Tab)
		b.wantFocus(selector)
	}
	b.pressShiftTab()
	b.press(code)
	b.load(chromedp.KeyEvent(kb.Enter))
}

func TestSetupIsUsableByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	b := newTab(t, desk)
	b.open(s.SetupLink())
	b.tryByKeyboard(s.Code())
	b.wantText("body", "Your authenticator is set up")
}

func TestNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	for _, path := range []string{"/?setup=", "/?setup=" + strings.Repeat("A", 26)} {
		b.open(strings.Replace(s.URL, "http://", "http://any:wrong@", 1) + path)
		b.wantText("h1", "This page shows a secret")
		b.wantText("main", "totpctl qr")
		b.want("document.querySelector('.qr, #secret, #try') === null")
	}
}
