package server_test

import (
	"fmt"
	"html"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"totpctl/server/servertest"
	"totpctl/totp/totptest"
	"totpctl/totp/verifier"
)

// follow sends a form and follows the redirect to the page that tells what came of it.
func (b *browser) follow(path string, values ...string) reply {
	b.t.Helper()
	r := b.post(path, values...)
	if r.status != 303 {
		b.t.Fatalf("%s answers %d: %.500s", path, r.status, r.text)
	}
	base, _ := url.Parse(path)
	to, err := base.Parse(r.header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	if to.Fragment != "done" {
		b.t.Errorf("%s redirects to %v, want the outcome", path, to)
	}
	to.Fragment = ""
	r = b.get(to.String())
	if r.status != 200 {
		b.t.Fatalf("%s leads to %v, which is %d: %.500s", path, to, r.status, r.text)
	}
	return r
}

var (
	tags      = regexp.MustCompile(`<[^>]*>`)
	linkShown = regexp.MustCompile(`<p class="link"[^>]*>([^<]*)</p>`)
)

// words returns what a page says.
func (r reply) words() string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(r.text, ""))), " ")
}

func (r reply) wantWords(t testing.TB, want string) {
	t.Helper()
	if words := r.words(); !strings.Contains(words, want) {
		t.Errorf("the page says %q, want %q", words, want)
	}
}

func (r reply) link(t testing.TB) string {
	t.Helper()
	m := linkShown.FindStringSubmatch(r.text)
	if m == nil {
		t.Fatalf("the page shows no link: %s", r.words())
	}
	return m[1]
}

func TestEveryAdminPageLeadsStrangersToTheSignIn(t *testing.T) {
	f := newFixture(t)
	f.Enrol("alice")
	for _, path := range []string{"/admin", "/admin?prefix=a", "/admin/add", "/admin/account?name=alice", "/admin/account/remove?name=alice"} {
		r := newBrowser(t, f).get(path)
		if r.status != 401 || strings.Contains(r.text, "alice</bdi>") || strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s is %d %s", path, r.status, r.text)
		}
	}
	if r := newBrowser(t, f).get("/admin/account?name=alice"); !strings.Contains(r.text, `name="next" value="admin/account?name=alice"`) {
		t.Errorf("the form forgets where it came from: %s", r.text)
	}
	for _, action := range []string{"unlock", "enable", "disable", "link", "rekey", "revoke", "check", "remove", "codes"} {
		if r := newBrowser(t, f).post("/admin/account/"+action, "name", "alice", "typed", "alice", "code", "123456"); r.status != 401 {
			t.Errorf("a stranger's %s is %d", action, r.status)
		}
		b := signedIn(t, f)
		form := url.Values{"name": {"alice"}, "typed": {"alice"}, "code": {"123456"}}
		if r := b.send("POST", "/admin/account/"+action, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); r.status != 403 {
			t.Errorf("another site's %s is %d", action, r.status)
		}
	}
	for _, form := range []url.Values{{"name": {"eve"}}, {"names": {"eve"}}} {
		if r := newBrowser(t, f).send("POST", "/admin/add", form); r.status != 401 {
			t.Errorf("a stranger adds: %d", r.status)
		}
	}
	if info, err := f.Verifier.Show(t.Context(), "alice"); err != nil || info.Status != verifier.StatusActive || info.Failures != 0 {
		t.Errorf("alice is %+v, %v", info, err)
	}
	if _, err := f.Verifier.Show(t.Context(), "eve"); err == nil {
		t.Error("eve was added")
	}
}

func TestAnAdministratorsBearerIsNoPassKeyToTheCookie(t *testing.T) {
	f := newFixture(t)
	if r := f.admin("GET", "/admin", ""); r.status != 401 {
		t.Errorf("with the bearer in a header GET /admin is %d", r.status)
	}
}

func TestAnAddedAccountHasALinkToHandOver(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	r := b.follow("/admin/add", "name", " carol ")
	r.wantWords(t, "carol is added.")
	r.wantWords(t, "Send this link to carol")
	link := r.link(t)
	if !strings.HasPrefix(link, f.URL+"/enrol/") {
		t.Errorf("the link is %s", link)
	}
	r.wantWords(t, "Nobody has opened it")
	owner := newBrowser(t, f)
	token := strings.TrimPrefix(link, f.URL)
	owner.get(token)
	if r := owner.post(token, "browser", owner.cookies["enrolment"].Value); r.status != 303 {
		t.Fatalf("the owner gets %d", r.status)
	}
	b.get("/admin/account?name=carol").wantWords(t, "A browser has opened it.")
	if r := b.get("/admin/account?name=carol"); strings.Contains(r.text, link) {
		t.Error("a later visit shows the link again")
	}
	b.post("/admin/add", "name", "carol").wantWords(t, "There is an account of the name carol already")
	for _, bad := range []string{"", "a:b:c", "a\u202eb", strings.Repeat("a", 129), ".."} {
		if r := b.post("/admin/add", "name", bad); r.status != 422 {
			t.Errorf("adding %q is %d", bad, r.status)
		}
	}
	if r := b.follow("/admin/add", "name", "a/b&c?d#e%2f"); !strings.Contains(r.words(), "a/b&c?d#e%2f is added.") {
		t.Errorf("the page of a name with signs says %s", r.words())
	}
}

func TestTheOutcomeOfAChangeIsShownToItsSessionAlone(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	location := b.post("/admin/add", "name", "carol").header.Get("Location")
	page := "/admin/" + strings.TrimSuffix(location, "#done")
	r := b.get(page)
	link := r.link(t)
	b.get(page).link(t) // a reload
	other := signedIn(t, f)
	for name, c := range b.cookies {
		if strings.HasSuffix(name, "-done") {
			other.cookies[name] = c
		}
	}
	if r := other.get(page); strings.Contains(r.text, link) || strings.Contains(r.text, "is added") {
		t.Error("a cookie that another browser has planted is shown")
	}
	b.post("/admin/sign-out")
	if len(b.cookies) > 0 {
		t.Errorf("after the sign-out the browser still has %v, and a link in it", b.cookies)
	}
	b.signIn()
	if r := b.get(page); strings.Contains(r.text, link) {
		t.Error("the next session shows the link")
	}
}

func TestTheListTellsAndDoesWhatEachStateCallsFor(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	k, _ := f.Enrol("bob")
	f.Enrol("dave")
	f.Enrol("erin")
	f.Verifier.Disable(t.Context(), "dave")
	for _, bad := range totptest.WrongCodes(k, f.Clock.Now(), 4) {
		f.post(fmt.Sprintf(`{"account":"bob","code":%q}`, bad))
	}
	b.follow("/admin/add", "name", "carol")
	r := b.get("/admin")
	for _, want := range []string{"(default) active", "bob waiting 30 seconds just now 3", "10 left Unlock carol link not opened", "New link dave disabled", "Enable erin", "erin active just now 0 10 left"} {
		r.wantWords(t, want)
	}
	for query, want := range map[string]string{"prefix=b": "bob", "status=held": "bob dave", "status=not_set_up": "carol", "status=no_recovery_codes": "", "prefix=%00": "", "prefix=x": "", "from=c": "carol dave erin", "status=nonsense&prefix=d": "dave"} {
		var got []string
		for _, m := range regexp.MustCompile(`scope="row"><a [^>]*>(.*?)</a>`).FindAllStringSubmatch(b.get("/admin?"+query).text, -1) {
			got = append(got, tags.ReplaceAllString(m[1], ""))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	r = b.follow("/admin/account/unlock", "name", "bob", "list", "?status=held")
	r.wantWords(t, "bob is unlocked.")
	r.wantWords(t, "dave disabled")
	if strings.Contains(r.text, "scope=\"row\"><a href=\"admin/account?name=bob") {
		t.Error("bob is still listed as held")
	}
	b.follow("/admin/account/enable", "name", "dave", "list", "").wantWords(t, "dave is enabled.")
	r = b.follow("/admin/account/link", "name", "carol", "list", "?")
	r.wantWords(t, "There is a new link for carol")
	r.link(t)
}

func TestWrongCodesOfALinkAreToldOnce(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	link := "/enrol/" + path.Base(b.follow("/admin/add", "name", "alice").link(t))
	owner := newBrowser(t, f)
	owner.get(link)
	owner.post(link, "browser", owner.cookies["enrolment"].Value)
	owner.post(link, "code", "000000")
	r := b.get("/admin/account?name=alice")
	r.wantWords(t, "There was 1 wrong code.")
	if words := r.words(); strings.Contains(words, "Wrong in 30 days") { // which counts those of a live key
		t.Errorf("the page also says %q", words)
	}
	if !strings.Contains(r.text, `<button class="quiet" type="submit">Unlock`) {
		t.Errorf("nothing waits, and Unlock is what the page calls for: %s", r.text)
	}
}

func TestTheDefaultAccountHasAPage(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	for _, bad := range totptest.WrongCodes(f.Entry.Key, f.Clock.Now(), 3) {
		f.post(fmt.Sprintf(`{"code":%q}`, bad))
	}
	r := b.get("/admin/account")
	r.wantWords(t, "(default) waiting")
	r.wantWords(t, "Show the QR code")
	if strings.Contains(r.text, "/remove") || strings.Contains(r.text, "/rekey") {
		t.Errorf("the default account can be removed: %s", r.text)
	}
	b.follow("/admin/account/unlock", "name", "").wantWords(t, "(default) is unlocked.")
	f.Clock.Advance(f.Entry.Key.Period())
	b.follow("/admin/account/check", "name", "", "code", f.Code()).wantWords(t, "The code of (default) is good.")
	b.follow("/admin/account/disable", "name", "").wantWords(t, "(default) is disabled.")
	b.follow("/admin/account/enable", "name", "").wantWords(t, "(default) is enabled.")
	for _, action := range []string{"remove", "rekey", "revoke", "link"} {
		if r := b.post("/admin/account/"+action, "name", "", "typed", ""); r.status != 404 {
			t.Errorf("%s of the default account is %d", action, r.status)
		}
	}
}

func TestAFormWithoutANameChangesNoAccount(t *testing.T) {
	f := newFixture(t)
	f.Enrol("alice")
	b := signedIn(t, f)
	for _, action := range []string{"unlock", "enable", "disable", "check"} {
		if r := b.post("/admin/account/"+action+"?name=alice", "code", f.Code()); r.status != 400 {
			t.Errorf("%s without a name is %d to %s", action, r.status, r.header.Get("Location"))
		}
	}
	if r := b.post("/admin/account/remove?name=alice", "typed", ""); r.status != 400 {
		t.Errorf("a removal without a name is %d", r.status)
	}
}

func TestACallersCodeIsCheckedAndUsedUp(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	k, codes := f.Enrol("alice")
	f.Clock.Advance(k.Period())
	code := f.CodeOf(k)
	b.follow("/admin/account/check", "name", "alice", "code", code[:3]+" "+code[3:]).wantWords(t, "The code of alice is good. It is used up now.")
	f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, code)).want(t, 200, `{"status":false,"reason":"replayed"}`)
	b.follow("/admin/account/check", "name", "alice", "code", code).wantWords(t, "was used already")
	b.follow("/admin/account/check", "name", "alice", "code", codes[3]).wantWords(t, "The recovery code of alice is good. It is used up now, and 9 are left.")
	late := totptest.Code(t, k, f.Clock.Now().Add(5*time.Minute))
	if r := b.follow("/admin/account/check", "name", "alice", "code", late); !strings.Contains(r.words(), "not a code of alice now") || strings.Contains(r.words(), "clock") || strings.Contains(r.words(), "slow") {
		t.Errorf("of a code of another time the page says %s", r.words())
	}
	for range 2 {
		b.post("/admin/account/check", "name", "alice", "code", f.WrongCodeOf(k))
	}
	b.follow("/admin/account/check", "name", "alice", "code", f.WrongCodeOf(k)).wantWords(t, "Ask again in 30 seconds")
}

func TestALostPhonesKeyEndsAtOnce(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	k, _ := f.Enrol("alice")
	b.get("/admin/account/revoke?name=alice").wantWords(t, "Is the phone of alice lost or stolen?")
	b.follow("/admin/account/rekey", "name", "alice").wantWords(t, "The old phone works until then")
	f.Clock.Advance(k.Period())
	f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, f.CodeOf(k))).want(t, 200, `{"status":true,"skew_steps":0,"failures":0}`)
	b.follow("/admin/account/revoke", "name", "alice").link(t)
	f.Clock.Advance(k.Period())
	f.post(fmt.Sprintf(`{"account":"alice","code":%q}`, f.CodeOf(k))).want(t, 200, `{"status":false,"reason":"stopped"}`)
}

func TestAnAccountIsRemovedByItsName(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	f.Enrol("alice")
	for _, typed := range []string{"", "Alice", "alic", "alice2"} {
		if r := b.post("/admin/account/remove", "name", "alice", "typed", typed); r.status != 422 || !strings.Contains(r.words(), "Nothing was removed") {
			t.Errorf("with %q typed it is %d %s", typed, r.status, r.words())
		}
	}
	b.follow("/admin/account/remove", "name", "alice", "typed", " alice ").wantWords(t, "alice is removed.")
	if r := b.get("/admin/account?name=alice"); r.status != 404 || !strings.Contains(r.words(), "There is no account of this name") {
		t.Errorf("its page is %d %s", r.status, r.words())
	}
	if r := b.post("/admin/account/remove", "name", "alice", "typed", "alice"); r.status != 404 {
		t.Errorf("removing it again is %d", r.status)
	}
	for _, path := range []string{"/admin/account/nonsense?name=alice", "/admin/account/remove", "/admin/nonsense"} {
		if r := b.get(path); r.status != 404 {
			t.Errorf("%s is %d", path, r.status)
		}
	}
}

func TestEachChangeOnThePageTellsWhoMadeIt(t *testing.T) {
	w := &witness{}
	f := newFixture(t, servertest.Options{Witness: w})
	f.Enrol("alice")
	b := signedIn(t, f)
	by := f.Verifier.ByBearer(adminBearer)
	w.take()
	for _, c := range []struct{ path, want string }{
		{"/admin/account/disable", "account.disable alice"}, {"/admin/account/enable", "account.unlock alice"}, {"/admin/account/unlock", "account.unlock alice"},
		{"/admin/account/rekey", "account.rekey alice"}, {"/admin/account/link", "account.rekey alice"}, {"/admin/account/check", "check alice"},
		{"/admin/account/unlock", "account.unlock alice"}, {"/admin/account/revoke", "account.revoke alice"}, {"/admin/account/remove", "account.remove alice"}, {"/admin/add", "account.add alice"}, {"/admin/sign-out", "admin.sign_out "},
	} {
		b.post(c.path, "name", "alice", "typed", "alice", "code", "123456")
		if told := w.take(); len(told) != 1 || told[0] != c.want+" by "+by+" from 192.0.2.7" {
			t.Errorf("%s tells %q, want %q", c.path, told, c.want)
		}
	}
}

func TestWithoutHTTPSThePageMakesNoLinks(t *testing.T) {
	f := newFixture(t)
	plain := f.Another("http://totp.example.org", nil)
	f.Enrol("alice")
	b := signedIn(t, plain)
	b.get("/admin/add").wantWords(t, "No link can be made")
	b.get("/admin/account?name=alice").wantWords(t, "No link can be made")
	for path, name := range map[string]string{"/admin/add": "bob", "/admin/account/rekey": "alice", "/admin/account/revoke": "alice", "/admin/account/link": "alice"} {
		if r := b.post(path, "name", name); r.status != 409 {
			t.Errorf("%s is %d", path, r.status)
		}
	}
	newBrowser(t, plain).get("/admin/sign-in").wantWords(t, "is not https")
	b.follow("/admin/account/disable", "name", "alice").wantWords(t, "alice is disabled.")
}

func TestWithoutAnEncryptionKeyNothingIsAdded(t *testing.T) {
	f := newFixture(t, servertest.Options{NoEncryptionKey: true})
	b := signedIn(t, f)
	if r := b.post("/admin/add", "name", "alice"); r.status != 409 || !strings.Contains(r.words(), "no encryption key") {
		t.Errorf("adding is %d %s", r.status, r.words())
	}
	b.wantSignedIn("without a key", true)
}

func TestTheAdminPagesAreLight(t *testing.T) {
	f := newFixture(t)
	for i := range 20 {
		f.Enrol(fmt.Sprint("user", i))
	}
	b := signedIn(t, f)
	for _, path := range []string{"/admin", "/admin/add", "/admin/account?name=user1", "/admin/account/remove?name=user1"} {
		if r := b.get(path); r.status != 200 || len(r.text) > 15<<10 || r.header.Get("Cache-Control") != "no-store" || !strings.Contains(r.header.Get("Content-Security-Policy"), "form-action 'self'") {
			t.Errorf("%s is %d, %d bytes, %v", path, r.status, len(r.text), r.header)
		}
	}
}
