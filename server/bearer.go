package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
)

// bearers are the SHA-256 digests of bearers of one scope: digests have one
// length, so comparing them tells nothing of a bearer's own.
type bearers [][sha256.Size]byte

func newBearers(texts ...string) (bearers, error) {
	var b bearers
	for _, t := range texts {
		if t == "" {
			return nil, errors.New("a bearer is empty")
		}
		b = append(b, sha256.Sum256([]byte(t)))
	}
	return b, nil
}

// allow compares with every bearer, in constant time.
func (b bearers) allow(text string) bool {
	digest := sha256.Sum256([]byte(text))
	found := 0
	for i := range b {
		found |= subtle.ConstantTimeCompare(b[i][:], digest[:])
	}
	return found == 1
}

// The scopes are what bearers are good for.
type scopes struct{ check, admin bearers }

// SetBearers replaces all bearers at once, for the requests from then on. Each of
// check may check codes: it wants one at least, and none empty. The admin bearer
// may do everything; "" turns that way off. After an error the bearers are as
// they were.
func (s *Server) SetBearers(check []string, admin string) error {
	var next scopes
	var err error
	if next.check, err = newBearers(check...); err != nil {
		return err
	}
	if len(next.check) == 0 {
		return errors.New("no bearer may check codes")
	}
	if admin != "" {
		if next.admin, err = newBearers(admin); err != nil {
			return err
		}
	}
	s.scopes.Store(&next)
	return nil
}

// admin is nil where no bearer may do everything.
func (s *Server) admin() bearers { return s.scopes.Load().admin }

// bearer returns the token of RFC 6750's Authorization header, "" if there is
// none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authorized lets only requests through that carry a bearer of either scope.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, now := bearer(r), s.scopes.Load()
		if !now.check.allow(token) && !now.admin.allow(token) {
			challenge(w, r, invalidToken)
			writeError(w, problem{http.StatusUnauthorized, "no bearer, or not the right one"})
			return
		}
		next(w, r)
	}
}
