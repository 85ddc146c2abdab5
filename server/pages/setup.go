package pages

import (
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/qrcode"
)

const (
	maxQR        = 26 << 10 // bytes of SVG; above it a phone cannot read the code from a screen, and the page exceeds 40 KiB
	modulePixels = 5        // width of a module; the style sheet bounds the code's
	bigQR        = 350      // pixels; above it the code leaves no room for the steps beside it
)

// A Key is a key as a page shows it to the person who sets up an authenticator.
type Key struct {
	Issuer, Account string
	Secret          []string // base32 in groups of four
	Algorithm       string
	Digits, Period  int // Period in seconds
	URI             template.URL
	QR              template.HTML // "" if the names are too long for a QR code
	Big             bool          // the QR code is too wide for a column beside it
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
	svg, width := sized(svg)
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
		Big:       width > bigQR,
	}, nil
}

// sized gives the drawing of a QR code modules of modulePixels, and returns its width.
func sized(svg string) (_ string, width int) {
	var modules, pixels int
	head, rest, found := strings.Cut(svg, " shape-rendering")
	start, box, _ := strings.Cut(head, "viewBox")
	if _, err := fmt.Sscanf(box, `="0 0 %d %d" width="%d"`, &modules, &modules, &pixels); err != nil || !found {
		return svg, 0
	}
	width = modules * modulePixels
	return fmt.Sprintf(`%sviewBox="0 0 %d %[2]d" width="%d" height="%[3]d" shape-rendering%s`, start, modules, width, rest), width
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

// Action returns where the form is sent and its answer shown: the page's own URL, relative
// because a proxy may have put it under a prefix, at the field for the next code.
func (p Setup) Action() string {
	if p.Token == "" {
		return "?#code"
	}
	return "?" + url.Values{"setup": {p.Token}}.Encode() + "#code"
}
