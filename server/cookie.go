package server

import (
	"net/http"
	"path"
	"time"

	"totpctl/server/api"
)

// cookiePrefix returns what our cookies' names begin with. A browser takes the prefix from
// https alone (RFC 6265bis).
func (s *Server) cookiePrefix() string {
	if s.secure() {
		return "__Secure-"
	}
	return ""
}

// newCookie returns a cookie that browsers send under a path alone, and not from another
// site's page. Without an age it ends with the browser; a negative one ends it at once.
func (s *Server) newCookie(name, value, path string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, MaxAge: api.Seconds(age), Path: path,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.secure(),
	}
}

// secure reports whether people reach the server by https.
func (s *Server) secure() bool { return s.config.PublicURL.Scheme == "https" }

// cookieValue returns the value of a request's cookie, "" without one.
func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// pathOf returns the path of a page as cookies have it: people may reach the server under a
// prefix.
func (s *Server) pathOf(page ...string) string {
	return path.Join(append([]string{"/", s.config.PublicURL.EscapedPath()}, page...)...)
}
