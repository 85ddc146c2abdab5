package server

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// A route is a path and its handler for each method. A path answers every other
// method with 405, and HEAD only where it names it: net/http would run a GET
// handler for it, which uses up a code.
type route struct {
	path    string
	methods map[string]http.HandlerFunc
	wrap    func(http.Handler) http.Handler // nil for none
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range []route{
		{"/check", map[string]http.HandlerFunc{"POST": s.authorized(s.postCheck), "OPTIONS": preflight}, s.crossOrigin},
		{"/check/{code}", map[string]http.HandlerFunc{"GET": s.authorized(s.getCheck), "OPTIONS": preflight}, s.crossOrigin},
		{"/{$}", map[string]http.HandlerFunc{"GET": s.getSetup, "HEAD": s.getSetup, "POST": s.postSetup}, s.sameOrigin},
		{"/enrol/{token}", map[string]http.HandlerFunc{"GET": s.getEnrol, "HEAD": s.getEnrol, "POST": s.postEnrol}, s.sameOrigin},
		{"/app", map[string]http.HandlerFunc{"GET": s.getApp, "HEAD": s.getApp}, nil},
		{"/static/{file}", map[string]http.HandlerFunc{"GET": s.getStatic, "HEAD": s.getStatic}, nil},
		{"/accounts", map[string]http.HandlerFunc{"GET": s.administered(s.getAccounts), "POST": s.administered(s.postAccounts)}, nil},
		{"/accounts/{account}", map[string]http.HandlerFunc{"GET": s.administered(s.getAccount), "DELETE": s.administered(s.deleteAccount)}, nil},
		{"/accounts/{account}/confirm", map[string]http.HandlerFunc{"POST": s.administered(s.postConfirm)}, nil},
		{"/accounts/{account}/rekey", map[string]http.HandlerFunc{"POST": s.administered(s.postRekey)}, nil},
		{"/accounts/{account}/recovery-codes", map[string]http.HandlerFunc{"POST": s.administered(s.postRecoveryCodes)}, nil},
		{"/accounts/{account}/unlock", map[string]http.HandlerFunc{"POST": s.administered(s.postUnlock)}, nil},
		{"/accounts/{account}/disable", map[string]http.HandlerFunc{"POST": s.administered(s.postDisable)}, nil},
		{"/healthz", map[string]http.HandlerFunc{"GET": healthz, "HEAD": healthz}, nil},
		{"/readyz", map[string]http.HandlerFunc{"GET": s.readyz, "HEAD": s.readyz}, nil},
		{"/", nil, nil},
	} {
		r.register(mux)
	}
	return cleaned(mux)
}

// cleaned redirects to a path without "//", "." and "..", as ServeMux would. That
// escapes once more what is escaped already, and so names another account.
func cleaned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.URL.EscapedPath()
		clean := path.Clean(asked)
		if strings.HasSuffix(asked, "/") && clean != "/" {
			clean += "/"
		}
		if clean == asked || !strings.HasPrefix(asked, "/") {
			next.ServeHTTP(w, r)
			return
		}
		if r.URL.RawQuery != "" {
			clean += "?" + r.URL.RawQuery
		}
		r.Pattern = "/" // for the log
		http.Redirect(w, r, clean, http.StatusTemporaryRedirect)
	})
}

func (r route) register(mux *http.ServeMux) {
	var allow []string
	for method := range r.methods {
		allow = append(allow, method)
	}
	slices.Sort(allow)
	r.handle(mux, r.path, otherwise(allow))
	for method, h := range r.methods {
		r.handle(mux, method+" "+r.path, h)
	}
	if r.methods["GET"] != nil && r.methods["HEAD"] == nil {
		r.handle(mux, "HEAD "+r.path, otherwise(allow))
	}
}

func (r route) handle(mux *http.ServeMux, pattern string, h http.Handler) {
	if r.wrap != nil {
		h = r.wrap(h)
	}
	mux.Handle(pattern, h)
}

// otherwise answers a method, or a path, that there is not.
func otherwise(allow []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(allow) == 0 {
			writeError(w, problem{http.StatusNotFound, "no such page"})
			return
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		writeError(w, problem{http.StatusMethodNotAllowed, "method not allowed: want " + strings.Join(allow, " or ")})
	}
}

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

// preflight answers the question that a browser asks before it sends the
// headers of the prototype's app. It needs no bearer: browsers send none.
func preflight(w http.ResponseWriter, _ *http.Request) {
	if h := w.Header(); h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// sameOrigin refuses changes that another site's page asks for: a browser sends
// HTTP Basic credentials on its own.
func (s *Server) sameOrigin(next http.Handler) http.Handler { return s.protection.Handler(next) }

func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.config.Verifier.Ready(r.Context()); err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
