package browsertest

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// far puts the server so far away that no answer is there before a second click.
func (b *tab) far() {
	b.t.Helper()
	far := network.Conditions{Latency: 700, DownloadThroughput: -1, UploadThroughput: -1}
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{&far}})
}

// doubleClick is two clicks as people do them: each of them sends a form.
func (b *tab) doubleClick(selector string) {
	b.t.Helper()
	at := eval[[]float64](b, "(() => { const e = document.querySelector('"+selector+"'); e.scrollIntoView({ block: 'center' }); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()")
	for n := range 2 {
		for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			call(b, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: at[0], Y: at[1], Button: input.MouseButtonLeft, ClickCount: int64(n + 1)})
		}
		time.Sleep(150 * time.Millisecond)
	}
}

// The second request of a double click would find the recovery code used up, and its answer is
// the one that the browser shows: the code and the enrolment would be lost.
func TestADoubleClickRecoversOnce(t *testing.T) {
	s := newSite(t)
	_, codes := s.Enrol(person)
	b := newTab(t, phone)
	b.touch(false)
	b.open(s.URL + "/recover")
	b.fill("#account", person)
	b.fill("#recovery-code", codes[0])
	b.far()
	b.doubleClick("main form button")
	b.wait("document.querySelector('#secret, #why') !== null")
	b.wantText("h1", "Set up your authenticator")
	if n := strings.Count(s.Log.String(), `"POST /recover"`); n != 1 {
		t.Errorf("%d forms were sent", n)
	}
}

func TestADoubleClickChecksACallersCodeOnce(t *testing.T) {
	s := newSite(t)
	key, _ := s.Enrol(person)
	b := newTab(t, desk)
	s.signIn(b)
	b.open(s.URL + "/admin/account?name=" + person)
	s.Clock.Advance(key.Period())
	b.fill("#code", s.CodeOf(key))
	b.far()
	b.doubleClick("form[action$=\"/check\"] button")
	b.wait("document.querySelector('#done') !== null")
	b.wantText("#done", "The code of "+person+" is good.")
}

// A form whose answer is a file stays on the screen, and can be sent again.
func TestAFormThatGivesAFileCanBeSentAgain(t *testing.T) {
	s := newSite(t)
	b := newTab(t, desk)
	s.signIn(b)
	b.open(s.URL + "/admin/add")
	for _, name := range []string{"first", "second"} {
		b.fill("#names", name)
		b.do(chromedp.Click(chromedp.CSS("form:has(textarea) button"), chromedp.NodeVisible))
		deadline := time.Now().Add(8 * time.Second)
		for {
			if _, err := s.Verifier.Show(t.Context(), name); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is not added", name)
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(1100 * time.Millisecond) // longer than a double click takes
	}
}
