// Package browsertest tests the server's pages in Chromium, as people meet them.
package browsertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// plainHost resolves to loopback, but browsers do not know that it is safe: it
// stands for a server that a phone reaches over the local network.
const plainHost = "totpctl.test"

// browser is the one Chromium of all tests; TestMain starts it.
var browser context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "4") // a tab waits most of the time
	code := func() int {
		allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true),
			chromedp.Flag("disable-component-update", true),
			chromedp.Flag("host-resolver-rules", "MAP "+plainHost+" 127.0.0.1"))...)
		defer stop()
		var cancel context.CancelFunc
		browser, cancel = chromedp.NewContext(allocator)
		defer cancel()
		if err := chromedp.Do(browser); err != nil {
			fmt.Fprintln(os.Stderr, "starting Chromium:", err)
			return 1
		}
		return runTests(m)
	}()
	os.Exit(code)
}

// A size of the window, in CSS pixels.
type size struct{ width, height int64 }

var (
	phone = size{390, 844}
	desk  = size{1280, 800}
)

// A tab is a page in a browser profile of its own.
type tab struct {
	t           *testing.T
	ctx         context.Context
	mu          sync.Mutex
	faults      []string // exceptions, and what the Content-Security-Policy refused
	asked       []string // URLs of all requests
	weight      float64  // bytes received
	headers     network.Headers
	allowFaults bool
}

func newTab(t *testing.T, s size) *tab {
	t.Helper()
	return openTab(t, browser, s, chromedp.WithNewBrowserContext())
}

// another is a second tab of the same profile.
func (b *tab) another() *tab { return openTab(b.t, b.ctx, phone) }

func openTab(t *testing.T, parent context.Context, s size, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	b := &tab{t: t, headers: network.Headers{}}
	if err := chromedp.Do(ctx); err != nil { // a deadline on the first call would be the tab's
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	b.ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	call(b, network.Enable, network.EnableParams{})
	b.resize(s, 1)
	b.touch(s == phone)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, fault := range b.faults {
			if b.allowFaults {
				break
			}
			t.Errorf("the page met with: %s", fault)
		}
	})
	return b
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	case *log.EventEntryAdded:
		// A status of 401 is an answer like others, and what plain HTTP does without is
		// sent to every browser.
		if e.Entry.Source != log.EntrySourceNetwork && !strings.HasPrefix(e.Entry.Text, "The Cross-Origin-Opener-Policy header has been ignored") {
			b.faults = append(b.faults, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *network.EventLoadingFinished:
		b.weight += e.EncodedDataLength
	}
}

func (b *tab) resize(s size, scale float64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: scale})
}

// touch makes the pointer a finger, or a mouse.
func (b *tab) touch(finger bool) {
	b.t.Helper()
	params := emulation.SetTouchEmulationEnabledParams{Enabled: finger}
	if finger {
		params.MaxTouchPoints = 5
	}
	call(b, emulation.SetTouchEmulationEnabled, params)
}

// header has the browser send a header with every request from now on.
func (b *tab) header(name, value string) {
	b.t.Helper()
	b.headers[name] = value
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: b.headers})
}

// unfold opens a fold, if there is one to open in this window.
func (b *tab) unfold(selector string) {
	b.t.Helper()
	if eval[bool](b, fmt.Sprintf("!!document.querySelector(%q)?.checkVisibility()", selector+":not([open]) > summary")) {
		b.click(selector + " > summary")
	}
}

// prefer sets a media feature of the user, such as prefers-color-scheme.
func (b *tab) prefer(name, value string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: name, Value: value}}})
}

// print shows the page as it is put on paper.
func (b *tab) print(scheme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print",
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

func (b *tab) withoutScript() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// slowly makes a toast stay for a minute.
func (b *tab) slowly() {
	b.t.Helper()
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: "{ const set = setTimeout; setTimeout = (f, ms) => set(f, ms === 2000 ? 60000 : ms) }"})
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// load does what opens another page, and waits for that page.
func (b *tab) load(step chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, step); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) reload() {
	b.t.Helper()
	b.load(chromedp.Reload())
}

// press types on the keyboard, wherever the focus is.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// fill puts text into a field by clicking on it and typing.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.click(selector)
	b.edit("a", "selectAll")
	b.press(kb.Backspace + text)
}

// edit presses Ctrl and a letter for an editing command: headless Chromium has no
// shortcuts of its own.
func (b *tab) edit(letter, command string) {
	b.t.Helper()
	const ctrl = 2
	key := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Key: letter, Code: "Key" + strings.ToUpper(letter),
		WindowsVirtualKeyCode: int64(strings.ToUpper(letter)[0]), Modifiers: ctrl, Commands: []string{command}}
	call(b, input.DispatchKeyEvent, key)
	key.Type, key.Commands = input.DispatchKeyEventTypeKeyUp, nil
	call(b, input.DispatchKeyEvent, key)
}

// wait waits until the JavaScript expression is true, in whatever page is there by
// then.
func (b *tab) wait(expression string) {
	b.t.Helper()
	deadline := time.Now().Add(8 * time.Second)
	for time.Now().Before(deadline) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")")); err == nil && ok {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatalf("waited in vain for %s; the page says: %s", expression, b.text("body"))
}

// text is what a person sees of an element, or "" if there is none.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(eval[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector)))
}

func (b *tab) wantText(selector, want string) {
	b.t.Helper()
	if got := b.text(selector); !strings.Contains(got, want) {
		b.t.Errorf("%s says %q, want %q", selector, got, want)
	}
}

func (b *tab) want(expression string) {
	b.t.Helper()
	if !eval[bool](b, expression) {
		b.t.Errorf("not true: %s; the page says: %s", expression, b.text("body"))
	}
}

func (b *tab) screenshot() []byte {
	b.t.Helper()
	image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return image
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluating %.200s: %v", expression, err)
	}
	return value
}
