package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// A Readiness is how a server answers GET /readyz, which needs no bearer.
type Readiness struct {
	Ready       bool
	Text        string         // why it is not ready, in one line
	ClockOffset *time.Duration // how far the server's clock is ahead, as in Result; nil if the answer has no date
}

// Ready asks the server of c whether it gives verdicts. It needs no Bearer, and sends none.
// The error says that there was no answer; it has a Hint() string.
func Ready(ctx context.Context, c Config) (Readiness, error) {
	client, err := newLooker(c)
	if err != nil {
		return Readiness{}, err
	}
	a, err := client.look(ctx, http.MethodGet, client.base.JoinPath("readyz"))
	if err != nil {
		return Readiness{}, err
	}
	r := Readiness{ClockOffset: a.clockOffset()}
	if status, ok := a.text("status"); ok && status == "ready" && a.status == http.StatusOK {
		r.Ready = true
		return r, nil
	}
	said, ours := a.errorText()
	switch {
	case ours:
		r.Text = clean(said)
	case a.status == http.StatusOK:
		r.Text = "the answer is none of totpctl's"
	default:
		r.Text = fmt.Sprintf("the answer is %d, and none of totpctl's", a.status)
	}
	return r, nil
}

// Offset returns how far the clock of the web server at c.URL is ahead, by the Date of its
// answer to a HEAD request without a bearer.
func Offset(ctx context.Context, c Config) (time.Duration, error) {
	client, err := newLooker(c)
	if err != nil {
		return 0, err
	}
	a, err := client.look(ctx, http.MethodHead, client.base)
	if err != nil {
		return 0, err
	}
	offset := a.clockOffset()
	if offset == nil {
		return 0, Error{failure{"asking " + client.server + ": the answer has no Date", "name another host"}, NoAnswer}
	}
	return *offset, nil
}

// newLooker returns a Client that takes an answer as it comes: it follows no redirect.
func newLooker(c Config) (*Client, error) {
	c.Bearer = "none" // never sent
	client, err := New(c)
	if err == nil {
		client.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client, err
}

// look sends a request without a bearer.
func (c *Client) look(ctx context.Context, method string, to *url.URL) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	req, err := newRequest(ctx, method, to, nil)
	if err != nil {
		return answer{}, err
	}
	a, err := c.do(req)
	if err != nil {
		return answer{}, c.explain(c.transportFailure(err), NoAnswer, "")
	}
	return a, nil
}
