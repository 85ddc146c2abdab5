package server_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheOwnerGetsNewRecoveryCodesByALink(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	_, old := f.Enrol("alice")
	r := b.follow("/admin/account/codes", "name", "alice")
	r.wantWords(t, "There is a link for new recovery codes of alice.")
	r.wantWords(t, "Nobody has opened it.")
	if strings.Contains(r.text, "show the QR code") {
		t.Error("the page offers a QR code")
	}
	link := strings.TrimPrefix(r.link(t), f.URL)
	owner := newBrowser(t, f)
	owner.get(link)
	owner.post(link, "browser", owner.cookies["enrolment"].Value)
	shown := owner.get(link)
	if strings.Count(shown.text, "<li>") != 10 || strings.Contains(shown.text, "otpauth:") {
		t.Errorf("the owner sees %s", shown.words())
	}
	b.get("/admin/account?name=alice").wantWords(t, "A browser has opened it.")
	f.post(fmt.Sprintf(`{"account":"alice","recovery_code":%q}`, old[0])).want(t, 200, `{"status":false,"reason":"invalid"}`)

	b.post("/admin/account/rekey", "name", "alice")
	if r := b.post("/admin/account/codes", "name", "alice"); r.status != 409 || !strings.Contains(r.words(), "link for a new phone") {
		t.Errorf("beside a new phone it is %d %s", r.status, r.words())
	}
	b.follow("/admin/add", "name", "bob")
	if r := b.post("/admin/account/codes", "name", "bob"); r.status != 409 {
		t.Errorf("of an account that is not set up it is %d", r.status)
	}
}
