package browsertest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
)

// A heard is a node of the accessibility tree, as a screen reader gets it.
type heard struct{ role, name, description string }

// hear returns the accessibility tree in reading order.
func (b *tab) hear() []heard {
	b.t.Helper()
	nodes := call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range nodes {
		byID[n.NodeID] = n
	}
	var all []heard
	var walk func(n *accessibility.Node)
	walk = func(n *accessibility.Node) {
		if !n.Ignored {
			all = append(all, heard{spoken(n.Role), spoken(n.Name), spoken(n.Description)})
		}
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				walk(child)
			}
		}
	}
	walk(nodes[0])
	return all
}

func spoken(v *accessibility.Value) (text string) {
	if v != nil {
		json.Unmarshal(v.Value, &text)
	}
	return text
}

// find returns the node of a role, and of a name that begins so.
func find(all []heard, role, name string) (h heard, n int) {
	for _, one := range all {
		if one.role == role && strings.HasPrefix(one.name, name) {
			h, n = one, n+1
		}
	}
	return h, n
}

// texts returns what is read of the text, node by node.
func texts(all []heard) string {
	var read strings.Builder
	for _, one := range all {
		if one.role == "StaticText" {
			read.WriteString(one.name)
		}
	}
	return read.String()
}

func TestTheQRCodeIsNamedInThePagesLanguage(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, desk)
	for language, want := range map[string]string{"en": "QR code for an authenticator app", "de": "QR-Code für eine Authenticator-App", "ar": "رمز QR لتطبيق مصادقة"} {
		b.speak(language)
		b.open(s.SetupLink())
		if _, n := find(b.hear(), "image", want); n != 1 {
			t.Errorf("%s: no picture is called %q", language, want)
		}
	}
}

// A code of 24 letters in one word is read as a word.
func TestRecoveryCodesAreReadInGroups(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, phone)
	b.openLink(s.link())
	b.try(s.Code())
	b.want("document.title.startsWith('Code is good · Your recovery codes')")
	code := b.recoveryCodes()[0]
	groups := []string{code[:4], code[4:8], code[8:12], code[12:16], code[16:20], code[20:]}
	if read := strings.Join(strings.Fields(texts(b.hear())), " "); !strings.Contains(read, strings.Join(groups, " ")) {
		t.Errorf("%q is not read in groups: %q", code, read)
	}
}

// Screen readers say each change of the description of the focused field, and of a live
// region.
func TestAWaitIsToldOnceToWhoeverHearsIt(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, desk)
	b.open(s.SetupLink())
	for range 3 {
		b.try(s.WrongCode())
	}
	s.Clock.Advance(26 * time.Second)
	b.open(s.SetupLink())
	b.try(s.Code())
	field, _ := find(b.hear(), "textbox", "Code of 6 digits")
	b.wait("document.querySelector('#wait').textContent.includes('Wait 2 seconds,')")
	if later, _ := find(b.hear(), "textbox", "Code of 6 digits"); later != field || !strings.HasPrefix(field.description, "Too many wrong codes. Wait ") {
		t.Errorf("the description was %q, and is %q a moment later", field.description, later.description)
	}
	b.wait("document.querySelector('#over').textContent !== ''")
	b.want("document.querySelector('#code').getAttribute('aria-invalid') !== 'true'")
	if over, _ := find(b.hear(), "textbox", "Code of 6 digits"); over.description != "" {
		t.Errorf("after the wait the description is %q", over.description)
	}
}

func TestASignInsWaitIsToldOnceToWhoeverHearsIt(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, desk)
	b.open(s.URL + "/admin")
	for range 11 {
		b.fill("#bearer", "wrong")
		b.submit("main form button")
	}
	b.wait("document.querySelector('#why-copy') !== null")
	field, _ := find(b.hear(), "textbox", "Administrator's key")
	before := b.text("#why")
	b.wait("document.querySelector('#why').textContent !== " + quote(before))
	if later, _ := find(b.hear(), "textbox", "Administrator's key"); later != field || field.description == "" {
		t.Errorf("the description was %q, and is %q a second later", field.description, later.description)
	}
	b.want("document.querySelector('#why[role=alert] [data-left]').getAttribute('aria-live') === 'off'")
	b.want("document.querySelector('#over[role=status]').textContent === ''")
}

func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

func TestTheAppSaysEachVerdictOnceAndDescribesTheFieldAtFault(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.openApp(t)
	b.validate(s.WrongCode())
	b.wait("document.querySelector('.toast') !== null")
	all := b.hear()
	if read := texts(all); strings.Count(read, "This code is not valid") != 1 || strings.Contains(read, "Not valid code") {
		t.Errorf("read: %q", read)
	}
	if field, _ := find(all, "textbox", "Code"); !strings.HasPrefix(field.description, "This code is not valid") {
		t.Errorf("the field at fault is described by %q", field.description)
	}
	if field, _ := find(all, "textbox", "Account"); field.description != "" {
		t.Errorf("the field beside it is described by %q", field.description)
	}
	b.validate(s.Code())
	b.wantText("#alert[role=alert]", "This code is good (")
	b.wait("document.querySelector('.toast')?.textContent === 'OK'")
	if read := texts(b.hear()); strings.Count(read, "This code is good") != 1 || strings.Contains(read, "OK") {
		t.Errorf("read: %q", read)
	}
}

func TestTitlesOfTheAdminPagesTellWhatHappened(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, desk)
	s.Enrol("alice")
	s.signIn(b)
	b.want("document.title === 'Accounts · totpctl'")
	b.open(s.URL + "/admin?prefix=al&status=held")
	b.want("document.title === 'al… · Waiting or disabled · Accounts · totpctl'")
	b.open(s.URL + "/admin/add")
	if field, _ := find(b.hear(), "textbox", "Names"); !strings.HasPrefix(field.description, "Gives a CSV file") {
		t.Errorf("the field of names is described by %q", field.description)
	}
	b.fill("#name", "a:b:c")
	b.submit("main form button")
	b.want("document.title === 'Not done · Add an account · totpctl'")
	b.open(s.URL + "/admin/account/remove?name=alice")
	b.fill("#typed", "bob")
	b.submit("main form button")
	b.want("document.title === 'Not done · Remove alice? · totpctl'")
}

// A heading says what a part is; a landmark of the same name says it again.
func TestNoPartOfAnAccountsPageIsNamedTwice(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newTab(t, desk)
	s.Enrol("alice")
	s.signIn(b)
	b.open(s.URL + "/admin/account?name=alice")
	all := b.hear()
	if _, n := find(all, "heading", "Remove"); n != 1 {
		t.Errorf("%d headings of the part that removes", n)
	}
	if h, n := find(all, "region", ""); n != 0 {
		t.Errorf("the landmark %q repeats its heading", h.name)
	}
}
