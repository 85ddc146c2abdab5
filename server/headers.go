package server

import (
	"maps"
	"net/http"
	"net/url"

	"totpctl/server/api"
)

// dataPolicy is for answers that are no page: nothing in them is loaded or run.
const dataPolicy = noPolicy + "; form-action 'none'"

// strictTransport is for a year and for this host alone: what else runs under its
// domain is its owner's to decide.
const strictTransport = "max-age=31536000"

// commonHeaders are those of every answer; a handler may set others in their place.
// Cross-Origin-Resource-Policy does not concern what /check allows by CORS.
func commonHeaders(public *url.URL) http.Header {
	h := http.Header{
		"Cache-Control":                {"no-store"},
		"Content-Security-Policy":      {dataPolicy},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"X-Content-Type-Options":       {"nosniff"},
	}
	// Browsers keep to https for every port of a host, so this machine is left out:
	// what is developed on it is seldom served by https.
	if public.Scheme == "https" && !api.Loopback(public.Hostname()) {
		h.Set("Strict-Transport-Security", strictTransport)
	}
	return h
}

// withHeaders sets them before anything answers, the mux with its redirects
// included.
func withHeaders(common http.Header, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), common)
		next.ServeHTTP(w, r)
	})
}
