package server

import (
	"maps"
	"net/http"
	"net/url"

	"totpctl/server/api"
	"totpctl/server/pages"
)

// dataPolicy is for answers that are no web page: they load and run nothing.
const dataPolicy = pages.NoPolicy + "; form-action 'none'"

// strictTransport lasts a year. It leaves out includeSubDomains, because other hosts of
// the domain are not this server's.
const strictTransport = "max-age=31536000"

// commonHeaders returns the headers of every answer. A handler may replace them.
// Cross-Origin-Resource-Policy does not touch what /check allows by CORS. A verdict has
// no more than eight headers, because a Go map with a ninth entry grows.
func commonHeaders(public *url.URL) http.Header {
	h := http.Header{
		"Cache-Control":                {"no-store"},
		"Content-Security-Policy":      {dataPolicy},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"X-Content-Type-Options":       {"nosniff"},
	}
	// Not on loopback: a browser would then ask every port of this machine by https, and
	// what people develop there seldom has a certificate.
	if public.Scheme == "https" && !api.Loopback(public.Hostname()) {
		h.Set("Strict-Transport-Security", strictTransport)
	}
	return h
}

// withHeaders sets headers before anything else can answer, the redirects included.
func withHeaders(common http.Header, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), common)
		next.ServeHTTP(w, r)
	})
}
