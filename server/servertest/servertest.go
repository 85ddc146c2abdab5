// Package servertest starts a totpctl server for tests: the real one, on a SQLite
// store of its own, with a Clock that the test moves and a Log that it reads.
//
//	s := servertest.New(t, servertest.Options{})
//	key, recoveryCodes := s.Enrol("alice")
//	s.Clock.Advance(key.Period())
//	http.Get(s.URL + "/check/" + totptest.Code(t, key, s.Clock.Now()))
//
// Each of its answers is held to the server's OpenAPI document.
package servertest

import (
	"bytes"
	"cmp"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/totp"
	"totpctl/totp/session"
	"totpctl/totp/sqlstore"
	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

// What a Server has unless Options say something else.
const (
	Secret      = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" // of the default account; gozxing reads its QR code
	Issuer      = "TOTP Example"
	Account     = "gonzalo123.com"
	CheckBearer = "check-bearer-0123456789"
	AdminBearer = "admin-bearer-0123456789"
	Origin      = "http://localhost:8100" // the prototype's Ionic app
)

// Options change a Server. The zero Options change nothing.
type Options struct {
	Issuer, Account string // of the default account; both are the constants' if Account is empty

	// NoEncryptionKey leaves the store without one: no account can be added.
	NoEncryptionKey bool

	// Witness is told of the events; nil is none.
	Witness verifier.Witness

	// AdminAccount is asked for its code by the sign-in of /admin.
	AdminAccount string
	// SelfService has the page /recover.
	SelfService bool

	// Clock is the server's; nil is one of NewClock.
	Clock *Clock

	// TLS serves HTTPS with net/http/httptest's certificate.
	TLS bool
	// Prefix is the path under which people reach the server, such as "/second".
	Prefix string
	// Before wraps the server's handler. nil is the handler alone.
	Before func(http.Handler) http.Handler
}

// A Server is listening until the test ends.
type Server struct {
	Held
	URL      string // how people reach the server: with Options.Prefix, without a slash at its end
	HTTP     *httptest.Server
	Entry    totp.Entry // the default account's
	Clock    *Clock
	Log      *Log // JSON
	Store    sqlstore.Store
	Verifier *verifier.Verifier

	Path           string // of the database
	EncryptionKeys [][]byte

	adminAccount string
	selfService  bool

	t testing.TB
}

// New starts a server on a new database. It fails the test if that is not
// possible.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Account == "" {
		o.Issuer, o.Account = Issuer, Account
	}
	s := &Server{t: t, adminAccount: o.AdminAccount, selfService: o.SelfService, Clock: cmp.Or(o.Clock, NewClock()), Log: &Log{}, Entry: Entry(t, o.Issuer, o.Account)}
	if !o.NoEncryptionKey {
		s.EncryptionKeys = [][]byte{bytes.Repeat([]byte("k"), 32)}
	}
	s.Path = filepath.Join(t.TempDir(), "totpctl.db")
	s.Store = s.OpenStore()
	s.Verifier = must(verifier.New(verifier.Config{Store: s.Store, Clock: s.Clock.Now, Key: s.Entry.Key, Skew: totp.DefaultSkew,
		New: totp.DefaultScheme(), Issuer: o.Issuer, Witness: o.Witness, RefusalTime: 10 * time.Millisecond}))(t)
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	if o.Before != nil {
		handler = o.Before(handler)
	}
	s.HTTP = httptest.NewUnstartedServer(http.StripPrefix(o.Prefix, handler))
	t.Cleanup(s.HTTP.Close)
	s.start(o)
	return s
}

func (s *Server) start(o Options) {
	s.t.Helper()
	scheme := "http"
	if o.TLS {
		scheme = "https"
	}
	s.URL = scheme + "://" + s.HTTP.Listener.Addr().String() + o.Prefix
	s.Held = s.Another(s.URL, nil)
	if o.TLS {
		s.HTTP.StartTLS()
		return
	}
	s.HTTP.Start()
}

// OpenStore opens the server's database once more, as another process would.
func (s *Server) OpenStore() sqlstore.Store {
	s.t.Helper()
	store := must(sqlstore.Open(s.t.Context(), sqlstore.Config{URL: "sqlite:" + s.Path, EncryptionKeys: s.EncryptionKeys}))(s.t)
	s.t.Cleanup(func() { store.Close() })
	return store
}

// Another returns a second server for the same accounts, which people reach at the
// public URL. It does not listen. change may alter its configuration; nil does not.
func (s *Server) Another(public string, change func(*server.Config)) Held {
	s.t.Helper()
	return Held{s.another(public, change), s.contract(), s.t}
}

func (s *Server) another(public string, change func(*server.Config)) *server.Server {
	s.t.Helper()
	c := server.Config{
		Verifier: s.Verifier, Entry: s.Entry, Bearers: []string{CheckBearer, "old-" + CheckBearer}, Admins: []string{AdminBearer, "old-" + AdminBearer},
		PublicURL: must(url.Parse(public))(s.t), Origins: []string{Origin}, Clock: s.Clock.Now,
		Sessions: session.New(s.Store, s.Clock.Now), AdminAccount: s.adminAccount, SelfService: s.selfService,
		Log: slog.New(slog.NewJSONHandler(s.Log, nil)),
	}
	if change != nil {
		change(&c)
	}
	return must(server.New(c))(s.t)
}

// Code returns the default account's code now.
func (s *Server) Code() string { return s.CodeOf(s.Entry.Key) }

// CodeOf returns a key's code now.
func (s *Server) CodeOf(k totp.Key) string {
	s.t.Helper()
	return totptest.Code(s.t, k, s.Clock.Now())
}

// WrongCode returns a code that is not the default account's now.
func (s *Server) WrongCode() string { return s.WrongCodeOf(s.Entry.Key) }

// WrongCodeOf returns a code that is not the key's now.
func (s *Server) WrongCodeOf(k totp.Key) string { return totptest.WrongCode(k, s.Clock.Now()) }

// Enrol adds an account and confirms it with its code of now, which is used up.
func (s *Server) Enrol(name string) (k totp.Key, recoveryCodes []string) {
	s.t.Helper()
	e := must(s.Verifier.Add(s.t.Context(), name))(s.t)
	verdict, codes, err := s.Verifier.Confirm(s.t.Context(), name, s.CodeOf(e.Entry.Key), verifier.RequestID{})
	if err != nil || !verdict.Valid {
		s.t.Fatalf("confirming %s: %+v, %v", name, verdict, err)
	}
	return e.Entry.Key, codes
}

// Entry returns an entry with a key of Secret. The issuer may be empty.
func Entry(t testing.TB, issuer, account string) totp.Entry {
	t.Helper()
	key := must(totp.NewKey(must(totp.ParseSecret(Secret))(t), totp.DefaultScheme()))(t)
	return must(totp.NewEntry(issuer, account, key))(t)
}

// must returns a function that returns the value, or fails the test with the error.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
