package browsertest

import (
	"fmt"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func (b *tab) pressShiftTab() {
	b.t.Helper()
	b.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// hasOutline tells whether an outline is around what has the focus, or around what holds it.
const hasOutline = `[document.activeElement, document.activeElement.parentElement].some(e =>
	getComputedStyle(e).outlineStyle === 'solid' && parseFloat(getComputedStyle(e).outlineWidth) >= 2)`

// wantFocus wants the focus on an element, and an outline around it or around
// what holds it.
func (b *tab) wantFocus(selector string) {
	b.t.Helper()
	b.want(fmt.Sprintf("document.activeElement === document.querySelector(%q)", selector))
	b.want(hasOutline)
}
