package server_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"totpctl/server/servertest"
	"totpctl/totp"
)

func get(s http.Handler, target string, header ...string) *http.Response {
	return ask(s, httptest.NewRequest("GET", target, nil), header...)
}

// ask sends a request with headers, given as name and value in turn.
func ask(s http.Handler, r *http.Request, header ...string) *http.Response {
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantHeader(t *testing.T, r *http.Response, name, want string) {
	t.Helper()
	if got := r.Header.Get(name); got != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}

// staticURLs are those that /app and / load, and the icons of the manifest.
func staticURLs(t *testing.T, s *fixture) (all []string) {
	t.Helper()
	quoted := regexp.MustCompile(`"((?:static/)?[a-z0-9-]+\.[0-9a-f]{12}\.[a-z]+)"`)
	seen := map[string]bool{}
	for _, text := range []string{body(t, get(s, "/app").Body), body(t, get(s, s.SetupLink()).Body)} {
		for _, match := range quoted.FindAllStringSubmatch(text, -1) {
			seen["/"+match[1]] = true
		}
	}
	for target := range seen {
		all = append(all, target)
		if strings.HasSuffix(target, ".webmanifest") {
			for _, match := range quoted.FindAllStringSubmatch(body(t, get(s, target).Body), -1) {
				all = append(all, "/static/"+match[1])
			}
		}
	}
	if len(all) < 8 {
		t.Fatalf("only %q are loaded", all)
	}
	return all
}

func TestStaticFilesAreCachedByTheirContent(t *testing.T) {
	s := newFixture(t)
	types := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "png": "image/png",
		"svg": "image/svg+xml", "webmanifest": "application/manifest+json"}
	for _, target := range staticURLs(t, s) {
		r := get(s, target)
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", target, r.Status)
			continue
		}
		wantHeader(t, r, "Cache-Control", "public, max-age=31536000, immutable")
		wantHeader(t, r, "Content-Type", types[target[strings.LastIndex(target, ".")+1:]])
		wantHeader(t, r, "X-Content-Type-Options", "nosniff")
		if again := get(s, target, "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s for the ETag it came with", target, again.Status)
		}
	}
	for _, target := range []string{"/static/style.css", "/static/style.000000000000.css", "/static/", "/static/..%2fsetup.html", "/static/web%2fsetup.html"} {
		if r := get(s, target); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", target, r.Status)
		}
	}
}

func TestWhatIsPublicIsCompressed(t *testing.T) {
	s := newFixture(t)
	for _, target := range append(staticURLs(t, s), "/app") {
		if strings.HasSuffix(target, ".png") {
			continue
		}
		plain, packed := get(s, target), get(s, target, "Accept-Encoding", "br, gzip")
		for _, r := range []*http.Response{plain, packed} {
			if vary := r.Header.Values("Vary"); !slices.Contains(vary, "Accept-Encoding") {
				t.Errorf("%s: Vary is %q", target, vary)
			}
		}
		wantHeader(t, plain, "Content-Encoding", "")
		wantHeader(t, packed, "Content-Encoding", "gzip")
		if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
			t.Errorf("%s: two encodings have one ETag", target)
		}
		if plain.ContentLength <= packed.ContentLength || packed.ContentLength <= 0 {
			t.Errorf("%s: %d bytes are %d packed", target, plain.ContentLength, packed.ContentLength)
		}
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body(t, z) != body(t, plain.Body) {
			t.Errorf("%s: unpacks to something else", target)
		}
	}
}

func TestCompressionIsForWhoAcceptsIt(t *testing.T) {
	s := newFixture(t)
	for accept, want := range map[string]string{
		"": "", "identity": "", "br": "", "*": "", "gzip;q=0": "", "gzip; q=0.0": "", "br, gzip;q=0, *": "", "gzip;q=x": "", "gzipped": "",
		"gzip": "gzip", "GZIP": "gzip", "deflate,gzip": "gzip", "br;q=1.0, gzip;q=0.8, *;q=0.1": "gzip", "gzip ; q=1": "gzip",
	} {
		if got := get(s, "/app", "Accept-Encoding", accept).Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: Content-Encoding is %q, want %q", accept, got, want)
		}
	}
}

func TestPagesWithASecretAreNeitherStoredNorCompressed(t *testing.T) {
	s := newFixture(t)
	r := get(s, s.SetupLink(), "Accept-Encoding", "gzip")
	wantHeader(t, r, "Content-Encoding", "")
	wantHeader(t, r, "Cache-Control", "no-store")
	wantHeader(t, r, "ETag", "")
	if !strings.Contains(body(t, r.Body), servertest.Secret[:4]) {
		t.Error("the page does not show the secret")
	}
}

func TestPagesHaveStrictHeaders(t *testing.T) {
	s := newFixture(t)
	for target, referrer := range map[string]string{"/": "strict-origin", s.SetupLink(): "strict-origin", "/app": "no-referrer"} {
		r := get(s, target)
		wantHeader(t, r, "X-Content-Type-Options", "nosniff")
		wantHeader(t, r, "X-Frame-Options", "DENY")
		wantHeader(t, r, "Referrer-Policy", referrer)
		policy := r.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("the policy of %s has no %s", target, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("policy is %s", policy)
		}
	}
}

func TestNamesTooLongForAQRCodeLeaveTheRest(t *testing.T) {
	for name, account := range map[string]string{
		"no QR code holds them":  strings.Repeat("漢", totp.MaxName),
		"no phone could read it": strings.Repeat("ab漢", totp.MaxName/3),
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, servertest.Options{Issuer: strings.Repeat("字", totp.MaxName), Account: account})
			r := get(s, s.SetupLink())
			text := body(t, r.Body)
			if r.StatusCode != http.StatusOK || !strings.Contains(text, "too long for a QR code") || strings.Contains(text, "<path fill") {
				t.Errorf("%s, with a QR code or without a word on it", r.Status)
			}
			if !strings.Contains(text, servertest.Secret[:4]) || !strings.Contains(text, `href="otpauth://totp/`) {
				t.Error("the secret or the link is missing")
			}
			if len(text) > 30<<10 {
				t.Errorf("%d bytes", len(text))
			}
		})
	}
}

func TestFormOfAnotherSiteIsRefused(t *testing.T) {
	s := newFixture(t)
	for name, header := range map[string][2]string{
		"by Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"},
		"by Origin":         {"Origin", "https://attacker.example"},
		"by its null":       {"Origin", "null"},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("code=123456"))
		r.SetBasicAuth("any", adminBearer)
		if answer := ask(s, r, "Content-Type", "application/x-www-form-urlencoded", header[0], header[1]); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, answer.Status)
		}
	}
}

// Browsers ask for it beside an answer that is no page.
func TestTheFaviconIsTheIcon(t *testing.T) {
	s := servertest.New(t, servertest.Options{Prefix: "/second"})
	r, err := s.HTTP.Client().Get(s.URL + "/favicon.ico")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("GET /favicon.ico is answered with %s, %s", r.Status, r.Header.Get("Content-Type"))
	}
}
