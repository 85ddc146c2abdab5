package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"totpctl/totp/session"
)

// errNotSignedIn leads to the sign-in form.
var errNotSignedIn = problem{http.StatusUnauthorized, "not signed in"}

// signedIn lets only requests pass that belong to a session.
func (s *Server) signedIn(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.findSession(r); err != nil {
			return err
		}
		return h(w, r)
	}
}

// findSession records whose session a request belongs to. It returns errNotSignedIn if there is
// none.
func (s *Server) findSession(r *http.Request) error {
	id := s.sessionID(r)
	if id == "" || s.config.Sessions == nil {
		return errNotSignedIn
	}
	holders, by := s.bearers.Load().holders(s.config.AdminAccount)
	i, err := s.config.Sessions.Find(r.Context(), id, holders)
	if errors.Is(err, session.ErrNone) {
		return errNotSignedIn
	}
	if err == nil {
		recordOf(r).origin.By = by[i]
	}
	return err
}

// holders returns the holders of sessions, see package session, and how an Origin names them.
func (all bearers) holders(account string) (found []session.Holder, by []string) {
	for _, b := range all {
		if b.scope == scopeAdmin {
			found, by = append(found, session.Holder{Text: holderOf(b.digest, account), Since: b.since}), append(by, b.by)
		}
	}
	return found, by
}

// holderOf names the account, too: a session that has begun without its code ends when the code
// is asked for.
func holderOf(digest [sha256.Size]byte, account string) string {
	return hex.EncodeToString(digest[:]) + " " + account
}

// sessionCookie is the name of the cookie that has the session's id. A browser takes the prefix
// from https alone, without a Domain and for all paths (RFC 6265bis): no other host can plant
// the cookie. The rest of the name keeps servers apart that share a host, on other ports or
// under other paths.
func (s *Server) sessionCookie() string {
	sum := sha256.Sum256([]byte(origin(s.config.PublicURL) + s.config.PublicURL.EscapedPath()))
	name := "totpctl-admin-" + hex.EncodeToString(sum[:4])
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

func (s *Server) sessionID(r *http.Request) string { return cookieValue(r, s.sessionCookie()) }

// setSession gives the browser a session's id. The empty one takes it away. The cookie ends
// with the browser; the server ends the session before or after.
func (s *Server) setSession(w http.ResponseWriter, id string) {
	var age time.Duration
	if id == "" {
		age = -time.Second
	}
	http.SetCookie(w, s.newCookie(s.sessionCookie(), id, "/", age))
}
