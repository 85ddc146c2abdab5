package pages

import (
	"net/http/httptest"
	"testing"

	"totpctl/totp"
)

// Beside a link, the length of a compressed page would tell letters of it (BREACH).
func TestTheListIsCompressedUnlessALinkIsOnIt(t *testing.T) {
	secret, err := totp.ParseSecret("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	if err != nil {
		t.Fatal(err)
	}
	key, err := totp.NewKey(secret, totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(totp.Entry{Account: "me", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for encoding, list := range map[string]Accounts{"gzip": {Done: &Outcome{Key: "admin.done.unlock"}}, "": {Done: &Outcome{Key: "admin.done.link", Link: "https://example.org/enrol/x"}}} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/admin", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		if err := p.Render(w, r, 200, list); err != nil {
			t.Fatal(err)
		}
		if got := w.Header().Get("Content-Encoding"); got != encoding {
			t.Errorf("with the outcome %s the Content-Encoding is %q, want %q", list.Done.Key, got, encoding)
		}
	}
}
