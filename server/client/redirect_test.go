package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"totpctl/server/api"
)

func TestNoOtherOriginGetsTheBearer(t *testing.T) {
	var received atomic.Int32
	steal := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received.Add(1)
		io.WriteString(w, `{"status":true}`)
	})
	other, secure := httptest.NewServer(steal), httptest.NewTLSServer(steal)
	defer other.Close()
	defer secure.Close()
	for _, target := range []string{other.URL, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), strings.Replace(other.URL, "//", "//user:hunter2@", 1), secure.URL} {
		for status := range 308 + 1 {
			if status < 301 || status > 303 && status < 307 {
				continue
			}
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", target+"/check?next="+bearer+code)
				w.WriteHeader(status)
			})
			c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			r, err := c.Check(t.Context(), api.Question{Code: code})
			_, address, _ := strings.Cut(target, "://")
			wantError(t, err, address[strings.Index(address, "@")+1:]+", which does not get the bearer", "TOTPCTL_URL")
			if r.Status || received.Load() != 0 || strings.Contains(err.Error(), "next") || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("%d to %s: %+v, %v, %d requests there", status, target, r, err, received.Load())
			}
		}
	}
}

func TestAnOriginIsSchemeHostAndPort(t *testing.T) {
	for text, want := range map[string]string{
		"http://host/a": "http://host:80", "https://HOST": "https://host:443", "https://host:443/?q": "https://host:443", "http://host:443": "http://host:443",
		"http://user:pw@host": "http://host:80", "http://[::1]:5000": "http://[::1]:5000", "http://host:": "http://host:80",
	} {
		u, err := url.Parse(text)
		if err != nil || origin(u) != want {
			t.Errorf("origin of %s is %s, %v; want %s", text, origin(u), err, want)
		}
	}
}

func TestASecureOriginDoesNotRedirectToPlainHTTP(t *testing.T) {
	s := &script{peers: []peer{say(yes)}}
	plain := s.listen(t, "127.0.0.1:0")
	c := secureClient(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain+"/check", http.StatusPermanentRedirect)
	})
	_, err := c.Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "server redirects to "+plain, "TOTPCTL_URL")
	if n, _ := s.requests(); n != 0 {
		t.Error("it did")
	}
}

func TestARedirectWithinTheOriginKeepsThePost(t *testing.T) {
	for _, status := range []int{307, 308} {
		keys := map[string]bool{}
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			keys[r.Header.Get("Idempotency-Key")] = true
			if r.URL.Path == "/check" {
				http.Redirect(w, r, "/check/", status)
				return
			}
			body, _ := io.ReadAll(r.Body)
			if r.Method != "POST" || string(body) != `{"code":"492039"}` || r.Header.Get("Authorization") != "Bearer "+bearer {
				t.Errorf("%s %s with %v", r.Method, body, r.Header)
			}
			io.WriteString(w, `{"status":true}`)
		})
		if r, err := c.Check(t.Context(), api.Question{Code: code}); err != nil || !r.Status || len(keys) != 1 {
			t.Errorf("%d: %+v, %v, %d keys", status, r, err, len(keys))
		}
	}
}

func TestARedirectThatDropsThePostOrNeverEndsIsAnError(t *testing.T) {
	for status, want := range map[int]int32{301: 1, 302: 1, 303: 1, 307: maxRedirects + 1, 308: maxRedirects + 1} {
		var n atomic.Int32
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1); r.URL.Path == "/login" && status < 307 {
				io.WriteString(w, `{"status":true}`)
				return
			}
			http.Redirect(w, r, "/login", status)
		})
		r, err := c.Check(t.Context(), api.Question{Code: code})
		wantError(t, err, "another of its pages", "TOTPCTL_URL")
		if r.Status || n.Load() != want {
			t.Errorf("%d: %+v after %d requests, want %d", status, r, n.Load(), want)
		}
	}
}

func TestARedirectedGetSendsNoReferer(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == "POST":
			w.WriteHeader(404)
		case r.URL.Path == "/check/"+code:
			http.Redirect(w, r, "/v1/check/"+code, http.StatusTemporaryRedirect)
		default:
			if r.Referer() != "" {
				t.Errorf("Referer is %s", r.Referer())
			}
			io.WriteString(w, `{"status":true}`)
		}
	})
	if r, err := c.Check(t.Context(), api.Question{Code: code}); err != nil || !r.Status {
		t.Errorf("%+v, %v", r, err)
	}
}

// secureClient trusts its server's certificate.
func secureClient(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := newClient(t, s.URL)
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return c
}

func TestHTTPSWorksAndOnlyWithATrustedCertificate(t *testing.T) {
	var asked atomic.Int32
	c := secureClient(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		io.WriteString(w, `{"status":true}`)
	})
	if r, err := c.Check(t.Context(), api.Question{Code: code}); err != nil || !r.Status {
		t.Errorf("%+v, %v", r, err)
	}
	stranger, dialed := newClient(t, c.config.URL), 0
	stranger.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed++
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	_, err := stranger.Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "certificate", "SSL_CERT_FILE")
	if asked.Load() != 1 || dialed != 1 {
		t.Errorf("asked %d times, and dialed %d times without trust, want 1 each", asked.Load(), dialed)
	}
}

func TestMixedUpSchemesAreErrorsThatPointAtTheURL(t *testing.T) {
	secure := secureClient(t, func(w http.ResponseWriter, r *http.Request) {})
	_, err := newClient(t, strings.Replace(secure.config.URL, "https", "http", 1)).Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "answer is 400 bad request", "http or https")
	plain := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	_, err = newClient(t, strings.Replace(plain.config.URL, "http", "https", 1)).Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "HTTP response to HTTPS client", "TOTPCTL_URL")
}
