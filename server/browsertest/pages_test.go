package browsertest

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// speak has pages in a language.
func (b *tab) speak(language string) {
	b.t.Helper()
	b.header("Accept-Language", language)
}

// Whoever types a secret types what stands there from left to right.
func TestTheSecretKeepsItsOrderFromRightToLeft(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.speak("ar")
	b.open(s.SetupLink())
	drawn := eval[string](b, `(() => {
		const at = e => e.getBoundingClientRect()
		return [...document.querySelectorAll('#secret span')].sort((a, b) => at(a).top - at(b).top || at(a).left - at(b).left).map(e => e.textContent).join('')
	})()`)
	if drawn != secret {
		t.Errorf("the secret is drawn as %s", drawn)
	}
	b.want("getComputedStyle(document.querySelector('.steps > li:last-child'), '::before').float !== 'none'")
	b.want("document.querySelector('.steps h2').getBoundingClientRect().right > innerWidth / 2")
}

// wantAskedOnly wants that no request went elsewhere.
func (b *tab) wantAskedOnly(site string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, asked := range b.asked {
		u, err := url.Parse(asked)
		if err != nil || u.Scheme != "data" && u.Scheme+"://"+u.Host != site {
			b.t.Errorf("the page asked %s", asked)
		}
	}
}

// wantNoSidewaysScroll looks at the phone and the desk, and at both at 200 %:
// to a page, zooming is a window of half the size.
func (b *tab) wantNoSidewaysScroll() {
	b.t.Helper()
	for _, window := range []size{phone, desk} {
		for zoom := int64(1); zoom <= 2; zoom++ {
			b.resize(size{window.width / zoom, window.height / zoom}, float64(zoom))
			if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				b.t.Errorf("%v at %d00 %%: %d pixels too wide", window, zoom, over)
			}
			b.want(`[...document.querySelectorAll('main *')].every(e => {
				const r = e.getBoundingClientRect()
				return e.closest('svg') !== null || r.width === 0 || r.left >= -0.5 && r.right <= innerWidth + 0.5
			})`)
		}
	}
}

// hostile names are long, in other scripts, in other directions, or markup.
var hostile = map[string]names{
	"markup":         {`"><script>document.title='owned'</script>`, `"><script>document.title='owned'</script>`},
	"attributes":     {`' onmouseover='x`, `javascript&colon;alert(1)//" autofocus onfocus="x`},
	"template":       {`{{.Secret}}`, "`${1}`\\"},
	"entities":       {`&lt;b&gt;&quot;`, `&#60;i&#62;%3Cb%3E`},
	"right to left":  {"ב\u200fנק", "ع\u200fميل 123 \u061cabc"},
	"128 letters":    {strings.Repeat("W", 128), strings.Repeat("m", 128)},
	"128 words":      {strings.TrimSpace(strings.Repeat("ab ", 43))[:127], "x"},
	"128 ideographs": {strings.Repeat("漢", 128), strings.Repeat("字", 128)},
	"128 of Arabic":  {"x", strings.Repeat("س", 128)},
	"no issuer":      {"", "alice"},
}

func TestHostileNamesAreOnlyText(t *testing.T) {
	for name, n := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNamedSite(t, n)
			b := newTab(t, phone)
			b.resize(phone, 2) // phones have more pixels than the CSS counts
			b.open(s.SetupLink())
			b.wantNames(n)
			b.wantLight()
			b.unfold(".scan")
			if drawn := eval[bool](b, "document.querySelector('.qr svg') !== null"); drawn && b.readQR(".qr") != s.Entry.URI() {
				t.Error("QR code says something else")
			} else if !drawn {
				b.wantText("#no-qr", "too long for a QR code")
			}
			b.try(s.WrongCode())
			b.unfold(".more")
			b.wantNames(n)
			b.checkAccessibility("phone")
			b.wantNoSidewaysScroll()

			b.open(s.linkFor(n.account))
			b.wantTexts(names{issuer: n.issuer})
			b.load(chromedp.Click(chromedp.CSS("#show")))
			b.wantNames(n)
			b.try(s.Code())
			b.wantTexts(n)
			b.wait("document.querySelector('#download').hidden === false")
			b.wantNoSidewaysScroll()
		})
	}
}

// Whose server it is, everybody may see; whose account, only who may see the secret.
func TestTheAccountsNameIsOnOnePageAlone(t *testing.T) {
	t.Parallel()
	s := newNamedSite(t, names{hostile["markup"].issuer, "alice-at-home"})
	b := newTab(t, phone)
	for _, open := range []func(){
		func() { b.open(s.SetupLink()); b.try(s.Code()) },
		func() { b.open(s.SetupLink()) },
		func() { b.open(s.URL + "/") },
		func() { b.open(s.URL + "/app") },
	} {
		open()
		b.want("document.body.innerText.length > 40")
		if strings.Contains(eval[string](b, "document.documentElement.outerHTML"), "alice-at-home") {
			t.Errorf("the account's name is on the page: %s", b.text("h1"))
		}
	}
}

// wantNames wants both names in the page of the QR code as text and as nothing
// else.
func (b *tab) wantNames(n names) {
	b.t.Helper()
	b.wantTexts(n)
	b.want("document.scripts.length === 1 && document.title.endsWith('Set up your authenticator · totpctl')")
	b.want("document.querySelector('#otpauth').href.startsWith('otpauth://totp/')")
}

func (b *tab) wantTexts(n names) {
	b.t.Helper()
	for selector, want := range map[string]string{"#issuer bdi, #whose bdi + bdi": n.issuer, "#account bdi, #whose bdi": n.account} {
		if got := eval[string](b, "document.querySelector('"+selector+"')?.textContent ?? ''"); got != want {
			b.t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	b.want("document.scripts.length <= 1 && document.title.endsWith(' · totpctl')")
	b.want("[...document.querySelectorAll('*')].every(e => e.getAttributeNames().every(name => !name.startsWith('on')))")
}

// wantLight wants that all that the tab has received is less than 40 KiB.
func (b *tab) wantLight() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.weight == 0 || b.weight >= 40<<10 {
		b.t.Errorf("%.0f bytes over the wire, want less than 40 KiB", b.weight)
	}
	b.t.Logf("%.0f bytes over the wire", b.weight)
	b.weight = 0
}

func TestPagesWithoutJavaScriptSayWhatNeedsIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.withoutScript()
	b.open(s.URL + "/app")
	b.wantText("noscript", "This page needs JavaScript")
	b.wantNoSidewaysScroll()
	b.resize(phone, 1)
	b.open(s.SetupLink())
	b.wantText("noscript", "The button that copies the secret needs JavaScript.")
	b.want("document.querySelector('#copy').hidden")
	b.unfold(".scan")
	if got := b.readQR(".qr"); got != s.Entry.URI() {
		t.Errorf("QR code says %q", got)
	}
	b.open(s.URL + "/")
	b.wantText("h1", "This page shows a secret")
}

func TestReducedMotionIsRespected(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.prefer("prefers-reduced-motion", "reduce")
	b.open(s.URL + "/app")
	b.enterBearer(bearer)
	b.validate(s.WrongCode())
	b.want("getComputedStyle(document.querySelector('.toast')).animationName === 'none'")
	b.want("document.getAnimations().length === 0")
}

func TestStaticFilesAreFetchedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.open(s.URL + "/app")
	b.wait(asks)
	b.open(s.SetupLink())
	b.mu.Lock()
	b.weight = 0
	b.mu.Unlock()
	b.open(s.URL + "/app")
	b.wait(asks)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.weight > 3<<10 { // the page itself is asked about, and not sent again
		t.Errorf("%.0f bytes over the wire for a page that was there before", b.weight)
	}
	if !slices.ContainsFunc(b.asked, func(url string) bool { return strings.Contains(url, "/static/style.") }) {
		t.Error("no stylesheet was asked for")
	}
}
