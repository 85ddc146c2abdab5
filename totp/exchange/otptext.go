package exchange

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"totpctl/totp"
)

// otpRecord reads what password managers keep in their field for one-time passwords: an
// otpauth URI, steam:// before a base32 secret (Bitwarden), the query of the KeeOtp plugin
// of KeePass (key=SECRET&step=30&size=6), or the base32 secret alone.
func otpRecord(text string) (record, error) {
	text = strings.TrimSpace(text)
	switch scheme, rest, ok := strings.Cut(text, "://"); {
	case isURI(text):
		return uriRecord(text)
	case ok && strings.EqualFold(scheme, "steam"):
		return record{kind: "steam", secret: unescape(strings.TrimSuffix(rest, "/"))}, nil
	case ok:
		return record{}, errors.New("its URI is neither an otpauth nor a steam URI")
	case strings.Contains(text, "key="):
		return keeOtpRecord(text)
	}
	return record{secret: text}, nil
}

// addOTP adds the account of a field that otpRecord reads. What the field does not name is
// named by the title and the user of the entry that it stands in.
func (c *Contents) addOTP(place, text, title, user string, notes ...string) {
	r, err := otpRecord(text)
	if err != nil {
		c.leaveOut(place, joinNames(title, user), err)
		return
	}
	r.place, r.notes = place, append(r.notes, notes...)
	r.nameAfter(title, user)
	c.add(r)
}

// nameAfter names a record by a title, which is mostly a site's name, and a user, where it
// has no names of its own.
func (r *record) nameAfter(title, user string) {
	switch {
	case strings.TrimSpace(r.account) == "" && strings.TrimSpace(r.issuer) == "" && strings.TrimSpace(user) == "":
		r.account = title
	case strings.TrimSpace(r.account) == "":
		r.issuer, r.account = cmp.Or(r.issuer, title), user
	case !strings.Contains(r.account, ":"): // which would be an issuer's
		r.issuer = cmp.Or(r.issuer, title)
	}
}

func joinNames(title, user string) string {
	r := record{}
	r.nameAfter(title, user)
	return r.name()
}

// keeOtpRecord reads the query that KeeOtp and KeeOtp2 keep, as KeePassXC does.
func keeOtpRecord(text string) (record, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return record{}, errors.New("its query is broken") // err quotes it
	}
	r := record{
		kind: values.Get("type"), algorithm: values.Get("otpHashMode"),
		digits: values.Get("size"), period: values.Get("step"),
	}
	err = r.decodeSecret(values.Get("key"), values.Get("encoding"))
	return r, err
}

// decodeSecret reads a secret that is written in a named encoding: base32 ("" is, too), hex,
// base64 or UTF-8.
func (r *record) decodeSecret(text, encoding string) (err error) {
	text = strings.TrimSpace(text)
	switch strings.ToLower(encoding) {
	case "", "base32":
		r.secret = text
	case "hex":
		r.raw, err = hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	case "base64":
		r.raw, err = base64.StdEncoding.DecodeString(text)
	case "utf8", "utf-8":
		r.raw = []byte(text)
	default:
		return fmt.Errorf("its secret has the encoding %s, which is not known", totp.QuoteName(encoding))
	}
	if err != nil {
		return fmt.Errorf("its secret is no %s", strings.ToLower(encoding)) // err quotes it
	}
	return nil
}
