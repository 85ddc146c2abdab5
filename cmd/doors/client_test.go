//go:build linux

package doors

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

// A client asks through a door as from another machine, which knows the proxy by its name.
type client struct {
	t    *testing.T
	door *door
	http *http.Client
}

// from returns a client with that address, which keeps cookies as a browser does.
func (d *door) from(t *testing.T, address string) client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{
		ForceAttemptHTTP2: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: d.roots},
		DialContext: func(ctx context.Context, network, name string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, d.address(name))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return client{t, d, &http.Client{Transport: transport, Jar: jar, Timeout: patience}}
}

// address is where a name leads to on the internet of the test.
func (d *door) address(name string) string {
	return map[string]string{host + ":443": d.secure, host + ":80": d.open, "www.example.com:8443": d.secure, "example.com:8443": d.secure}[name]
}

func (d *door) browser(t *testing.T) client { return d.from(t, clientHost) }

// program returns a client that follows no redirect.
func (d *door) program(t *testing.T) client {
	c := d.from(t, clientHost)
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// An answer has its headers and its text.
type answer struct {
	status int
	text   string
	at     string // the address that it came from, behind redirects
	http.Header
}

// ask sends a request with pairs of headers, and with what a client might make up to be
// taken for another.
func (c client) ask(method, url, body string, headers ...string) answer {
	c.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		req.Header.Set(name, "198.51.100.9")
	}
	req.Header.Set("Forwarded", "for=198.51.100.9")
	req.Header.Set("X-Request-Id", "spoofed")
	req.Header.Set("Accept-Encoding", "gzip")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s through %s: %v\n%s", method, c.door.name, err, tail(c.door.logs()))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, cookie := range resp.Cookies() {
		if cookie.Value != "" {
			c.door.hide(cookie.Value)
		}
	}
	return answer{resp.StatusCode, string(text), resp.Request.URL.String(), resp.Header}
}

// form posts a form of a page at the same site.
func (c client) form(to string, values url.Values) answer {
	c.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.ask("POST", to, values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", u.Scheme+"://"+u.Host)
}

// check offers a code by GET or POST, "" for the default account, and returns the answer's
// status, text and id.
func (c client) check(method, account, code string, headers ...string) (status int, text, id string) {
	c.t.Helper()
	c.door.hide(code)
	to, body := site+"/check", ""
	if method == "GET" {
		to += "/" + url.PathEscape(code)
		if account != "" {
			to += "?account=" + url.QueryEscape(account)
		}
	} else {
		body = questionOf(account, "code", code)
	}
	a := c.ask(method, to, body, append(headers, "Authorization", "Bearer "+cmdtest.Bearer)...)
	return a.status, a.text, a.Get("X-Request-Id")
}

func questionOf(account, kind, code string) string {
	question := map[string]string{kind: code}
	if account != "" {
		question["account"] = account
	}
	text, _ := json.Marshal(question)
	return string(text)
}

// isVerdict reports whether a caller could take the answer for a verdict.
func isVerdict(status int, text string) bool {
	return status < 300 || strings.Contains(text, `"status"`)
}

func verdict(text string) string {
	var v struct {
		Status *bool
		Reason string
	}
	switch err := json.Unmarshal([]byte(text), &v); {
	case err != nil || v.Status == nil:
		return fmt.Sprintf("no verdict: %s", text)
	case *v.Status:
		return "valid"
	}
	return v.Reason
}
