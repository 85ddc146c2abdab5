package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"totpctl/totp"
)

// ParseURI reads the otpauth URI of another program, in the Key Uri Format of
// google-authenticator's wiki and with what others make of it, and returns notes for people
// about what it had to guess. Where label and parameter name two issuers, the parameter
// wins. The errors never quote the secret; they are ErrKind for HOTP.
func ParseURI(text string) (e totp.Entry, notes []string, err error) {
	var c Contents
	c.addURI("", text)
	if len(c.LeftOut) > 0 {
		return totp.Entry{}, nil, c.LeftOut[0].Err
	}
	return c.Accounts[0].Entry, c.Accounts[0].Notes, nil
}

// addURI adds the account of an otpauth URI, or names it as left out. A URI that the strict
// reader takes means what that says: the lenient one would part a colon in an account.
func (c *Contents) addURI(place, text string) {
	if e, err := parseStrictly(text); err == nil && !e.Key.Secret().EndsWithinByte() && !strings.Contains(text, "codeDisplay=") {
		c.keep(Account{Entry: e, Place: place})
		return
	}
	r, err := uriRecord(text)
	if err != nil {
		c.leaveOut(place, r.name(), err)
		return
	}
	r.place = place
	c.add(r)
}

// parseStrictly reads what Entry.URI writes. totp.ParseURI reads no URI of Steam's.
func parseStrictly(text string) (entry, error) {
	text, steam := strings.CutSuffix(text, "&digits=5&encoder=steam")
	e, err := totp.ParseURI(text)
	if err != nil || !steam {
		return e, err
	}
	e.Key, err = totp.NewKey(e.Key.Secret(), totp.SteamScheme())
	return e, err
}

const uriScheme = "otpauth://"

func isURI(line string) bool {
	return len(line) > len(uriScheme) && strings.EqualFold(line[:len(uriScheme)], uriScheme)
}

// uriRecord does not use url.Parse, whose errors quote the URI and so the secret.
func uriRecord(text string) (record, error) {
	text = strings.TrimSpace(text)
	if isMigration(text) {
		return record{}, errors.New("it is a migration URI of Google Authenticator, which has several accounts: import it")
	}
	if !isURI(text) {
		return record{}, errors.New("not an otpauth URI: it does not begin with otpauth://")
	}
	rest, query, _ := strings.Cut(text[len(uriScheme):], "?")
	kind, label, _ := strings.Cut(rest, "/")
	r := record{kind: kind, account: unescape(label)}
	values, err := r.parameters(query)
	if err != nil {
		return record{}, err
	}
	r.secret, r.algorithm, r.digits, r.period = values["secret"], values["algorithm"], values["digits"], values["period"]
	if strings.EqualFold(values["encoder"], "steam") {
		r.kind = "steam"
	} else if values["encoder"] != "" {
		return record{}, fmt.Errorf("%w: its encoder is %s", ErrKind, totp.QuoteName(values["encoder"]))
	}
	r.setIssuer(values["issuer"])
	if isTrashed(values["codedisplay"]) {
		return r, errBin
	}
	return r, nil
}

// isTrashed looks at what Ente Auth adds to a URI about how it shows the code.
func isTrashed(display string) bool {
	var v struct {
		Trashed bool `json:"trashed"`
	}
	return json.Unmarshal([]byte(display), &v) == nil && v.Trashed
}

// setIssuer takes the parameter for the issuer, and drops another one in the label.
func (r *record) setIssuer(parameter string) {
	prefix, account, ok := strings.Cut(r.account, ":")
	r.issuer = parameter
	if parameter == "" || !ok || strings.HasPrefix(r.account, parameter+":") {
		return
	}
	if prefix = strings.TrimSpace(prefix); !strings.EqualFold(prefix, strings.TrimSpace(parameter)) {
		r.note("its label names the issuer %s and its parameter %s, which wins", totp.QuoteName(prefix), totp.QuoteName(parameter))
		r.renamed = true
	}
	r.account = account
}

// parameters reads a query. Names are read in any case. An empty parameter is as good as
// none, and a repeated one must say the same again.
func (r *record) parameters(query string) (map[string]string, error) {
	values := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = strings.ToLower(unescape(name)), strings.TrimSpace(unescape(strings.ReplaceAll(value, "+", "%20")))
		if !slices.Contains([]string{"secret", "issuer", "algorithm", "digits", "period", "encoder", "codedisplay"}, name) {
			continue
		}
		old, repeated := values[name]
		switch {
		case value == "":
			r.note("its %s is empty", name)
		case repeated && old != value:
			return nil, fmt.Errorf("otpauth URI has two values of %s", name)
		case repeated:
			r.note("its %s is there twice", name)
		default:
			values[name] = value
		}
	}
	return values, nil
}

// unescape returns the text itself if its escapes are broken.
func unescape(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// isURIs recognises a list whose first line is an otpauth URI.
func isURIs(data []byte) bool { return isURI(firstLine(data)) }

// firstLine returns the first line that is neither empty nor a comment.
func firstLine(data []byte) string {
	for line := range bytes.Lines(trimBOM(data)) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return string(line)
		}
	}
	return ""
}

// readURIs reads one URI a line, as Ente, Proton Authenticator and many others export
// them. Migration URIs of Google Authenticator may be among them.
func readURIs(c *Contents, in input) error {
	c.addLines("line", string(trimBOM(in.data)))
	return nil
}

// addLines adds the accounts of a list, whose places are "line 3", or the names of lines that
// unit gives them.
func (c *Contents) addLines(unit, text string) {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		if n++; c.tooMany {
			return
		}
		place := fmt.Sprintf("%s %d", unit, n)
		switch line = strings.TrimSpace(line); {
		case line == "" || strings.HasPrefix(line, "#"):
		case isMigration(line):
			c.addMigration(place, line)
		default:
			c.addURI(place, line)
		}
	}
}

func writeURIs(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	for _, e := range entries {
		b.WriteString(e.URI() + "\n")
	}
	return b.Bytes(), nil
}

// trimBOM drops the byte order mark that Windows programs write before UTF-8.
func trimBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }
