package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

// DefaultTimeout is how long a Check lasts at most if Config does not say.
const DefaultTimeout = 10 * time.Second

const (
	firstPause = 100 * time.Millisecond // before the first retry; the pause before each later one is twice as long
	lastPause  = 800 * time.Millisecond

	maxAnswer = 64 << 10 // bytes
)

// Config is what a Client needs.
type Config struct {
	URL     string           // of the server, as api.ParseServer reads it; may have a path
	Bearer  string           // as api.ParseBearer reads it
	Timeout time.Duration    // of a whole Check, retries included; DefaultTimeout if not positive
	Clock   func() time.Time // compared with the server's; required
	Warn    func(string)     // called once, before the bearer crosses a network in the clear; may be nil

	// Certificate is the server's own, which is trusted whatever names it has, and no
	// other is. If it is nil, the machine's certificate authorities are trusted.
	Certificate *x509.Certificate
}

// A Client asks one server. It is safe for concurrent use.
type Client struct {
	config   Config
	server   string // its address, as errors name it
	base     *url.URL
	http     *http.Client
	warnOnce sync.Once
}

// New returns a Client. It refuses what api.ParseServer and api.ParseBearer refuse. Its
// errors quote neither URL nor bearer, and have a Hint() string.
func New(c Config) (*Client, error) {
	base, err := api.ParseServer(c.URL)
	if err != nil {
		return nil, failure{"server's address is " + err.Error(), "TOTPCTL_URL is such as http://127.0.0.1:5000 or https://totp.example.com"}
	}
	if _, err := api.ParseBearer(c.Bearer); err != nil {
		return nil, failure{err.Error(), "BEARER must be one of the server's"}
	}
	if c.Clock == nil {
		return nil, errors.New("client has no clock")
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	client, transport := &Client{config: c, server: base.String(), base: base}, newTransport()
	if base.Opaque != "" {
		client.server, client.base = clean(client.server), throughSocket(transport, base.Opaque)
	}
	if c.Certificate != nil {
		transport.TLSClientConfig = pinned(c.Certificate)
	}
	client.http = &http.Client{Transport: transport, CheckRedirect: client.checkRedirect}
	return client, nil
}

// Check asks a question and returns the server's verdict, throttled included. What has
// not the form of a code, or of a recovery code, gets the verdict malformed and is not
// sent: it may be a password. Whatever is not clearly a verdict is an error, which has a
// Hint() string, and is an Error if the server was asked. The package's documentation says
// when Check asks again.
func (c *Client) Check(ctx context.Context, q api.Question) (Result, error) {
	q, ok := wellFormed(q)
	if !ok {
		return Result{Verdict: api.Verdict{Reason: verifier.ReasonMalformed}}, nil
	}
	code := q.Code + q.RecoveryCode
	if !utf8.ValidString(q.Account) {
		return Result{}, failure{"account is not valid UTF-8", "type it again"}
	}
	c.warnOnce.Do(c.warnOfPlainHTTP)
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	a, err := c.post(ctx, q)
	if err == nil && q.Account == "" && q.RecoveryCode == "" && a.unknownRoute() {
		a, err = c.send(ctx, http.MethodGet, c.base.JoinPath("check", code), nil, "")
	}
	if err != nil {
		return Result{}, c.explain(c.transportFailure(err), NoAnswer, code)
	}
	r, err := a.result()
	return r, c.explain(err, a.kind(), code)
}

// wellFormed reports whether a question asks about one code that has the form of one,
// and returns the question with its recovery code as the server gave that out.
func wellFormed(q api.Question) (api.Question, bool) {
	if q.Code != "" {
		return q, q.RecoveryCode == "" && isCode(q.Code)
	}
	var ok bool
	q.RecoveryCode, ok = verifier.TidyRecoveryCode(q.RecoveryCode)
	return q, ok
}

// isCode reports whether s has the form of a code of any server: 6 to 8 ASCII digits.
func isCode(s string) bool {
	return len(s) >= totp.MinDigits && len(s) <= totp.MaxDigits && strings.Trim(s, "0123456789") == ""
}

// post sends a question until there is an answer, each time with the same
// Idempotency-Key.
func (c *Client) post(ctx context.Context, q api.Question) (answer, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	key := rand.Text() // 130 random bits
	for pause := firstPause; ; pause *= 2 {
		a, err := c.send(ctx, http.MethodPost, c.base.JoinPath("check"), body, key)
		if pause > lastPause || !a.unavailable() && !lost(err) || !sleep(ctx, pause) {
			return a, err
		}
	}
}

func (c *Client) send(ctx context.Context, method string, to *url.URL, body []byte, key string) (answer, error) {
	req, err := newRequest(ctx, method, to, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.config.Bearer)
	if key != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
	}
	return c.do(req)
}

// newRequest returns a request without a bearer.
func newRequest(ctx context.Context, method string, to *url.URL, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "totpctl")
	return req, nil
}

// do sends a request and returns the answer to it.
func (c *Client) do(req *http.Request) (answer, error) {
	a := answer{sent: c.config.Clock()}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a.received, a.status, a.date = c.config.Clock(), resp.StatusCode, resp.Header.Get("Date")
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return answer{}, err
	}
	return a, nil
}

// sleep reports whether it slept for d. It does not if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
