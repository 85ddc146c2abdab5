//go:build linux

package doors

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

// startAdmin runs the recipe for /admin in that of a server, for one network.
func startAdmin(t *testing.T, c *cluster, network string) *door {
	t.Helper()
	inside := replaced(t, cmdtest.Recipe(t, "admin.md", "admin-inside"), "10.0.0.0/8", network)
	return startNginxOn(t, c, "fail_timeout=5s", "fail_timeout=1s", "    location / {", inside+"    location / {")
}

func TestTheManualsNginxKeepsTheAdminPageInside(t *testing.T) {
	c := newCluster(t)
	inside, outside := startAdmin(t, c, clientHost+"/32"), startAdmin(t, c, "10.0.0.0/8")
	for _, path := range []string{"/admin", "/admin/sign-in", "/admin/account?name=alice", "/admin/account/remove", "/%61dmin"} {
		if a := outside.browser(t).ask("GET", site+path, ""); a.status != http.StatusForbidden || strings.Contains(a.text, "bearer") {
			t.Errorf("outside, %s is %d %s", path, a.status, a.text)
		}
	}
	if a := outside.program(t).ask("GET", site+"/healthz", ""); a.status != http.StatusOK {
		t.Errorf("outside, /healthz is %d", a.status)
	}
	b := inside.browser(t)
	b.form(site+"/admin/sign-in", url.Values{"bearer": {adminBearer}, "next": {"admin"}})
	if a := b.ask("GET", site+"/admin", "", "Accept-Encoding", "identity"); a.status != http.StatusOK || !strings.Contains(a.text, "Sign out") {
		t.Fatalf("inside, a sign-in leads to %d %s", a.status, a.text)
	}
	for range 6 { // each server knows the session
		if a := b.ask("GET", site+"/admin", ""); a.status != http.StatusOK {
			t.Errorf("inside, /admin is %d", a.status)
		}
	}
	b.form(site+"/admin/sign-out", url.Values{})
	for range 6 {
		if a := b.ask("GET", site+"/admin", ""); a.status != http.StatusUnauthorized {
			t.Errorf("signed out, /admin is %d", a.status)
		}
	}
	inside.searchLogs(t)
}
