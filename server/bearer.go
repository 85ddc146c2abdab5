package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"totpctl/server/api"
)

// A scope is what a bearer is good for; a greater one includes the smaller.
type scope int

const (
	scopeNone  scope = iota
	scopeCheck       // may check codes
	scopeAdmin       // may do everything
)

// String returns the scope as a record names it.
func (s scope) String() string { return [...]string{"", "check", "admin"}[s] }

// bearers are digests of the bearers of each scope. Digests have one length, so
// comparing them tells nothing of a bearer's length.
type bearers struct{ check, admin []digest }

type digest [sha256.Size]byte

// SetBearers replaces all bearers at once, for the requests from then on. Each of check
// may check codes; there must be one at least. A bearer is as api.ParseBearer wants it. The admin bearer
// may do everything; "" turns that way off. After an error the bearers are as they
// were.
func (s *Server) SetBearers(check []string, admin string) error {
	var next bearers
	var err error
	if next.check, err = digests(check...); err != nil {
		return err
	}
	if len(next.check) == 0 {
		return errors.New("no bearer may check codes")
	}
	if admin != "" {
		if next.admin, err = digests(admin); err != nil {
			return err
		}
	}
	s.bearers.Store(&next)
	return nil
}

func digests(texts ...string) (all []digest, err error) {
	for _, text := range texts {
		if text, err = api.ParseBearer(text); err != nil {
			return nil, err
		}
		all = append(all, sha256.Sum256([]byte(text)))
	}
	return all, nil
}

// hasAdmin reports whether any bearer may do everything.
func (s *Server) hasAdmin() bool { return s.bearers.Load().admin != nil }

// scopeOf returns what a bearer is good for.
func (b *bearers) scopeOf(text string) scope {
	d := digest(sha256.Sum256([]byte(text)))
	switch {
	case d.in(b.admin):
		return scopeAdmin
	case d.in(b.check):
		return scopeCheck
	}
	return scopeNone
}

// in compares with every digest, in constant time.
func (d digest) in(all []digest) bool {
	found := 0
	for i := range all {
		found |= subtle.ConstantTimeCompare(all[i][:], d[:])
	}
	return found == 1
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
