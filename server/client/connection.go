package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
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

// newTransport returns a transport that uses each connection once. If a connection that
// has served before ends without an answer, net/http sends a GET again on a new one, and
// the server may have used up the code already. HTTP/2 is off, because net/http would send
// a stream that the server has refused again. Compression is off, because an answer has a
// few hundred bytes.
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

// throughSocket has a transport ask the server at a unix socket, and returns the URL of
// that server for requests. Their Host is localhost, which no proxy is used for.
func throughSocket(t *http.Transport, path string) *url.URL {
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &url.URL{Scheme: "http", Host: "localhost"}
}

// pinned returns a configuration that trusts a server with this certificate alone.
func pinned(certificate *x509.Certificate) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection compares instead
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) > 0 && s.PeerCertificates[0].Equal(certificate) {
				return nil
			}
			return &tls.CertificateVerificationError{Err: errors.New("certificate is another than that of the file")}
		},
	}
}

// proxy returns the proxy that the environment names, and nil for this machine. net/http
// would send requests for the names below localhost to a proxy.
func proxy(req *http.Request) (*url.URL, error) {
	if api.Loopback(req.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

// warnOfPlainHTTP tells Config.Warn if the bearer will cross a network in the clear.
func (c *Client) warnOfPlainHTTP() {
	if c.config.Warn != nil && c.base.Scheme == "http" && !api.Loopback(c.base.Hostname()) {
		c.config.Warn(clean("sending the bearer over plain http to " + c.base.Host + ": whoever is on the way can read it; use https"))
	}
}

// checkRedirect refuses a redirect to another origin, because net/http would hand the
// bearer to another port of the host. It also refuses a redirect that may make a GET of
// the POST, which is any but 307 and 308, and one more than maxRedirects.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	next.Header.Del("Referer") // the URL of the prototype's GET has the code in it
	status := next.Response.StatusCode
	keepsMethod := status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
	switch {
	case origin(next.URL) != origin(c.base):
		return failure{"server redirects to " + origin(next.URL) + ", which does not get the bearer",
			"set TOTPCTL_URL to that address if you trust it"}
	case !keepsMethod, len(via) > maxRedirects:
		return failure{"server redirects to another of its pages", "does TOTPCTL_URL lead to a log-in page, or lack a path?"}
	}
	return nil
}

// origin returns the origin of a URL (RFC 6454 section 4). It has the port even where the
// scheme implies that.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// lost reports whether err says that a request had no whole answer for a reason that may
// pass. Malformed HTTP is such a reason, because net/http gives that error when a
// connection ends within a header.
func lost(err error) bool {
	_, refused := errors.AsType[failure](err) // by checkRedirect
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	dns, ok := errors.AsType[*net.DNSError](err)
	noSuchHost := ok && dns.IsNotFound
	return err != nil && !refused && !distrusted && !noSuchHost && !errors.Is(err, http.ErrSchemeMismatch)
}

// transportFailure returns the failure, with its hint, for an error of the http.Client. It
// drops the url.Error, because the URL of the prototype's GET has the code in it.
func (c *Client) transportFailure(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if f, ok := errors.AsType[failure](err); ok {
		return f
	}
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	op, ok := errors.AsType[*net.OpError](err)
	socket := ok && op.Net == "unix"
	switch {
	case distrusted:
		return failure{err.Error(), "the certificate must name that host and come from an authority that this machine trusts (SSL_CERT_FILE names more)"}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{fmt.Sprintf("no answer within %v", c.config.Timeout), "is the server up, and can this machine reach it?"}
	case errors.Is(err, context.Canceled):
		return failure{"interrupted", ""}
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure{"connection refused", "is `totpctl serve` running there? TOTPCTL_URL names the server"}
	case socket && errors.Is(err, fs.ErrNotExist):
		return failure{"no such socket", "is `totpctl serve` running there? TOTPCTL_URL names the server"}
	case socket && errors.Is(err, fs.ErrPermission):
		return failure{"permission denied", "who asks a unix socket must be its owner or of its group (`ls -l` shows both)"}
	}
	return failure{err.Error(), "is the server up, and TOTPCTL_URL right?"}
}
