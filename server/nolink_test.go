package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"totpctl/server/servertest"
)

// As behind a unix socket without a PUBLIC_URL.
func TestAServerThatKnowsNoAddressOfItsOwnMakesNoLinks(t *testing.T) {
	s := servertest.New(t, servertest.Options{}).Another("", nil)
	if link := s.SetupLink(); link != "" {
		t.Errorf("the set-up link is %q", link)
	}
	ask := func(method, path, body, origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+servertest.AdminBearer)
		if origin != "" {
			r.Header.Set("Origin", origin)
			r.SetBasicAuth("", servertest.AdminBearer)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	if w := ask("POST", "/accounts", `{"account":"alice"}`, ""); w.Code != http.StatusCreated || strings.Contains(w.Body.String(), "enrol_url") {
		t.Errorf("making an account: %d %s", w.Code, w.Body)
	}
	for origin, want := range map[string]int{"http://localhost": 303, "https://localhost": 303, "http://attacker.example": 403, "http://": 403, "null": 403} {
		if w := ask("POST", "/", "code=000000", origin); w.Code != want {
			t.Errorf("a form from %s: %d, want %d", origin, w.Code, want)
		}
	}
}
