package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/server/servertest"
	"totpctl/totp/session"
)

func TestASignInLeadsToWhereItWasAskedFor(t *testing.T) {
	f := newFixture(t)
	b := newBrowser(t, f)
	b.wantSignedIn("before", false)
	b.signIn("next", "https://evil.example/").wantRedirect(t, "../admin")
	b.wantSignedIn("afterwards", true)
	for next, want := range map[string]string{
		"": "../", "admin": "../admin", "admin/account?name=bob%2Fx": "../admin/account?name=bob%2Fx",
		"//evil.example/": "../admin", "/admin": "../admin", `\\evil.example`: "../admin", "javascript:alert(1)": "../admin", "admin/../../evil": "../admin", "%zz": "../admin",
	} {
		b.post("/admin/sign-in", "bearer", adminBearer, "next", next).wantRedirect(t, want)
	}
	b.get("/admin/sign-in").wantRedirect(t, "../admin")
	b.post("/admin/sign-out").wantRedirect(t, "sign-in?out=1")
	b.wantSignedIn("after the sign-out", false)
	if r := b.get("/admin/sign-in?out=1"); r.status != 200 || !strings.Contains(r.text, "You are signed out.") {
		t.Errorf("the page after a sign-out is %d %s", r.status, r.text)
	}
}

func TestNoBrowserIsAskedForAPassword(t *testing.T) {
	f := newFixture(t)
	for _, headers := range [][]string{{"Accept", "*/*"}, {"Sec-Fetch-Mode", "cors"}} { // one is enough
		r := newBrowser(t, f).send("GET", "/", nil, headers...)
		if challenge := r.header.Get("WWW-Authenticate"); r.status != 401 || strings.HasPrefix(challenge, "Basic") || challenge == "" || !strings.Contains(r.text, `type="password"`) {
			t.Errorf("with %v a navigation gets %d, %q, %s", headers, r.status, challenge, r.text)
		}
	}
	r := f.do("GET", "/", "", "")
	if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic") {
		t.Errorf("a program gets %v", r.header)
	}
	for _, path := range []string{"/admin/sign-in"} {
		if r := newBrowser(t, f).post(path, "bearer", "wrong"); r.status != 401 || strings.Contains(r.header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: %d %v", path, r.status, r.header)
		}
	}
}

func TestASessionsCookieIsForThisServerAlone(t *testing.T) {
	for name, c := range map[string]struct {
		options servertest.Options
		prefix  string
		secure  bool
	}{
		"http":       {servertest.Options{}, "totpctl-admin-", false},
		"https":      {servertest.Options{TLS: true}, "__Host-totpctl-admin-", true},
		"a sub-path": {servertest.Options{TLS: true, Prefix: "/second"}, "__Host-totpctl-admin-", true},
	} {
		f := newFixture(t, c.options)
		b := signedIn(t, f)
		i := slices.IndexFunc(b.set, func(c *http.Cookie) bool { return strings.Contains(c.Name, "totpctl-admin-") })
		got := b.set[i]
		if !strings.HasPrefix(got.Name, c.prefix) || got.Path != "/" || got.Domain != "" || !got.HttpOnly || got.Secure != c.secure || got.SameSite != http.SameSiteStrictMode || len(got.Value) < 22 || got.MaxAge != 0 {
			t.Errorf("%s: the cookie is %+v", name, got)
		}
	}
	one, two := newFixture(t, servertest.Options{TLS: true}), newFixture(t, servertest.Options{TLS: true, Prefix: "/second"})
	if a, b := signedIn(t, one).sessionCookie(), signedIn(t, two).sessionCookie(); a == b {
		t.Errorf("two servers have a cookie of one name, %s", a)
	}
}

func TestASignInGivesAFreshID(t *testing.T) {
	f := newFixture(t)
	victim := signedIn(t, f)
	name := victim.sessionCookie()
	planted := victim.cookies[name].Value
	fresh := newBrowser(t, f)
	for _, id := range []string{strings.Repeat("A", 26), planted} {
		fresh.cookies[name] = &http.Cookie{Name: name, Value: id}
		fresh.signIn()
		if got := fresh.cookies[name].Value; got == id {
			t.Error("a sign-in took the id that the browser had")
		}
	}
	thief := newBrowser(t, f)
	thief.cookies[name] = &http.Cookie{Name: name, Value: planted}
	thief.wantSignedIn("with the id that was there before the sign-in", false)
}

func TestAStolenCookieIsWorthNothingAfterTheSignOut(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	thief := newBrowser(t, f)
	for name, c := range b.cookies {
		thief.cookies[name] = c
	}
	thief.wantSignedIn("before the sign-out", true)
	b.post("/admin/sign-out")
	thief.wantSignedIn("after the sign-out", false)
}

func TestASessionEndsOnEveryReplica(t *testing.T) {
	f := newFixture(t)
	replica := f.Another(f.URL, func(c *server.Config) { c.Sessions = session.New(f.OpenStore(), f.Clock.Now) })
	b := signedIn(t, f)
	there := newBrowser(t, replica)
	there.cookies = b.cookies
	there.wantSignedIn("on the replica", true)
	kept := *b.cookies[b.sessionCookie()]
	there.post("/admin/sign-out")
	b.cookies = map[string]*http.Cookie{kept.Name: &kept}
	b.wantSignedIn("after the sign-out on the replica", false)
}

func TestASessionEndsWithItsBearer(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	const next = "another-admin-bearer-0123456789"
	if err := f.SetBearers([]string{checkBearer}, []string{next, adminBearer}); err != nil {
		t.Fatal(err)
	}
	b.wantSignedIn("while the bearer is one of two", true)
	if err := f.SetBearers([]string{checkBearer}, []string{next}); err != nil {
		t.Fatal(err)
	}
	b.wantSignedIn("without its bearer", false)
	if err := f.SetBearers([]string{checkBearer}, nil); err != nil {
		t.Fatal(err)
	}
	b.wantSignedIn("without any", false)
	if r := b.signIn(); r.status != 401 || !strings.Contains(r.text, "has no") {
		t.Errorf("a sign-in without any ADMIN_BEARER is %d %s", r.status, r.text)
	}
	for _, bearer := range []string{checkBearer, "", " "} {
		if err := f.SetBearers([]string{checkBearer}, []string{next}); err != nil {
			t.Fatal(err)
		}
		if r := b.post("/admin/sign-in", "bearer", bearer); r.status != 401 {
			t.Errorf("a sign-in with %q is %d", bearer, r.status)
		}
	}
}

func TestASessionDoesNotComeBackWithItsBearer(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	for _, admins := range [][]string{nil, {adminBearer}} {
		f.Clock.Advance(time.Second)
		if err := f.SetBearers([]string{checkBearer}, admins); err != nil {
			t.Fatal(err)
		}
	}
	b.wantSignedIn("after its bearer was out and in again", false)
	next := signedIn(t, f)
	if err := f.SetBearers([]string{checkBearer}, []string{adminBearer}); err != nil {
		t.Fatal(err)
	}
	next.wantSignedIn("after a reload of the same bearers", true)
}

func TestASessionIsIdleForHalfAnHourAtMost(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	for range 3 {
		f.Clock.Advance(session.IdleTime - time.Second)
		b.wantSignedIn("within half an hour", true)
	}
	f.Clock.Advance(session.IdleTime)
	b.wantSignedIn("after half an hour", false)
}

func TestAnotherSitesFormSignsNobodyInOrOut(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "same-site", "Origin", "https://other.example"},
		{"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		for path, form := range map[string]url.Values{"/admin/sign-out": {}, "/admin/sign-in": {"bearer": {adminBearer}}} {
			if r := b.send("POST", path, form, headers...); r.status != 403 || len(b.set) > 0 {
				t.Errorf("%v: %s is %d and sets %v", headers, path, r.status, b.set)
			}
		}
	}
	b.wantSignedIn("afterwards", true)
}

func TestWithADMIN_ACCOUNTASignInAsksForItsCode(t *testing.T) {
	w := &witness{}
	f := newFixture(t, servertest.Options{AdminAccount: "root", Witness: w})
	b := newBrowser(t, f)
	if r := b.signIn("code", "123456"); r.status != 503 || !strings.Contains(r.text, "no account of the name") {
		t.Errorf("without the account a sign-in is %d %s", r.status, r.text)
	}
	k, codes := f.Enrol("root")
	f.Clock.Advance(k.Period())
	if r := b.get("/admin/sign-in"); !strings.Contains(r.text, `name="code"`) {
		t.Errorf("the form does not ask for the code: %s", r.text)
	}
	w.take()
	for _, c := range []struct{ bearer, code, want string }{
		{"wrong", f.CodeOf(k), "This is not the"},
		{adminBearer, "", "neither a code nor a recovery code"},
		{adminBearer, f.WrongCodeOf(k), "the code is not valid"},
	} {
		if r := b.post("/admin/sign-in", "bearer", c.bearer, "code", c.code); r.status != 401 || !strings.Contains(r.text, c.want) || len(b.cookies) > 0 {
			t.Errorf("with %+v a sign-in is %d %s", c, r.status, r.text)
		}
	}
	by := f.Verifier.ByBearer(adminBearer)
	want := []string{"refusebad_sign_in  by ", "check root by " + by, "refusebad_sign_in  by " + by, "check root by " + by, "refusebad_sign_in  by " + by}
	for i := range want {
		want[i] += " from 192.0.2.7"
	}
	if told := w.take(); !slices.Equal(told, want) {
		t.Errorf("told are %q, want %q", told, want)
	}
	code := f.CodeOf(k)
	b.signIn("code", code).wantRedirect(t, "../admin")
	b.wantSignedIn("with bearer and code", true)
	if told := w.take(); !slices.Equal(told, []string{"check root by " + by + " from 192.0.2.7", "admin.sign_in  by " + by + " from 192.0.2.7"}) {
		t.Errorf("told are %q", told)
	}
	if r := newBrowser(t, f).signIn("code", code); r.status != 401 || !strings.Contains(r.text, "used already") {
		t.Errorf("the second time the code is %d %s", r.status, r.text)
	}
	newBrowser(t, f).signIn("code", " "+strings.ToLower(codes[0])+" ").wantRedirect(t, "../admin")
	for range 3 {
		newBrowser(t, f).signIn("code", f.WrongCodeOf(k))
	}
	if r := newBrowser(t, f).signIn("code", f.CodeOf(k)); r.status != 401 || r.header.Get("Retry-After") == "" || !strings.Contains(r.text, "too many wrong codes") {
		t.Errorf("while the account waits a sign-in is %d %s", r.status, r.text)
	}

	without := f.Another(f.URL, func(c *server.Config) { c.AdminAccount = "" })
	one := signedIn(t, without)
	one.handler = f
	one.wantSignedIn("with a session that has begun without the code", false)
}

func TestSessionsOfManySignInsAreBounded(t *testing.T) {
	f := newFixture(t)
	first := signedIn(t, f)
	for range session.Most {
		f.Clock.Advance(time.Millisecond)
		if r := newBrowser(t, f).signIn(); r.status != 303 {
			t.Fatalf("a sign-in is %d", r.status)
		}
	}
	first.wantSignedIn("after a thousand others", false)
	signedIn(t, f).wantSignedIn("the last", true)
}

func TestWithoutItsAuditLogNobodySignsIn(t *testing.T) {
	w := &witness{}
	f := newFixture(t, servertest.Options{Witness: w})
	b := newBrowser(t, f)
	w.set(errAudit)
	if r := b.signIn(); r.status != 503 || len(b.cookies) > 0 {
		t.Errorf("a sign-in is %d with the cookies %v", r.status, b.cookies)
	}
	w.set(nil)
	signedIn(t, f)
}

func TestASignOutEndsTheSessionThoughItsAuditLogCannotBeWritten(t *testing.T) {
	w := &witness{}
	f := newFixture(t, servertest.Options{Witness: w})
	b, thief := signedIn(t, f), newBrowser(t, f)
	thief.cookies[b.sessionCookie()] = b.cookies[b.sessionCookie()]
	w.set(errAudit)
	if r := b.post("/admin/sign-out"); r.status != 503 || len(b.cookies) > 0 {
		t.Errorf("the sign-out is %d, and leaves the cookies %v", r.status, b.cookies)
	}
	w.set(nil)
	thief.wantSignedIn("afterwards", false)
}
