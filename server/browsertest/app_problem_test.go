package browsertest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

func TestAppSaysWhatWentWrong(t *testing.T) {
	for name, c := range map[string]struct {
		cause func(s *site)
		code  func(s *site) string
		says  string
		toast bool
	}{
		"wrong code":      {code: (*site).WrongCode, says: "Is the clock of your phone right?", toast: true},
		"used already":    {cause: (*site).useCode, code: (*site).Code, says: "used already", toast: true},
		"too short":       {code: func(*site) string { return "12345" }, says: "That is not a code: a code has 6 digits.", toast: true},
		"letters":         {code: func(*site) string { return "abc def" }, says: "That is not a code: a code has 6 digits.", toast: true},
		"a path":          {code: func(*site) string { return ".." }, says: "That is not a code: a code has 6 digits.", toast: true},
		"throttled":       {cause: (*site).throttle, code: (*site).Code, says: "Too many wrong codes. Wait 30 seconds, then try again."},
		"disabled":        {cause: (*site).disable, code: (*site).Code, says: "This account is disabled. Ask an administrator to enable it.", toast: true},
		"not set up":      {cause: func(s *site) { s.answer(200, `{"status":false,"reason":"pending"}`) }, code: (*site).Code, says: "This account is not set up yet.", toast: true},
		"no store":        {cause: func(s *site) { s.Store.Close() }, code: (*site).Code, says: "cannot reach its store"},
		"no network":      {cause: func(s *site) { s.HTTP.Close() }, code: (*site).Code, says: "Is there a network?"},
		"another service": {cause: func(s *site) { s.answer(200, "<p>Hello</p>") }, code: (*site).Code, says: "Is this address a totpctl server?"},
		"broken proxy":    {cause: func(s *site) { s.answer(502, "") }, code: (*site).Code, says: "an error (502)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b := s.openApp(t)
			if c.cause != nil {
				c.cause(s)
			}
			b.validate(c.code(s))
			b.wait("document.querySelector('#problem').textContent.length > 0")
			b.wantText("#problem", c.says)
			b.wantText("#alert", c.says)
			if toast := b.text(".toast") == "Not valid code"; toast != c.toast {
				t.Errorf("a toast of a code that is not valid: %v, want %v", toast, c.toast)
			}
			b.want("document.documentElement.scrollWidth <= innerWidth")
		})
	}
}

// useCode has the present code accepted.
func (s *site) useCode() { s.check(s.Code(), `"status":true`) }

func (s *site) disable() {
	if err := s.Verifier.Disable(s.t.Context(), ""); err != nil {
		s.t.Fatal(err)
	}
}

// throttle makes three wrong guesses.
func (s *site) throttle() {
	for range 3 {
		s.check(s.WrongCode(), `"reason":"invalid"`)
	}
}

// check asks as a program does.
func (s *site) check(code, want string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.URL+"/check/"+code, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	if text, err := io.ReadAll(a.Body); err != nil || !strings.Contains(string(text), want) {
		s.t.Fatalf("answer is %s, %v, want %s in it", text, err, want)
	}
}

func TestAppTellsTheWaitThatAWrongCodeStarts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	for range 3 {
		b.validate(s.WrongCode())
	}
	b.wantText("#problem", "Too many wrong codes. Wait 30 seconds")
	b.want(disabled)
}

func TestAppClearsWhatItSaidBefore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.slowly()
	b.open(s.URL + "/app")
	b.enterBearer(bearer)
	b.validate("1")
	b.wantText(".toast", "Not valid code")
	s.HTTP.Close()
	b.validate(s.Code())
	b.wantText("#problem", "No answer")
	b.want("document.querySelector('.toast') === null")
}

func TestAppKeepsNoKeyOfAnAdministrator(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := newTab(t, phone)
	b.open(s.URL + "/app")
	b.fill("#bearer", adminBearer)
	b.press(kb.Enter)
	b.wait("!document.querySelector('#problem').hidden")
	b.wantText("#problem", "This key is an administrator's")
	b.want(asks)
	b.want("localStorage.length === 0 && sessionStorage.length === 0")
}

func TestAppChecksAnyAccountAndRemembersIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	key, recovery := s.Enrol("alice")
	s.Clock.Advance(key.Period())
	b := newTab(t, phone)
	b.open(s.URL + "/app?account=alice")
	b.enterBearer(bearer)
	b.want("document.querySelector('#account').value === 'alice'")
	b.validate(s.CodeOf(key))
	b.wantText("#good", "alice")
	b.validate(recovery[0][:4] + " " + recovery[0][4:])
	b.wantText("#good", "This recovery code is good. 9 more are left.")
	b.click("#other")
	b.want("document.activeElement.id === 'totp' && document.activeElement.inputMode === 'text'")
	b.wantText("label[for=totp]", "Recovery code")
	b.validate(recovery[0])
	b.wantText("#problem", "This recovery code is not valid, or has been used already.")
	b.validate("hello")
	b.wantText("#problem", "That is not a recovery code")
	b.fill("#account", "bob")
	b.validate(recovery[1])
	b.wantText("#problem", "no account of this name")
	b.want("document.activeElement.id !== 'x' && document.querySelector('#account').getAttribute('aria-invalid') === 'true'")
	b.open(s.URL + "/app")
	b.wait(shows)
	b.want("document.querySelector('#account').value === 'bob'")
	if n := len(s.requests()); n != 4 {
		t.Errorf("%d requests, want 4: what cannot be a code is not sent", n)
	}
}

// The phone had no network when the answer came: the code has been used, and the second
// attempt is told so kindly.
func TestAppGetsTheVerdictOfAnAttemptWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	s.losesAnswer.Store(true)
	b.validate(s.Code())
	b.wantText("#problem", "No answer")
	b.validate(s.Code())
	b.wantText(".toast", "OK")
}

func TestAppCountsDownWhileThrottled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	s.throttle()
	s.Clock.Advance(28 * time.Second)
	b.validate(s.Code())
	b.wantText("#problem", "Wait 2 seconds")
	b.wantText("#validate button", "Wait 2 s")
	b.want(disabled)
	b.want("document.querySelector('#totp').value !== ''")
	b.wait("document.querySelector('#problem').textContent.includes('Wait 1 second,')")
	b.wantText("#alert", "Wait 2 seconds") // what ticks is not announced again
	s.Clock.Advance(2 * time.Second)
	b.wait(enabled)
	b.wantText("#alert", "You can try again.")
	b.want("document.querySelector('#problem').hidden")
	b.validate(s.Code())
	b.wantText(".toast", "OK")
}
