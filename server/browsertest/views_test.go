package browsertest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

// A view is how a browser is set up when it opens a web page.
type view struct {
	language string
	script   bool
	size     size
	scheme   string // of colours
}

// viewsOf returns two views of the i-th state, which differ in everything. All sixteen would take
// the time eight times; states that follow each other have other pairs.
func viewsOf(i int, app bool) []view {
	sizes, schemes := []size{phone, desk}, []string{"light", "dark"}
	at := func(bit, view int) int { return (i>>bit + view) % 2 }
	var views []view
	for n, language := range []string{"en", "ar"} {
		views = append(views, view{language, app || at(0, n) == 0, sizes[at(1, n)], schemes[at(2, n)]})
	}
	return views
}

// In English and Arabic, with and without JavaScript, in light and dark, on the phone and on
// the desk, each state is light and accessible; it fits at 200 %, and a keyboard reaches all.
func TestEveryPageIsForEverybody(t *testing.T) {
	for i, st := range slices.Concat(states, adminStates) {
		for _, v := range viewsOf(i, st.app) {
			t.Run(st.name+", "+v.language, func(t *testing.T) {
				t.Parallel()
				s, b := st.start(t), newTab(t, phone)
				b.slowly()
				b.speak(v.language)
				if !v.script {
					b.withoutScript()
				}
				st.open(s, b)
				b.wantLight()
				b.wantAskedOnly(s.URL)
				// The page's own scripts stay unread. axe-core's are to run.
				call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
				b.wantDirection(v.language)
				b.prefer("prefers-color-scheme", v.scheme)
				b.wantAllByKeyboard()
				b.wantNoSidewaysScroll()
				b.resize(v.size, 1)
				b.checkAccessibility(fmt.Sprintf("%+v", v))
			})
		}
	}
}

// wantDirection wants the language, and that secrets and codes keep their order in each.
func (b *tab) wantDirection(language string) {
	b.t.Helper()
	direction := map[string]string{"en": "ltr", "ar": "rtl"}[language]
	b.want(fmt.Sprintf("document.documentElement.lang === %q && document.documentElement.dir === %q", language, direction))
	b.want("getComputedStyle(document.body).direction === document.documentElement.dir")
	b.want("[...document.querySelectorAll('#secret, #codes, code, #code, #totp')].every(e => getComputedStyle(e).direction === 'ltr')")
}

// controls are those that a keyboard has to reach. Screen readers pass over the rest.
const controls = `[...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(e => !e.disabled &&
	e.type !== 'hidden' && e.ariaHidden !== 'true' && e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }))`

// wantAllByKeyboard steps once around the page with Tab. It wants each control to have the
// focus once, in view and with an outline.
func (b *tab) wantAllByKeyboard() {
	b.t.Helper()
	n := eval[int](b, "globalThis.controls = "+controls+", controls.length")
	reached := map[int]bool{}
	for range 2*n + 4 { // the browser's own controls come in between
		if len(reached) == n {
			break
		}
		b.press(kb.Tab)
		at := eval[int](b, "controls.indexOf(document.activeElement)")
		if at < 0 || reached[at] {
			continue
		}
		reached[at] = true
		if !eval[bool](b, hasOutline+" && "+focusInView) {
			b.t.Errorf("by keyboard, the focus is not seen on %s", b.control(at))
		}
	}
	for at := range n {
		if !reached[at] {
			b.t.Errorf("by keyboard, the focus never comes to %s", b.control(at))
		}
	}
}

const focusInView = `(r => r.width > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth)(document.activeElement.getBoundingClientRect())`

// control returns the markup of one of the controls.
func (b *tab) control(at int) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("controls[%d].outerHTML", at))
}
