package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"totpctl/totp"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp/kb"
)

const (
	enabled  = "!document.querySelector('#validate button').disabled"
	disabled = "document.querySelector('#validate button').disabled"
	asks     = "!document.querySelector('#ask').hidden && document.querySelector('#validate').hidden"
	shows    = "!document.querySelector('#validate').hidden && document.querySelector('#ask').hidden"
	idle     = "document.querySelector('#validate button').getAttribute('aria-busy') === 'false'"
)

// openApp opens the page and enters the bearer.
func (s *site) openApp(t *testing.T) *tab {
	t.Helper()
	b := newTab(t, phone)
	b.open(s.URL + "/app")
	b.enterBearer(bearer)
	return b
}

func (b *tab) enterBearer(text string) {
	b.t.Helper()
	b.fill("#bearer", text)
	b.press(kb.Enter)
	b.wait(shows)
}

// validate types a code and presses the button.
func (b *tab) validate(code string) {
	b.t.Helper()
	b.fill("#totp", code)
	b.wait(enabled)
	b.click("#validate button")
	b.wait(idle)
}

func TestAppSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	b := newSite(t).openApp(t)
	b.want("document.title === 'Check a code'")
	b.wantText("header", "Check a code")
	b.wantText("label[for=totp]", "Code from the authenticator")
	b.wantText("label[for=account]", "Account (optional)")
	b.wantText("#validate button", "Check")
	b.want("document.querySelector('#totp').inputMode === 'numeric'")
	b.want("document.querySelector('#totp').autocomplete === 'one-time-code'")
	b.want("document.activeElement.id === 'totp'")
}

func TestAppShowsOKOnceAndThenNotValidCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	code := s.Code()
	b.validate(code)
	b.wait("document.querySelector('#toasts .toast')?.textContent === 'OK'")
	begin := time.Now()
	b.want("getComputedStyle(document.querySelector('.toast')).backgroundColor === 'rgb(0, 79, 214)'")
	b.want("document.querySelector('#totp').value === ''")
	b.want(disabled)
	b.want("document.activeElement === document.body") // and so no keyboard is over the toast
	b.wantText("#good", "This code is good (")
	b.wait("document.querySelector('.toast') === null")
	if shown := time.Since(begin); shown < 1500*time.Millisecond || shown > 10*time.Second {
		t.Errorf("the toast stayed for %v, want 2 s", shown)
	}

	b.wantText("#good", "This code is good (")
	b.validate(code)
	b.want("document.querySelector('#good').hidden")
	b.wait("document.querySelector('#toasts .toast')?.textContent === 'Not valid code'")
	b.want("getComputedStyle(document.querySelector('.toast')).backgroundColor === 'rgb(197, 0, 15)'")
	b.wantText("#problem", "used already")
	b.want("document.querySelector('#alert[role=alert]').textContent === document.querySelector('#problem').textContent")
}

func TestAppToastsFollowTheTheme(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	b.prefer("prefers-color-scheme", "dark")
	b.validate(s.WrongCode())
	b.wait("getComputedStyle(document.querySelector('.toast')).backgroundColor === 'rgb(255, 143, 146)'")
	b.wantText(".toast", "Not valid code")
	b.validate(s.Code())
	b.wait("getComputedStyle(document.querySelector('.toast')).backgroundColor === 'rgb(138, 176, 255)'")
	b.wantText(".toast", "OK")
}

func TestAppButtonFollowsTheFieldAndTheRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	b.want(disabled)
	b.press(kb.Enter) // on an empty field
	b.fill("#totp", " - ")
	b.want(disabled)
	b.fill("#totp", s.Code())
	b.want(enabled)
	s.gate.Lock()
	unlock := sync.OnceFunc(s.gate.Unlock)
	t.Cleanup(unlock) // the server waits for its requests
	b.press(kb.Enter)
	b.wait("!(" + idle + ")")
	b.wantText("#validate button", "Checking…")
	b.want("getComputedStyle(document.querySelector('.spinner')).display !== 'none'")
	b.press(kb.Enter) // a second one while the first is under way
	unlock()
	b.wait(idle)
	b.wantText("#validate button", "Check")
	b.wantText(".toast", "OK")
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestAppTakesPastedGroups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	b.useClipboard(s.URL)
	code := s.Code()
	eval[*string](b, "navigator.clipboard.writeText('"+code[:3]+" "+code[3:]+"').then(() => null)")
	b.click("#totp")
	b.edit("v", "paste")
	b.want("document.querySelector('#totp').value.length === 7")
	b.press(kb.Enter)
	b.wait("document.querySelector('.toast')?.textContent === 'OK'")
}

func TestAppTidiesCodesAsTheServersFormsDo(t *testing.T) {
	t.Parallel()
	var digits strings.Builder
	for _, r := range unicode.Nd.R16 {
		for d := rune(r.Lo); d <= rune(r.Hi); d++ {
			digits.WriteRune(d)
		}
	}
	for _, r := range unicode.Nd.R32 {
		for d := rune(r.Lo); d <= rune(r.Hi); d++ {
			digits.WriteRune(d)
		}
	}
	s := newSite(t)
	b := s.openApp(t)
	for i, typed := range []string{digits.String(), "\uff11\uff12\uff13\u3000\uff14\uff15\uff16", "\u202a123 456\u202c", "-1\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\u30fc\u00ad2\u00a0\u2009\u202f\u200b3\ufeff"} {
		text, err := json.Marshal(typed)
		if err != nil {
			t.Fatal(err)
		}
		eval[*string](b, fmt.Sprintf("document.querySelector('#totp').value = %s, document.querySelector('#totp').dispatchEvent(new Event('input')), null", text))
		b.wait(enabled)
		b.click("#validate button")
		b.wait(idle)
		if requests := s.requests(); len(requests) != i+1 || requests[i].body != `{"code":"`+totp.TidyCode(typed)+`"}` {
			t.Errorf("%.30q was not sent as %.30s", typed, totp.TidyCode(typed))
		}
	}
}

func TestAppSendsACodeInTheBodyAndWithAKeyOfItsAttempt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	b.validate(s.Code())
	requests := s.requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests, want 1", len(requests))
	}
	r := requests[0]
	if r.Method != "POST" || r.URL.String() != "/check" || r.body != `{"code":"`+s.Code()+`"}` || len(r.Header.Get("Idempotency-Key")) != 32 {
		t.Errorf("request is %s %s %s", r.Method, r.URL, r.body)
	}
	for name, want := range map[string]string{"Authorization": "Bearer " + bearer, "Content-Type": "application/json", "Referer": ""} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAppWorksUnderAPrefix(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mux := http.NewServeMux()
	for _, prefix := range []string{"/second/factor", "/another"} {
		mux.Handle(prefix+"/", http.StripPrefix(prefix, s.HTTP.Config.Handler))
	}
	proxy := httptest.NewServer(mux)
	t.Cleanup(proxy.Close)
	b := newTab(t, phone)
	b.open(proxy.URL + "/second/factor/app")
	b.enterBearer(bearer)
	b.validate(s.Code())
	b.wantText(".toast", "OK")
	b.open(proxy.URL + "/another/app")
	b.wait(asks) // its bearer is another one
}

func TestAppAsksForTheBearerOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.open(s.URL + "/app")
	b.wait(asks)
	b.enterBearer(bearer)
	b.wantText("#kept", "until this tab is closed")
	b.open(s.URL + "/app")
	b.wait(shows)

	other := b.another()
	other.open(s.URL + "/app")
	other.wait(asks)
	other.click("#keep")
	other.enterBearer(bearer)
	other.wantText("#kept", "on this device")

	third := b.another()
	third.open(s.URL + "/app")
	third.wait(shows)
	third.click("#forget")
	third.wait(asks)
	third.want("localStorage.length === 0 && sessionStorage.length === 0")
	third.open(s.URL + "/app")
	third.wait(asks)
}

func TestAppAsksAgainForAWrongBearer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.open(s.URL + "/app")
	b.fill("#bearer", "two words")
	b.press(kb.Enter)
	b.wantText("#problem", "An access key has no spaces")
	b.click("#keep")
	b.fill("#bearer", "not-the-bearer")
	b.press(kb.Enter)
	b.wait("!document.querySelector('#problem').hidden")
	b.wantText("#problem", "does not know this access key")
	b.want("localStorage.length === 0 && sessionStorage.length === 0")
	b.enterBearer(bearer)
	s.SetBearers([]string{"another-bearer"}, nil) // rotated
	b.validate(s.Code())
	b.wait(asks)
	b.wantText("#problem", "does not know this access key")
	s.SetBearers([]string{bearer}, nil)
	b.want("document.activeElement.id === 'bearer' && document.activeElement.getAttribute('aria-invalid') === 'true'")
	b.want("localStorage.length === 0 && sessionStorage.length === 0")
	b.enterBearer(bearer)
	b.want("document.querySelector('#totp').value !== ''") // the code is still there
	b.press(kb.Enter)
	b.wait("document.querySelector('.toast')?.textContent === 'OK'")
}

func TestAppIsUsableByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	b := newTab(t, desk)
	b.open(s.URL + "/app")
	b.wait(asks)
	for _, id := range []string{"bearer", "keep"} {
		b.press(kb.Tab)
		b.wantFocus("#" + id)
	}
	b.press(" ")
	b.want("document.querySelector('#keep').checked")
	b.press(kb.Tab)
	b.wantFocus("#ask button")
	b.pressShiftTab()
	b.pressShiftTab()
	b.press(bearer + kb.Enter)
	b.wait(shows)
	b.wantFocus("#totp")
	b.pressShiftTab()
	b.wantFocus("#account")
	b.press(kb.Tab)
	b.press(s.Code())
	b.press(kb.Tab)
	b.wantFocus("#validate button")
	b.press(" ")
	b.wait("document.querySelector('.toast')?.textContent === 'OK'")
	for _, selector := range []string{"#other", "#forget"} {
		b.press(kb.Tab)
		b.wantFocus(selector)
	}
	b.press(kb.Enter)
	b.wait(asks)
	b.wantFocus("#bearer")
}

func TestAppIsInstallable(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.open(s.URL + "/app")
	manifest := call(b, page.GetAppManifest, page.GetAppManifestParams{})
	if len(manifest.Errors) > 0 {
		t.Errorf("manifest: %+v", *manifest.Errors[0])
	}
	var m struct {
		Name, Display, ID, Lang, Description string
		StartURL                             string `json:"start_url"`
		Icons                                []struct{ Src, Sizes, Type, Purpose string }
	}
	if err := json.Unmarshal([]byte(manifest.Data), &m); err != nil {
		t.Fatal(err)
	}
	if m.Name != "Check a code" || m.ID != "../app" || m.Lang != "en" || m.Description == "" || m.Display != "standalone" || len(m.Icons) < 3 {
		t.Errorf("manifest is %+v", m)
	}
	if start := eval[string](b, "new URL('"+m.StartURL+"', document.querySelector('link[rel=manifest]').href).href"); start != s.URL+"/app" {
		t.Errorf("start URL is %s", start)
	}
	for _, icon := range m.Icons {
		width := eval[int](b, `new Promise((done, failed) => {
			const image = new Image()
			image.onload = () => done(image.naturalWidth)
			image.onerror = () => done(0)
			image.src = new URL('`+icon.Src+`', document.querySelector('link[rel=manifest]').href)
		})`)
		if want, _, _ := strings.Cut(icon.Sizes, "x"); width == 0 || want != "any" && want != strconv.Itoa(width) {
			t.Errorf("icon %s is %d pixels wide, want %s", icon.Src, width, icon.Sizes)
		}
	}
	for _, e := range call(b, page.GetInstallabilityErrors, cdp.Empty{}).InstallabilityErrors {
		if e.ErrorID != "in-incognito" { // each test's profile is one
			t.Errorf("not installable: %s %+v", e.ErrorID, e.ErrorArguments)
		}
	}
}
