package browsertest

import (
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// cancelPasswords cancels every dialog that asks for a password.
func (b *tab) cancelPasswords() {
	b.t.Helper()
	call(b, fetch.Enable, fetch.EnableParams{HandleAuthRequests: new(true)})
	paused := chromedp.Events(b.ctx, fetch.RequestPaused)
	asked := chromedp.Events(b.ctx, fetch.AuthRequired)
	go func() {
		for e, err := range paused {
			if err != nil {
				return
			}
			chromedp.Call(b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
		}
	}()
	go func() {
		for e, err := range asked {
			if err != nil {
				return
			}
			chromedp.Call(b.ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID,
				AuthChallengeResponse: &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}})
		}
	}()
}
