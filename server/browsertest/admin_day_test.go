package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"totpctl/server/servertest"
	"totpctl/totp"
	"totpctl/totp/totptest"
)

// An administrator's day. The owner has a phone-sized browser of her own. A key's codes of
// this step and of the next are good, so that nobody waits for a step to end.
func TestAnAdministratorsDay(t *testing.T) {
	for _, c := range []struct {
		language string
		window   size
		script   bool
	}{{"en", desk, true}, {"en", phone, false}, {"ar", phone, true}, {"ar", desk, false}} {
		t.Run(fmt.Sprint(c.language, c.window, " script ", c.script), func(t *testing.T) {
			t.Parallel()
			s := makeServed(t, servertest.Options{AdminAccount: "root"})
			root, _ := s.Enrol("root")
			b, owner := newTab(t, c.window), newTab(t, phone)
			for _, each := range []*tab{b, owner} {
				each.speak(c.language)
				if !c.script {
					each.withoutScript()
				}
			}

			// She signs in with the bearer and her code.
			b.open(s.URL + "/admin?prefix=c")
			b.fill("#bearer", adminBearer)
			b.fill("#code", s.nextCode(root))
			b.submit("main form button")
			b.want("location.search === '?prefix=c'")

			// She adds carol and hands the link over.
			s.add(b, "carol")
			b.says("#done", "carol is added.")
			link := s.addedLink(b)
			b.says(".facts", "Nobody has opened it.")
			b.want("!document.documentElement.outerHTML.includes('otpauth:')")

			// Carol types a wrong code, then the right one, and keeps her recovery codes.
			owner.openLink(link)
			k := owner.scanned()
			s.openCarol(b, "A browser has opened it.")
			owner.try(s.WrongCodeOf(k))
			s.openCarol(b, "There was 1 wrong code.")
			codes := owner.setUp(s.CodeOf(k))

			// She cannot log in: she is told to wait, calls, and is unlocked from the list.
			for range 3 {
				s.wantVerdict(`"code":"`+s.WrongCodeOf(k)+`"`, "invalid")
			}
			s.wantVerdict(`"code":"`+s.nextCode(k)+`"`, "throttled")
			b.open(s.URL + "/admin?status=held")
			b.says("table", "waiting")
			b.submit("form[action$='/unlock'] button")
			b.says("#done", "carol is unlocked.")
			s.openCarol(b, "")
			b.fill("#code", s.nextCode(k))
			b.act("check")
			b.says("#done", "The code of carol is good. It is used up now.")

			// She loses the phone, and enrols another with a recovery code.
			owner.open(s.URL + "/recover")
			owner.recover("carol", codes[1])
			k = owner.scanned()
			codes = owner.setUp(s.CodeOf(k))
			s.openCarol(b, "10 left")

			// That one is stolen. Her recovery codes are good until the new phone's first code.
			b.act("revoke")
			b.says("h1", "Is the phone of carol lost or stolen?")
			b.submit("main form button")
			b.says("#done", "The old phone of carol is revoked")
			link = s.addedLink(b)
			s.wantVerdict(`"code":"`+s.nextCode(k)+`"`, "stopped")
			s.wantVerdict(`"recovery_code":"`+codes[0]+`"`, "")
			owner.openLink(link)
			k = owner.scanned()
			owner.setUp(s.CodeOf(k))
			s.wantVerdict(`"code":"`+s.nextCode(k)+`"`, "")

			// She leaves: disabled, then removed by her name.
			s.openCarol(b, "")
			b.act("disable")
			b.submit("main form button")
			b.says("#done", "carol is disabled.")
			b.act("remove")
			b.fill("#typed", "carol")
			b.submit("main form button")
			b.says("#done", "carol is removed.")
			b.submit("form[action$='sign-out'] button")
			b.open(s.URL + "/admin")
			b.says("h1", "Sign in as administrator")
		})
	}
}

// openCarol opens the account's page and wants a text among its facts.
func (s *site) openCarol(b *tab, fact string) {
	b.t.Helper()
	b.open(s.URL + "/admin/account?name=carol")
	b.says(".facts", fact)
}

// setUp confirms the new key, and returns the recovery codes that the owner says to have kept.
func (b *tab) setUp(code string) (recoveryCodes []string) {
	b.t.Helper()
	b.try(code)
	b.wait("document.querySelector('#codes') !== null")
	recoveryCodes = b.recoveryCodes()
	b.submit("#kept")
	return recoveryCodes
}

// nextCode returns the key's code of the next step, which is good already.
func (s *site) nextCode(k totp.Key) string {
	s.t.Helper()
	return totptest.Code(s.t, k, s.Clock.Now().Add(k.Period()))
}

// wantVerdict asks as the application does that carol logs in to. The reason "" is that of a
// good code.
func (s *site) wantVerdict(offered, reason string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.URL+"/check", strings.NewReader(`{"account":"carol",`+offered+`}`))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	var verdict struct {
		Status bool
		Reason string
	}
	if err := json.NewDecoder(a.Body).Decode(&verdict); err != nil || verdict.Reason != reason || verdict.Status != (reason == "") {
		s.t.Errorf("the verdict is %+v, %v, want %q", verdict, err, reason)
	}
}
