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

// read are the methods of a path that only shows something.
func read(h handler) methods { return methods{"GET": h, "HEAD": h} }

// form are the methods of a page with a form, which is sent to the page's own path.
func form(show, send handler) methods { return methods{"GET": show, "HEAD": show, "POST": send} }

// table returns all routes.
func (s *Server) table() []route {
	v := s.config.Verifier
	programs, apps := kind{fail: s.fail}, kind{browsers: s.crossOrigin, fail: s.fail}
	setup, enrol := s.pageKind(s.refuse), s.pageKind(s.refuseLink)
	check := func(h handler) handler { return s.allow(scopeCheck, h) }
	admin := func(h handler) handler { return s.allow(scopeAdmin, h) }
	adminPage, namesPage := s.pageKind(s.refuseAdmin), s.pageKind(s.refuseAdmin)
	namesPage.maxBody = maxNamesBody
	var recover methods // none: there is no such page
	if s.recoverable() {
		recover = form(s.getRecover, s.postRecover)
	}
	return []route{
		{"/check", apps, methods{"POST": check(s.postCheck), "OPTIONS": preflight}},
		{"/check/{code}", apps, methods{"GET": check(s.getCheck), "OPTIONS": preflight}},

		{"/{$}", setup, form(s.getSetup, s.postSetup)},
		{"/enrol/{token}", enrol, form(s.getEnrol, s.postEnrol)},
		{"/enrolled", setup, read(s.getEnrolled)},
		{"/recover", s.pageKind(s.refuseRecover), recover},
		{"/app", programs, read(s.getApp)},
		{"/app/{$}", programs, read(withoutSlash)},
		{"/enrol/{token}/{$}", programs, read(withoutSlash)},
		{"/scope", programs, methods{"GET": check(s.getScope)}},
		{"/favicon.ico", programs, read(s.getFavicon)},
		{"/static/{file}", programs, read(s.getStatic)},

		{"/admin", adminPage, read(s.signedIn(s.getAdmin))},
		{"/admin/{$}", adminPage, read(toAdmin)},
		{"/admin/add", namesPage, form(s.signedIn(s.getAdd), s.signedIn(s.postAdd))},
		{"/admin/account", adminPage, read(s.signedIn(s.getAdminAccount))},
		{"/admin/account/{action}", adminPage, form(s.signedIn(s.getAdminConfirm), s.signedIn(s.postAdminAccount))},
		{"/admin/sign-in", adminPage, form(s.getSignIn, s.postSignIn)},
		{"/admin/sign-out", adminPage, methods{"POST": s.postSignOut}},

		{"/accounts", programs, methods{"GET": admin(s.getAccounts), "POST": admin(s.postAccounts)}},
		{"/accounts/{account}", programs, methods{"GET": check(s.getAccount), "DELETE": admin(s.deleteAccount)}},
		{"/accounts/{account}/confirm", programs, methods{"POST": admin(s.postConfirm)}},
		{"/accounts/{account}/rekey", programs, methods{"POST": admin(s.postRekey)}},
		{"/accounts/{account}/recovery-codes", programs, methods{"POST": admin(s.postRecoveryCodes)}},
		{"/accounts/{account}/unlock", programs, methods{"POST": admin(s.change(v.Unlock))}},
		{"/accounts/{account}/disable", programs, methods{"POST": admin(s.change(v.Disable))}},

		{"/openapi.json", programs, read(s.getOpenAPI)},
		{"/healthz", programs, read(getHealth)},
		{"/readyz", programs, read(s.getReady)},
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
