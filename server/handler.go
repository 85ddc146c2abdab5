package server

import (
	"cmp"
	"errors"
	"net/http"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// A handler answers a request, or returns why it does not.
type handler func(w http.ResponseWriter, r *http.Request) error

// methods are the handlers of a path.
type methods map[string]handler

// A kind of route is who may send requests to it from a browser, and who reads its
// errors.
type kind struct {
	browsers func(http.Handler) http.Handler // nil lets pass what browsers let pass
	fail     func(w http.ResponseWriter, r *http.Request, err error)
	maxBody  int64 // in bytes; 0 is api.MaxBody
}

// adapt makes an http.Handler of a handler. It bounds the body, and records and
// answers the error.
func (k kind) adapt(h handler) http.Handler {
	var adapted http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, cmp.Or(k.maxBody, api.MaxBody))
		}
		if err := h(w, r); err != nil {
			recordOf(r).err = err
			k.fail(w, r, err)
		}
	})
	if k.browsers != nil {
		adapted = k.browsers(adapted)
	}
	return adapted
}

// pageKind is for pages whose errors refuse shows. Errors about what no page of ours
// sends, and of showing a page, are answered as fail does.
func (s *Server) pageKind(refuse func(http.ResponseWriter, *http.Request, error)) kind {
	return kind{browsers: s.protection.Handler, fail: func(w http.ResponseWriter, r *http.Request, err error) {
		switch status, _ := answerTo(err); status {
		case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusInternalServerError:
			s.fail(w, r, err)
		default:
			refuse(w, r, err)
		}
	}}
}

// audited has the witness told of a request that the handler refuses. Without a witness's
// record there is no answer to a guessed bearer or link either.
func (s *Server) audited(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if why := refusalOf(err); why != "" {
			if why == verifier.RefusedLink {
				recordOf(r).origin.By = "" // a stranger
			}
			if told := s.config.Verifier.Refuse(r.Context(), why); told != nil {
				w.Header().Del("WWW-Authenticate")
				return told
			}
		}
		return err
	}
}

func refusalOf(err error) verifier.Refusal {
	p, ok := errors.AsType[problem](err)
	_, isSignIn := errors.AsType[signInError](err)
	switch {
	case isSignIn:
		return verifier.RefusedSignIn
	case err == errNotSignedIn: // the way to the sign-in form
		return ""
	case errors.Is(err, verifier.ErrLink):
		return verifier.RefusedLink
	case ok && p.status == http.StatusUnauthorized:
		return verifier.RefusedBearer
	case ok && p.status == http.StatusForbidden:
		return verifier.RefusedScope
	}
	return ""
}

// allow lets only requests pass whose bearer has the scope, or a wider one.
func (s *Server) allow(wanted scope, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		has, by := s.bearers.Load().find(bearer(r))
		rec := recordOf(r)
		rec.origin.By, rec.scope = by, has
		switch {
		case has == scopeNone:
			challenge(w, r, invalidToken)
			return problem{http.StatusUnauthorized, "no bearer, or not the right one"}
		case has < wanted:
			challenge(w, r, insufficientScope)
			return problem{http.StatusForbidden, "this bearer may check codes only"}
		}
		return h(w, r)
	}
}
