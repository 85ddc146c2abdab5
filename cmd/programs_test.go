//go:build linux

package cmd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/totptest"
)

const programsAdmin = "admin-bearer-of-the-programs"

// A way is what an application asks: a real server, behind a gate that may lose its answers
// or give others.
type way struct {
	t      *testing.T
	server *cmdtest.Server
	url    string
	mu     sync.Mutex
	asked  int
	lose   int              // so many answers are lost
	other  http.HandlerFunc // answers in the server's place, if not nil
}

func newWay(t *testing.T) *way {
	t.Helper()
	p := cmdtest.NewProgram(t, "sqlite:"+filepath.Join(t.TempDir(), "totpctl.db"))
	p.Env = append(p.Env, "ADMIN_BEARER="+programsAdmin, "PUBLIC_URL=http://127.0.0.1:5000")
	w := &way{t: t, server: p.Serve()}
	target, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // no connection, no answer
	gate := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		lose, other := w.pass()
		switch {
		case other != nil:
			other(rw, r)
		case lose:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			proxy.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(gate.Close)
	w.url = gate.URL
	return w
}

func (w *way) pass() (lose bool, other http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if lose = w.lose > 0; lose {
		w.lose--
	}
	return lose, w.other
}

func (w *way) set(lose int, other http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose, w.other = lose, other
}

func (w *way) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// admin asks the server itself.
func (w *way) admin(method, path, body string, into any) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+programsAdmin)
	status, text := answerOf(w.t, http.DefaultTransport.RoundTrip, req)
	if err := json.Unmarshal([]byte(text), into); err != nil || status >= 300 {
		w.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
}

// add makes a pending account.
func (w *way) add(account string) totp.Key {
	w.t.Helper()
	var made struct {
		URI string `json:"uri"`
	}
	w.admin("POST", "/accounts", fmt.Sprintf(`{"account":%q}`, account), &made)
	entry, err := totp.ParseURI(made.URI)
	if err != nil {
		w.t.Fatal(err)
	}
	return entry.Key
}

// confirm uses the code of the step before the present one, so that two more are good.
func (w *way) confirm(account string, k totp.Key) (recoveryCodes []string) {
	w.t.Helper()
	var verdict struct {
		Codes []string `json:"recovery_codes"`
	}
	w.admin("POST", "/accounts/"+account+"/confirm", fmt.Sprintf(`{"code":%q}`, totptest.Code(w.t, k, time.Now().Add(-cmdtest.Period))), &verdict)
	if len(verdict.Codes) == 0 {
		w.t.Fatalf("%s was not confirmed", account)
	}
	return verdict.Codes
}

// A visitor is a browser at an application.
type visitor struct {
	t      *testing.T
	app    string
	client *http.Client
}

func newVisitor(t *testing.T, app string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, app, &http.Client{Jar: jar, Timeout: time.Minute}}
}

// login sends the form.
func (v *visitor) login(name, password, code string) (status int, text string) {
	v.t.Helper()
	resp, err := v.client.PostForm(v.app+"/login", url.Values{"name": {name}, "password": {password}, "code": {code}})
	return v.read(resp, err)
}

func (v *visitor) read(resp *http.Response, err error) (status int, text string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// user returns who is in.
func (v *visitor) user() string {
	v.t.Helper()
	resp, err := v.client.Get(v.app)
	_, text := v.read(resp, err)
	user, _ := strings.CutPrefix(text, "Hello ")
	if user == text {
		return ""
	}
	return user
}

// wantIn logs in as a user who must be let in.
func (v *visitor) wantIn(name, code string) {
	v.t.Helper()
	if status, text := v.login(name, passwordOfAll, code); status != 200 || v.user() != name {
		v.t.Errorf("%s has a good code, and is answered %d %s; %q is in", name, status, text, v.user())
	}
}

// wantOut logs in as a user who must not be let in, with a browser of its own. It reports
// whether all is as it must be.
func wantOut(t *testing.T, app, name, password, code string, status int, words string) bool {
	t.Helper()
	v := newVisitor(t, app)
	got, text := v.login(name, password, code)
	ok := got == status && regexp.MustCompile(words).MatchString(text) && v.user() == ""
	if !ok {
		t.Errorf("%s is answered %d %s, and %q is in; want %d %q and nobody", name, got, text, v.user(), status, words)
	}
	return ok
}

func TestTheManualsLoginsLetInWhoHasAGoodCodeAndNobodyElse(t *testing.T) {
	for name := range manualApps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWay(t)
			app := startApp(t, name, w.url)
			alice := w.add("alice")
			codes := w.confirm("alice", alice)
			logInAsAlice(t, w, app, alice, codes)
			logInAsBob(t, w, app, codes)
			meetStrangeAnswers(t, w, app)
			w.server.Kill()
			wantOut(t, app, "alice", passwordOfAll, codes[5], 503, "Try again later")
		})
	}
}

func logInAsAlice(t *testing.T, w *way, app string, k totp.Key, codes []string) {
	now := totptest.Code(t, k, time.Now())
	wantOut(t, app, "alice", "wrong", now, 401, "Wrong name or password")
	wantOut(t, app, "mallory", passwordOfAll, now, 401, "Wrong name or password")
	if n := w.count(); n != 0 {
		t.Errorf("the server was asked %d times before the password was right", n)
	}
	newVisitor(t, app).wantIn("alice", now[:4]+" "+now[4:])
	wantOut(t, app, "alice", passwordOfAll, now, 401, "not good. Wait for the next one")
	w.set(1, nil)
	newVisitor(t, app).wantIn("alice", totptest.Code(t, k, time.Now().Add(cmdtest.Period))) // the first answer is lost
	wantOut(t, app, "alice", passwordOfAll, "12", 401, "not good")
	wrong := totptest.WrongCodes(k, time.Now(), 3)
	for _, code := range wrong[:2] {
		wantOut(t, app, "alice", passwordOfAll, code, 401, "not good")
	}
	for _, code := range []string{wrong[2], now} {
		wantOut(t, app, "alice", passwordOfAll, code, 429, `Too many wrong codes. Wait (30|2\d) seconds`)
	}
	newVisitor(t, app).wantIn("alice", codes[0])
	wantOut(t, app, "alice", passwordOfAll, codes[0], 401, "not good") // a used one is a wrong one
}

func logInAsBob(t *testing.T, w *way, app string, codesOfAlice []string) {
	wantOut(t, app, "bob", passwordOfAll, "12345678", 403, "Set up your second factor")
	bob := w.add("bob")
	wantOut(t, app, "bob", passwordOfAll, totptest.Code(t, bob, time.Now()), 403, "Set up your second factor")
	w.confirm("bob", bob)
	attacker, victim := newVisitor(t, app), newVisitor(t, app)
	attacker.wantIn("bob", totptest.Code(t, bob, time.Now()))
	at, err := url.Parse(app)
	if err != nil {
		t.Fatal(err)
	}
	victim.client.Jar.SetCookies(at, attacker.client.Jar.Cookies(at)) // session fixation
	victim.wantIn("alice", codesOfAlice[1])
	if attacker.user() == "alice" {
		t.Error("who has prepared a session is in as its user")
	}
	w.admin("POST", "/accounts/bob/disable", "", &struct{}{})
	wantOut(t, app, "bob", passwordOfAll, totptest.Code(t, bob, time.Now().Add(cmdtest.Period)), 403, "locked")
}

// Between an application and totpctl there may be a proxy, or something else may have the
// address.
func meetStrangeAnswers(t *testing.T, w *way, app string) {
	for _, a := range []struct {
		status int
		text   string
	}{
		{200, "<html>Please log in</html>"}, {200, ""}, {200, "null"}, {200, "[]"}, {200, `[["status",true]]`}, {200, `"status"`}, {200, "{}"}, {200, `{"status":"true"}`},
		{200, `{"status":1}`}, {200, `{"status":[true]}`}, {404, "not found"}, {404, `{"error":"no such page","code":"no_route"}`}, {404, `{"status":true}`},
		{429, "slow down"}, {429, `{"status":true}`}, {401, `{"error":"no bearer","code":"unauthorized"}`}, {500, `{"status":true}`}, {503, `{"error":"x","code":"unavailable"}`},
		{201, `{"status":true}`}, {302, `{"status":true}`},
	} {
		w.set(0, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				io.WriteString(rw, `{"status":true}`)
				return
			}
			if a.status == 302 {
				rw.Header().Set("Location", "/elsewhere")
			}
			rw.WriteHeader(a.status)
			io.WriteString(rw, a.text)
		})
		if !wantOut(t, app, "alice", passwordOfAll, "12345678", 503, "Try again later") {
			t.Errorf("the answer was %d %s", a.status, a.text)
		}
	}
	w.set(0, nil)
}
