package server

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp/verifier"
)

// A form's POST answers with a redirect, so that neither a reload nor Back sends its code
// again. A cookie brings the verdict to the page that the redirect leads to. Whoever could
// plant it could make a page of ours say that a code was valid, or why not, and no more: the
// page shows nothing else by it.

// verdictTime is how long a verdict waits for its page.
const verdictTime = time.Minute

func (s *Server) verdictCookie() string { return s.cookiePrefix() + "verdict" }

// keepVerdict keeps a verdict for the next page under a path.
func (s *Server) keepVerdict(w http.ResponseWriter, path string, v verifier.Verdict) {
	now := s.config.Clock()
	value := fmt.Sprintf("%s.%d.%d", cmp.Or(string(v.Reason), verdictValid), now.Add(v.RetryAfter).UnixMilli(), int(v.Clock.Seconds()))
	http.SetCookie(w, s.newCookie(s.verdictCookie(), value, path, max(verdictTime, v.RetryAfter)))
}

const verdictValid = "valid"

// keptVerdict returns the verdict that a request brings, nil without one, and ends its cookie:
// a page tells a verdict once.
func (s *Server) keptVerdict(w http.ResponseWriter, r *http.Request, path string, digits int) *pages.Result {
	c, err := r.Cookie(s.verdictCookie())
	if err != nil {
		return nil
	}
	http.SetCookie(w, s.newCookie(s.verdictCookie(), "", path, -time.Second))
	now := s.config.Clock()
	result := pages.Result{Now: now, Digits: digits}
	reason, times, _ := strings.Cut(c.Value, ".")
	end, clock, _ := strings.Cut(times, ".")
	until, err := strconv.ParseInt(end, 10, 64)
	if err == nil {
		result.Clock, err = strconv.Atoi(clock)
	}
	switch result.Reason = verifier.Reason(reason); {
	case err != nil:
		return nil
	case reason == verdictValid:
		result.Valid, result.Reason = true, ""
	case !pages.Explains(result.Reason):
		return nil
	}
	result.Wait = max(0, api.Seconds(time.UnixMilli(until).Sub(now)))
	if result.Reason == verifier.ReasonThrottled && result.Wait == 0 { // the wait is over
		return nil
	}
	return &result
}
