package exchange

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"totpctl/totp"
)

// Google Authenticator exports accounts as QR codes of
// otpauth-migration://offline?data=BASE64, each with a protobuf message:
//
//	MigrationPayload: 1 OtpParameters (repeated), 2 version, 3 batch_size, 4 batch_index, 5 batch_id
//	OtpParameters:    1 secret, 2 name, 3 issuer, 4 algorithm, 5 digits, 6 type, 7 counter
//
// Google has not published it. The numbers are those of google_auth.proto of Aegis and
// google_authenticator.proto of 2FAS, which agree.
const migrationScheme = "otpauth-migration://"

// A migration is the message of one QR code.
type migration struct {
	parameters [][]byte // OtpParameters
	part       part
}

func isMigration(line string) bool {
	return len(line) > len(migrationScheme) && strings.EqualFold(line[:len(migrationScheme)], migrationScheme)
}

func isGoogle(data []byte) bool { return isMigration(firstLine(data)) }

// addMigration adds the accounts of a migration URI, or leaves out all of it if it is
// damaged.
func (c *Contents) addMigration(place, text string) {
	data, err := migrationData(text)
	if err != nil {
		c.leaveOut(place, "", err)
		return
	}
	m, err := parseMigration(data)
	if err != nil {
		c.leaveOut(place, "", err)
		return
	}
	for i, p := range m.parameters {
		place := fmt.Sprintf("%s, entry %d", place, i+1)
		r, err := parseParameters(p)
		if err != nil {
			c.leaveOut(place, "", err)
			continue
		}
		r.place = place
		c.add(r)
	}
	c.parts = append(c.parts, m.part)
}

// migrationData returns the message of a migration URI. Base64 is read in both alphabets,
// with or without padding, with "+" as a space, and escaped twice.
func migrationData(text string) ([]byte, error) {
	_, query, _ := strings.Cut(text[len(migrationScheme):], "?")
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(name, "data") {
			continue
		}
		plain := strings.NewReplacer(" ", "+", "-", "+", "_", "/", "=", "").Replace(unescape(unescape(value)))
		data, err := base64.RawStdEncoding.DecodeString(plain)
		if err != nil || len(data) == 0 {
			return nil, fmt.Errorf("%w: its data are not base64", ErrDamaged)
		}
		return data, nil
	}
	return nil, fmt.Errorf("%w: it has no data", ErrDamaged)
}

func parseMigration(data []byte) (m migration, err error) {
	err = eachField(data, func(number, value uint64, bytes []byte) {
		switch number {
		case 1:
			m.parameters = append(m.parameters, bytes)
		case 3:
			m.part.size = int32(value)
		case 4:
			m.part.index = int32(value)
		case 5:
			m.part.batch = int32(value)
		}
	})
	return m, err
}

func parseParameters(data []byte) (r record, err error) {
	kind, algorithm, digits := uint64(0), uint64(0), uint64(0)
	err = eachField(data, func(number, value uint64, bytes []byte) {
		switch number {
		case 1:
			r.raw = bytes
		case 2:
			r.account = string(bytes)
		case 3:
			r.issuer = string(bytes)
		case 4:
			algorithm = value
		case 5:
			digits = value
		case 6:
			kind = value
		}
	})
	r.algorithm = meaning(algorithm, "", "SHA1", "SHA256", "SHA512", "MD5")
	r.digits = meaning(digits, "", "6", "8")
	r.kind = meaning(kind, "", "HOTP", "TOTP")
	if kind == 0 {
		r.note("its kind is not said: it is taken for TOTP")
	}
	return r, err
}

// meaning returns what a number of an enumeration stands for.
func meaning(number uint64, all ...string) string {
	if number < uint64(len(all)) {
		return all[number]
	}
	return fmt.Sprintf("number %d", number)
}

// holdsGoogle says why Google Authenticator cannot have an account: the format has no
// period, no Steam and no 7 digits.
func holdsGoogle(e entry) error {
	s := e.Key.Scheme()
	switch {
	case s.Steam:
		return errors.New("its codes are Steam's, which Google Authenticator cannot show")
	case s.Period != totp.DefaultPeriod:
		return fmt.Errorf("its period is %v, and Google Authenticator knows %v alone", s.Period, totp.DefaultPeriod)
	case s.Digits != 6 && s.Digits != 8:
		return fmt.Errorf("its codes have %d digits, and Google Authenticator knows 6 and 8", s.Digits)
	}
	return keepsName(e)
}

// What a part holds: as many accounts as in Google's own, and as much as a QR code of
// version 18 and level M, which has 89 modules a side. Phones read it from a screen, and a
// terminal of 50 lines shows it.
const (
	googlePartEntries = 10
	googlePartBytes   = 560
)

// GoogleParts returns the migration URIs from whose QR codes Google Authenticator imports the
// entries, one after the other. None has more than maxBytes bytes, unless a single account
// needs more; 0 stands for 560. It leaves out by name what Google Authenticator cannot hold,
// as Write does. The URIs reveal the secrets.
func GoogleParts(entries []totp.Entry, maxBytes int) (uris []string, leftOut []LeftOut) {
	fit, leftOut := holdable(entries, holdsGoogle)
	return migrationURIs(fit, cmp.Or(maxBytes, googlePartBytes)), leftOut
}

func writeGoogle(entries []entry) ([]byte, error) {
	var b strings.Builder
	for _, uri := range migrationURIs(entries, googlePartBytes) {
		b.WriteString(uri + "\n")
	}
	return []byte(b.String()), nil
}

func migrationURIs(entries []entry, maxBytes int) (uris []string) {
	batch := batchID(entries)
	var parts []migration
	var last migration
	for _, e := range entries {
		p := appendParameters(nil, e)
		longer := migration{append(last.parameters, p), part{batch, 1 << 16, 1 << 16}}
		if n := len(last.parameters); n == googlePartEntries || n > 0 && len(longer.uri()) > maxBytes {
			parts = append(parts, last)
			longer.parameters = [][]byte{p}
		}
		last = longer
	}
	if len(last.parameters) > 0 {
		parts = append(parts, last)
	}
	for i, m := range parts {
		m.part.index, m.part.size = int32(i), int32(len(parts))
		uris = append(uris, m.uri())
	}
	return uris
}

func (m migration) uri() string {
	var b []byte
	for _, p := range m.parameters {
		b = appendBytes(b, 1, p)
	}
	for i, value := range []int32{1, m.part.size, m.part.index, m.part.batch} {
		b = appendNumber(b, 2+i, uint64(value))
	}
	data := base64.StdEncoding.EncodeToString(b)
	return migrationScheme + "offline?data=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(data)
}

func appendParameters(b []byte, e entry) []byte {
	for i, field := range [][]byte{e.Key.Secret().Bytes(), []byte(e.Account), []byte(e.Issuer)} {
		b = appendBytes(b, 1+i, field)
	}
	const kindTOTP = 2
	for i, value := range []int{int(e.Key.Algorithm()), 1 + e.Key.Digits()/8, kindTOTP} {
		b = appendNumber(b, 4+i, uint64(value))
	}
	return b
}
