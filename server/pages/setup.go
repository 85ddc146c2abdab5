package pages

import (
	"errors"
	"fmt"
	"html/template"
	"net/url"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/qrcode"
)

// Bounds on a QR code, in bytes of SVG.
const (
	denseQR = 6 << 10  // above it the code gets more room on the page
	maxQR   = 26 << 10 // above it a phone cannot read the code from a screen, and the page exceeds 40 KiB
)

// A Key is a key as a page shows it to the person who sets up an authenticator.
type Key struct {
	Issuer, Account string
	Secret          []string // base32 in groups of four
	Algorithm       string
	Digits, Period  int // Period in seconds
	URI             template.URL
	QR              template.HTML // "" if the names are too long for a QR code
	Dense           bool
}

// NewKey returns the key of an entry.
func NewKey(e totp.Entry) (Key, error) {
	svg, err := qrcode.SVG(e.URI(), api.QRTitle)
	if err != nil && !errors.Is(err, qrcode.ErrTooLong) {
		return Key{}, fmt.Errorf("drawing the QR code: %w", err)
	}
	if len(svg) > maxQR {
		svg = ""
	}
	k := e.Key
	return Key{
		Issuer:    e.Issuer,
		Account:   e.Account,
		Secret:    groups(k.Secret().Base32()),
		Algorithm: k.Algorithm().String(),
		Digits:    k.Digits(),
		Period:    api.Seconds(k.Period()),
		URI:       template.URL(e.URI()),
		QR:        template.HTML(svg),
		Dense:     len(svg) > denseQR,
	}, nil
}

// groups returns a text in groups of four.
func groups(s string) (four []string) {
	for len(s) > 4 {
		four, s = append(four, s[:4]), s[4:]
	}
	return append(four, s)
}

// Setup is the page that shows a key and tries a code of it.
type Setup struct {
	Key
	Token  string  // of the set-up link that led here; "" without one
	Left   int     // seconds that the enrolment link that led here still works; 0 without one
	Result *Result // of the form; nil before the form was sent
	Admin  bool    // ADMIN_BEARER is set
}

func (Setup) template() string { return "setup.html" }

// DefaultKey returns the default account's key.
func (p *Pages) DefaultKey() Key { return p.key }

// Good reports whether the form had a good code.
func (p Setup) Good() bool { return p.Result != nil && p.Result.Valid }

// Done reports whether the set-up link has just ended.
func (p Setup) Done() bool { return p.Good() && p.Token != "" }

// Action returns where the form is sent: to the page's own URL, relative because a
// proxy may have put it under a prefix, and back to the form.
func (p Setup) Action() string {
	if p.Token == "" {
		return "?#try"
	}
	return "?" + url.Values{"setup": {p.Token}}.Encode() + "#try"
}
