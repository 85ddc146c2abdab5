package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp/verifier"
)

// flashTime is how long a reload shows the outcome of a change again.
const flashTime = 10 * time.Minute

// A flash is the outcome of a change, for the page that the change redirects to. The browser
// keeps it in a cookie: any server can show it, a reload shows it again, and no database has
// the link that may be in it. A MAC under the session's id keeps others from planting one.
type flash struct {
	ID      string // in the page's query; without it a later visit would show the outcome again
	Outcome pages.Outcome
	Token   string    // of a link, "" without one
	Until   time.Time // of the link
}

func (s *Server) flashCookie() string { return s.sessionCookie() + "-done" }

// redirectDone redirects to a page that shows an outcome. The path is relative, and to has the
// parameters of its query.
func (s *Server) redirectDone(w http.ResponseWriter, r *http.Request, path string, to url.Values, f flash) error {
	f.ID = rand.Text()[:10]
	text, err := json.Marshal(f)
	if err != nil {
		return internal("keeping the outcome failed", err)
	}
	payload := base64.RawURLEncoding.EncodeToString(text)
	http.SetCookie(w, s.newCookie(s.flashCookie(), payload+"."+s.flashMAC(r, payload), "/", flashTime))
	to.Set("done", f.ID)
	return seeOther(w, path+"?"+to.Encode()+"#done")
}

// forgetOutcome takes the cookie away, because whoever uses the browser next could read the link
// in it.
func (s *Server) forgetOutcome(w http.ResponseWriter) {
	http.SetCookie(w, s.newCookie(s.flashCookie(), "", "/", -time.Second))
}

func (s *Server) flashMAC(r *http.Request, payload string) string {
	h := hmac.New(sha256.New, []byte("outcome\x00"+s.sessionID(r)))
	h.Write([]byte(payload))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// outcome returns the outcome that the page's query names, nil without one.
func (s *Server) outcome(r *http.Request) *pages.Outcome {
	payload, mac, _ := strings.Cut(cookieValue(r, s.flashCookie()), ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || !hmac.Equal([]byte(mac), []byte(s.flashMAC(r, payload))) {
		return nil
	}
	var f flash
	if json.Unmarshal(text, &f) != nil || f.ID != r.URL.Query().Get("done") {
		return nil
	}
	if f.Token != "" {
		f.Outcome.Link, f.Outcome.Until = api.EnrolLink(s.config.PublicURL, f.Token), f.Until
	}
	return &f.Outcome
}

// linkFlash is the outcome of a change that has made a link for the owner.
func linkFlash(key string, e verifier.Enrolment) flash {
	return flash{Outcome: pages.Outcome{Key: key, Name: e.Account}, Token: e.Token, Until: e.Until}
}

// linksAreMade reports whether a link may go to an owner.
func (s *Server) linksAreMade() bool { return api.HasLinks(s.config.PublicURL) }
