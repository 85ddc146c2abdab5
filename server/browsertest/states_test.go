package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"totpctl/server/servertest"
	"totpctl/totp/verifier"
)

// A state is what a web page can show.
type state struct {
	name string
	site func(*testing.T) *site // nil: of the built binary
	app  bool                   // nothing is shown without JavaScript
	open func(s *site, b *tab)
}

// start returns the site that the state is one of.
func (st state) start(t *testing.T) *site {
	t.Helper()
	if st.site == nil {
		return newServed(t)
	}
	return st.site(t)
}

// states are those of the owners' pages. newSite is where the clock is moved or the store
// broken.
var states = []state{
	{name: "setup", open: func(s *site, b *tab) { b.open(s.SetupLink()) }},
	{name: "setup, wrong code", open: func(s *site, b *tab) { b.open(s.SetupLink()); b.try("1") }},
	{name: "setup, good code", open: func(s *site, b *tab) { s.openAsAdmin(b); b.try(s.Code()) }},
	{name: "setup done", open: func(s *site, b *tab) {
		b.open(s.SetupLink())
		b.try(s.Code())
		b.says("h1", "Your authenticator is set up")
	}},
	{name: "set-up link has ended", open: func(s *site, b *tab) {
		s.useCode()
		b.open(s.SetupLink())
		b.says("h1", "This set-up link has ended")
	}},
	{name: "set-up link's hour is over", site: newSite, open: func(s *site, b *tab) { s.Clock.Advance(time.Hour); b.open(s.SetupLink()) }},
	{name: "another site's form", open: func(s *site, b *tab) {
		b.open("data:text/html,<form method=post action='" + s.URL + "/'><button>Win</button></form>")
		b.submit("button")
		b.says("h1", "This form came from another site")
	}},
	{name: "refused", open: func(s *site, b *tab) { b.open(s.URL + "/") }},
	{name: "setup, no store", site: newSite, open: func(s *site, b *tab) { s.Store.Close(); b.open(s.SetupLink()) }},
	{name: "setup, a wait begins", open: func(s *site, b *tab) {
		for range 2 {
			s.check(s.WrongCode(), `"reason":"invalid"`)
		}
		b.open(s.SetupLink())
		b.try(s.WrongCode())
		b.says("#wait", "Too many wrong codes. Wait")
	}},
	{name: "enrol", open: func(s *site, b *tab) { b.open(s.link()) }},
	{name: "enrol, QR code", open: func(s *site, b *tab) { b.openLink(s.link()) }},
	{name: "enrol, wrong code", open: func(s *site, b *tab) { b.openLink(s.link()); b.try("1") }},
	{name: "recovery codes", open: func(s *site, b *tab) { b.openLink(s.link()); b.try(s.Code()) }},
	{name: "enrolled", open: func(s *site, b *tab) {
		b.openLink(s.link())
		b.try(s.Code())
		b.submit("#kept")
		b.says("h1", "Your authenticator is set up")
	}},
	{name: "link of a second browser", open: func(s *site, b *tab) {
		link := s.link()
		newTab(b.t, phone).openLink(link)
		b.openLink(link)
		b.says(".verdict", "This is not a browser that has opened the link")
	}},
	{name: "link has ended here", site: newSite, open: func(s *site, b *tab) {
		link := s.link()
		b.openLink(link)
		s.Clock.Advance(time.Hour)
		b.open(link)
		b.says("h1", "This link has ended")
	}},
	{name: "link has expired", open: func(s *site, b *tab) {
		s.Clock.Advance(-verifier.DefaultPendingTime)
		link := s.link()
		s.Clock.Advance(verifier.DefaultPendingTime)
		b.open(link)
		b.says("h1", "This link does not work")
	}},
	{name: "no such link", open: func(s *site, b *tab) { b.open(s.URL + "/enrol/x") }},
	{name: "no such link, no button", open: func(s *site, b *tab) { b.openLink(s.URL + "/enrol/x") }},
	{name: "enrol, no store", site: newSite, open: func(s *site, b *tab) { link := s.link(); s.Store.Close(); b.open(link) }},
	{name: "new recovery codes, button", open: func(s *site, b *tab) { b.open(s.codesLink()) }},
	{name: "new recovery codes", open: func(s *site, b *tab) { b.openLink(s.codesLink()) }},
	{name: "new recovery codes, kept", open: func(s *site, b *tab) { b.openLink(s.codesLink()); b.submit("#kept") }},
	{name: "recover", open: func(s *site, b *tab) { b.open(s.URL + "/recover") }},
	{name: "recover, refused", open: func(s *site, b *tab) { b.open(s.URL + "/recover"); b.recover(person, "x") }},
	{name: "recover, QR code", open: func(s *site, b *tab) {
		_, codes := s.Enrol(person)
		b.open(s.URL + "/recover")
		b.recover(person, codes[0])
		b.want("document.querySelector('#secret') !== null")
	}},
	{name: "no such page", open: func(s *site, b *tab) {
		b.open(s.URL + "/no/such/page")
		b.says("main", "404")
	}},
	{name: "no such method", open: func(s *site, b *tab) {
		b.open(s.URL + "/admin/sign-out")
		b.says("main", "405")
	}},
	{name: "app asks", open: func(s *site, b *tab) {
		b.open(s.URL + "/app")
		b.wait("[...document.querySelectorAll('#ask, noscript')].some(e => e.checkVisibility())")
	}},
	{name: "app refuses a bearer", app: true, open: func(s *site, b *tab) {
		b.open(s.URL + "/app")
		b.fill("#bearer", "not-the-bearer")
		b.press(kb.Enter)
		b.wait("!document.querySelector('#problem').hidden")
	}},
	{name: "app", app: true, open: func(s *site, b *tab) { b.open(s.URL + "/app"); b.enterBearer(bearer) }},
	{name: "app, OK", app: true, open: func(s *site, b *tab) { b.open(s.URL + "/app"); b.enterBearer(bearer); b.validate(s.Code()) }},
	{name: "app, not valid", app: true, open: func(s *site, b *tab) {
		b.open(s.URL + "/app")
		b.enterBearer(bearer)
		b.validate(s.WrongCode())
	}},
	{name: "app, throttled", app: true, open: func(s *site, b *tab) {
		s.throttle()
		b.open(s.URL + "/app")
		b.enterBearer(bearer)
		b.validate(s.Code())
	}},
}

// adminStates are those of the administrator's pages.
var adminStates = []state{
	{name: "sign-in", open: func(s *site, b *tab) { b.open(s.URL + "/admin") }},
	{name: "sign-in with a code", site: func(t *testing.T) *site { return makeServed(t, servertest.Options{AdminAccount: "root"}) },
		open: func(s *site, b *tab) {
			s.Enrol("root")
			b.open(s.URL + "/admin")
			b.want("document.querySelector('#code') !== null")
		}},
	{name: "wrong key", open: func(s *site, b *tab) {
		b.open(s.URL + "/admin")
		b.fill("#bearer", "wrong")
		b.submit("main form button")
		b.says("#why", "This is not the ADMIN_BEARER")
		b.wait("document.activeElement?.id === 'bearer'")
	}},
	{name: "signed out", open: func(s *site, b *tab) {
		s.signIn(b)
		b.submit("form[action$='sign-out'] button")
		b.says(".verdict", "You are signed out")
	}},
	{name: "list", open: func(s *site, b *tab) { s.everyKind(); s.signIn(b); b.wantText("table", "bob@example.org") }},
	{name: "list of none", open: func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin?prefix=x") }},
	{name: "add", open: func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin/add") }},
	{name: "add, taken", open: func(s *site, b *tab) {
		s.Enrol("alice")
		s.signIn(b)
		s.add(b, "alice")
		b.says("#why", "There is an account of the name alice already")
	}},
	{name: "add several, none named", open: func(s *site, b *tab) {
		s.signIn(b)
		b.open(s.URL + "/admin/add")
		b.fill("#names", " ")
		b.submit("form:has(#names) button")
		b.want("document.querySelector('#why-many') !== null")
	}},
	{name: "added", open: func(s *site, b *tab) {
		s.signIn(b)
		s.add(b, "alice")
		b.wantOutcome("alice")
		s.addedLink(b)
	}},
	{name: "account", open: func(s *site, b *tab) {
		s.everyKind()
		s.signIn(b)
		b.open(s.URL + "/admin/account?name=bob@example.org")
	}},
	{name: "default account", open: func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin/account") }},
	{name: "no such account", open: func(s *site, b *tab) { s.signIn(b); b.open(s.URL + "/admin/account?name=x") }},
	{name: "link for new recovery codes", open: func(s *site, b *tab) {
		s.Enrol("alice")
		s.signIn(b)
		b.open(s.URL + "/admin/account?name=alice")
		b.act("codes")
		b.wantOutcome("alice")
		s.addedLink(b)
	}},
	{name: "lost phone", open: func(s *site, b *tab) {
		s.Enrol("alice")
		s.signIn(b)
		b.open(s.URL + "/admin/account/revoke?name=alice")
		b.says("h1", "Is the phone of alice lost or stolen?")
	}},
	{name: "remove", open: func(s *site, b *tab) {
		s.Enrol("alice")
		s.signIn(b)
		b.open(s.URL + "/admin/account/remove?name=alice")
		b.fill("#typed", "bob")
		b.submit("main form button")
		b.says("#why", "Nothing was removed")
	}},
}

// says wants a text of an element. Tabs of other languages than English want any.
func (b *tab) says(selector, want string) {
	b.t.Helper()
	if language, set := b.headers["Accept-Language"]; set && language != "en" {
		want = ""
	}
	b.wantText(selector, want)
	b.want("document.querySelector('" + selector + "')?.innerText.trim().length > 0")
}
