package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"totpctl/server/api"
)

// A scope is what a bearer is good for; a greater one includes the smaller.
type scope int

const (
	scopeNone  scope = iota
	scopeCheck       // may check codes, and ask for the status of an account
	scopeAdmin       // may do everything
)

// bearers are those of all scopes.
type bearers []knownBearer

// A knownBearer is kept as a digest. Digests have one length, so comparing them tells nothing
// of a bearer's length.
type knownBearer struct {
	digest [sha256.Size]byte
	scope  scope
	by     string // as an Origin names the bearer
	// since is when the bearer came to those before it, zero of the first: whoever takes a bearer
	// out and puts it back ends its sessions.
	since time.Time
}

// SetBearers replaces all bearers at once, for the requests from then on. Each of check
// may check codes; there must be one at least. Each of admin may do everything; without any
// that way is off. A bearer is as api.ParseBearer wants it, and has one scope. After an error
// the bearers are as they were.
func (s *Server) SetBearers(check, admin []string) error {
	if len(check) == 0 {
		return errors.New("no bearer may check codes")
	}
	next := make(bearers, 0, len(check)+len(admin))
	for scope, texts := range map[scope][]string{scopeCheck: check, scopeAdmin: admin} {
		for _, text := range texts {
			if _, err := api.ParseBearer(text); err != nil {
				return err
			}
			if has, _ := next.find(text); has != scopeNone && has != scope {
				return errors.New("a bearer has two scopes")
			}
			digest := sha256.Sum256([]byte(text))
			next = append(next, knownBearer{digest, scope, s.config.Verifier.ByBearer(text), s.since(digest)})
		}
	}
	s.bearers.Store(&next)
	return nil
}

// since returns from when on a bearer of the next bearers counts.
func (s *Server) since(digest [sha256.Size]byte) time.Time {
	before := s.bearers.Load()
	if before == nil {
		return time.Time{}
	}
	if i := slices.IndexFunc(*before, func(b knownBearer) bool { return b.digest == digest }); i >= 0 {
		return (*before)[i].since
	}
	return s.config.Clock()
}

// hasAdmin reports whether any bearer may do everything.
func (s *Server) hasAdmin() bool {
	return slices.ContainsFunc(*s.bearers.Load(), func(b knownBearer) bool { return b.scope == scopeAdmin })
}

// find returns what a bearer is good for, and its name in an Origin. It compares with every
// digest, in constant time.
func (all bearers) find(text string) (has scope, by string) {
	d, found := sha256.Sum256([]byte(text)), -1
	for i := range all {
		equal := subtle.ConstantTimeCompare(all[i].digest[:], d[:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return scopeNone, ""
	}
	return all[found].scope, all[found].by
}

// getScope tells what the request's bearer is good for.
func (s *Server) getScope(w http.ResponseWriter, r *http.Request) error {
	name := "check"
	if recordOf(r).scope == scopeAdmin {
		name = "admin"
	}
	return writeJSON(w, http.StatusOK, map[string]string{"scope": name})
}

// bearer returns the token of RFC 6750's Authorization header, "" without one.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// The failures of RFC 6750 section 3.1.
const (
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
)

// challenge says what a route that takes bearers wants (RFC 6750 section 3). Only a
// caller who has sent a token is told of the failure.
func challenge(w http.ResponseWriter, r *http.Request, failure string) {
	text := `Bearer realm="totpctl"`
	if bearer(r) != "" {
		text += `, error="` + failure + `"`
	}
	w.Header().Set("WWW-Authenticate", text)
}
