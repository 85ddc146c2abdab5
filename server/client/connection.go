package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"totpctl/server/api"
)

const (
	maxHeader    = 64 << 10 // bytes of an answer's headers
	maxRedirects = 3
)

// newTransport returns a transport that uses each connection once. On a used connection
// net/http repeats a GET that had no answer, which may use up a code.
func newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  proxy,
		Protocols:              &protocols,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// proxy returns the proxy that the environment names, but none to this machine: net/http
// does not know the names below localhost.
func proxy(req *http.Request) (*url.URL, error) {
	if api.Loopback(req.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

func (c *Client) warn() {
	if c.config.Warn != nil && c.base.Scheme == "http" && !api.Loopback(c.base.Hostname()) {
		c.config.Warn(clean("sending the bearer over plain http to " + c.base.Host + ": whoever is on the way can read it; use https"))
	}
}

// checkRedirect refuses redirects to another origin, and those that make a GET of the
// POST. net/http would hand the bearer to another port of the host.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	next.Header.Del("Referer") // the URL of the prototype's GET has the code in it
	status := next.Response.StatusCode
	kept := status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
	switch {
	case origin(next.URL) != origin(c.base):
		return failure{"server redirects to " + origin(next.URL) + ", which does not get the bearer",
			"set TOTPCTL_URL to that address if you trust it"}
	case !kept, len(via) > maxRedirects:
		return failure{"server redirects to another of its pages", "does TOTPCTL_URL lead to a log-in page, or lack a path?"}
	}
	return nil
}

// origin returns the origin of a URL (RFC 6454 section 4).
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// lost reports whether a request had no whole answer, for a reason that may pass. Bad HTTP
// counts: net/http reports so a connection that ends within a header.
func lost(err error) bool {
	_, redirected := errors.AsType[failure](err)
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	dns, ok := errors.AsType[*net.DNSError](err)
	unknown := ok && dns.IsNotFound
	return err != nil && !redirected && !distrusted && !unknown && !errors.Is(err, http.ErrSchemeMismatch)
}

// transportFailure returns an error of the http.Client with a way out. It drops the
// url.Error, because the URL of the prototype's GET has the code in it.
func (c *Client) transportFailure(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if f, ok := errors.AsType[failure](err); ok {
		return f
	}
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case distrusted:
		return failure{err.Error(), "the certificate must name that host and come from an authority that this machine trusts (SSL_CERT_FILE names more)"}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{fmt.Sprintf("no answer within %v", c.config.Timeout), "is the server up, and can this machine reach it?"}
	case errors.Is(err, context.Canceled):
		return failure{"interrupted", ""}
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure{"connection refused", "is `totpctl serve` running there? TOTPCTL_URL names the server"}
	}
	return failure{err.Error(), "is the server up, and TOTPCTL_URL right?"}
}
