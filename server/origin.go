package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"totpctl/server/pages"
)

// crossOrigin lets the web apps of the configured origins read the answers,
// refusals included.
func (s *Server) crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); s.origins[origin] {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "Retry-After")
		}
		next.ServeHTTP(w, r)
	})
}

// preflight answers the question that a browser asks before it sends the headers of
// the prototype's app. Browsers send no bearer with it.
func preflight(w http.ResponseWriter, _ *http.Request) error {
	if h := w.Header(); h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// newProtection refuses changes that another site's page asks for, because a browser
// sends HTTP Basic credentials on its own. A form of ours comes from the Host that the
// request names or, if a proxy names another Host, from the public URL.
func (s *Server) newProtection() (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	if public := s.config.PublicURL; *public != (url.URL{}) {
		if err := p.AddTrustedOrigin(origin(public)); err != nil {
			return nil, fmt.Errorf("trusting the public URL: %w", err)
		}
	}
	p.SetDenyHandler(http.HandlerFunc(s.refuseOtherSite))
	return p, nil
}

// refuseOtherSite answers with a page, because a person has pressed a button.
func (s *Server) refuseOtherSite(w http.ResponseWriter, r *http.Request) {
	s.showRefusal(w, r, http.StatusForbidden, pages.Refused{OtherSite: true})
}

// origin returns the origin of a page at u as browsers write it, without the scheme's
// own port.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":")
}
