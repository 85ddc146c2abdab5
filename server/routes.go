package server

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

// A route is a path and its handler for each method. A path answers every other
// method with 405, and HEAD only if it is named: net/http would run a GET handler for
// it, which uses up a code.
type route struct {
	path string
	kind
	methods
}

// table returns all routes.
func (s *Server) table() []route {
	programs, apps := kind{fail: s.fail}, kind{browsers: s.crossOrigin, fail: s.fail}
	setup, enrol := s.pageKind(s.refuse), s.pageKind(s.refuseLink)
	check := func(h handler) handler { return s.allow(scopeCheck, h) }
	admin := func(h handler) handler { return s.allow(scopeAdmin, h) }
	adminPage, namesPage := s.pageKind(s.refuseAdmin), s.pageKind(s.refuseAdmin)
	namesPage.maxBody = maxNamesBody
	var recover methods // none: there is no such page
	if s.recoverable() {
		recover = methods{"GET": s.getRecover, "HEAD": s.getRecover, "POST": s.postRecover}
	}
	return []route{
		{"/check", apps, methods{"POST": check(s.postCheck), "OPTIONS": preflight}},
		{"/check/{code}", apps, methods{"GET": check(s.getCheck), "OPTIONS": preflight}},

		{"/{$}", setup, methods{"GET": s.getSetup, "HEAD": s.getSetup, "POST": s.postSetup}},
		{"/enrol/{token}", enrol, methods{"GET": s.getEnrol, "HEAD": s.getEnrol, "POST": s.postEnrol}},
		{"/enrolled", setup, methods{"GET": s.getEnrolled, "HEAD": s.getEnrolled}},
		{"/recover", s.pageKind(s.refuseRecover), recover},
		{"/app", programs, methods{"GET": s.getApp, "HEAD": s.getApp}},
		{"/app/{$}", programs, methods{"GET": withoutSlash, "HEAD": withoutSlash}},
		{"/enrol/{token}/{$}", programs, methods{"GET": withoutSlash, "HEAD": withoutSlash}},
		{"/scope", programs, methods{"GET": check(s.getScope)}},
		{"/favicon.ico", programs, methods{"GET": s.getFavicon, "HEAD": s.getFavicon}},
		{"/static/{file}", programs, methods{"GET": s.getStatic, "HEAD": s.getStatic}},

		{"/admin", adminPage, methods{"GET": s.signedIn(s.getAdmin), "HEAD": s.signedIn(s.getAdmin)}},
		{"/admin/{$}", adminPage, methods{"GET": toAdmin, "HEAD": toAdmin}},
		{"/admin/add", namesPage, methods{"GET": s.signedIn(s.getAdd), "HEAD": s.signedIn(s.getAdd), "POST": s.signedIn(s.postAdd)}},
		{"/admin/account", adminPage, methods{"GET": s.signedIn(s.getAdminAccount), "HEAD": s.signedIn(s.getAdminAccount)}},
		{"/admin/account/{action}", adminPage, methods{"GET": s.signedIn(s.getAdminConfirm), "HEAD": s.signedIn(s.getAdminConfirm), "POST": s.signedIn(s.postAdminAccount)}},
		{"/admin/sign-in", adminPage, methods{"GET": s.getSignIn, "HEAD": s.getSignIn, "POST": s.postSignIn}},
		{"/admin/sign-out", adminPage, methods{"POST": s.postSignOut}},

		{"/accounts", programs, methods{"GET": admin(s.getAccounts), "POST": admin(s.postAccounts)}},
		{"/accounts/{account}", programs, methods{"GET": check(s.getAccount), "DELETE": admin(s.deleteAccount)}},
		{"/accounts/{account}/confirm", programs, methods{"POST": admin(s.postConfirm)}},
		{"/accounts/{account}/rekey", programs, methods{"POST": admin(s.postRekey)}},
		{"/accounts/{account}/recovery-codes", programs, methods{"POST": admin(s.postRecoveryCodes)}},
		{"/accounts/{account}/unlock", programs, methods{"POST": admin(s.postUnlock)}},
		{"/accounts/{account}/disable", programs, methods{"POST": admin(s.postDisable)}},

		{"/openapi.json", programs, methods{"GET": s.getOpenAPI, "HEAD": s.getOpenAPI}},
		{"/healthz", programs, methods{"GET": getHealth, "HEAD": getHealth}},
		{"/readyz", programs, methods{"GET": s.getReady, "HEAD": s.getReady}},
		{"/", programs, nil},
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.table() {
		for method, h := range r.methods {
			r.methods[method] = s.audited(h)
		}
		r.register(mux)
	}
	return cleaned(mux)
}

func (r route) register(mux *http.ServeMux) {
	other := r.adapt(notAllowed(slices.Sorted(maps.Keys(r.methods))))
	mux.Handle(r.path, other)
	for method, h := range r.methods {
		mux.Handle(method+" "+r.path, r.adapt(h))
	}
	if r.methods["GET"] != nil && r.methods["HEAD"] == nil {
		mux.Handle("HEAD "+r.path, other)
	}
}

// notAllowed answers to a method that is not one of the allowed; without any there is
// no such path.
func notAllowed(allowed []string) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		if len(allowed) == 0 {
			return errNoPage
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return problem{http.StatusMethodNotAllowed, "method not allowed: want " + strings.Join(allowed, " or ")}
	}
}

// withoutSlash redirects to a path without the slash at its end, relative because a proxy
// may have put the server under a prefix.
func withoutSlash(w http.ResponseWriter, r *http.Request) error {
	to := "../" + path.Base(r.URL.EscapedPath())
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// cleaned redirects to a path without "//", "." and "..", as ServeMux would. ServeMux
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

// getHealth answers as long as the process runs.
func getHealth(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

// getReady answers as long as there could be a verdict: the store answers, and the audit log
// can be written.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request) error {
	if err := s.config.Verifier.Ready(r.Context()); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
