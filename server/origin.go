package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// newProtection takes the forms of the server's own pages. Those come from the
// Host that the request names or, where a proxy names another, from the public URL.
func (s *Server) newProtection() (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	if err := p.AddTrustedOrigin(origin(s.config.PublicURL)); err != nil {
		return nil, fmt.Errorf("trusting the public URL: %w", err)
	}
	p.SetDenyHandler(http.HandlerFunc(s.refuseOtherSite))
	return p, nil
}

// refuseOtherSite answers with a page: a person has pressed a button.
func (s *Server) refuseOtherSite(w http.ResponseWriter, r *http.Request) {
	pages := s.pages.top
	if strings.HasPrefix(r.URL.Path, "/enrol/") {
		pages = s.pages.below
	}
	render(w, http.StatusForbidden, pages.Lookup("refused.html"), refusal{OtherSite: true})
}

// origin is the one of a page at u as browsers write it, without the scheme's own
// port.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":")
}
