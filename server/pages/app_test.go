package pages

import (
	"bytes"
	"testing"

	"totpctl/totp"
)

// A server renders the page when it is first asked for, so that its start tells of no fault.
func TestTheMobilePageIsThereInEveryLanguage(t *testing.T) {
	key, err := totp.GenerateKey(totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(totp.Entry{Account: "me", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range p.catalogues {
		a, err := p.apps[i]()
		if tag := c.tag.String(); err != nil || a.language != tag || !bytes.Contains(a.plain, []byte(`<html lang="`+tag+`"`)) {
			t.Errorf("%v: %v", c.tag, err)
		}
	}
}
