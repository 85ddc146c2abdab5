package exchange

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A keePassEntry is an entry in the XML of KeePass 2 and KeePassXC
// (https://keepass.info/help/kb/kdbx.html, and its schema KDBX_XML.xsd).
type keePassEntry struct {
	Strings []struct {
		Key   string
		Value struct {
			Text      string `xml:",chardata"`
			Protected string `xml:",attr"` // whether the text is encrypted
		}
	} `xml:"String"`
	History struct {
		Entries []keePassEntry `xml:"Entry"`
	}
}

// A keePassReader walks through the groups of a file.
type keePassReader struct {
	*xml.Decoder
	contents *Contents
	bin      string   // UUID of the recycle bin's group
	groups   []string // UUIDs, from the outermost group on
	n        int      // entries so far
}

const maxGroups = 1000 // within one another

func isKeePassXML(data []byte) bool {
	begin := trimBOM(data[:min(len(data), 1024)])
	return bytes.HasPrefix(bytes.TrimSpace(begin), []byte("<")) && bytes.Contains(begin, []byte("<KeePassFile"))
}

// readKeePassXML needs no bound for entities, because encoding/xml knows those of XML alone
// and takes any other for an error.
func readKeePassXML(c *Contents, in input) error {
	k := keePassReader{Decoder: xml.NewDecoder(bytes.NewReader(trimBOM(in.data))), contents: c}
	for whole := false; !whole; {
		token, err := k.Token()
		if err == nil {
			whole, err = k.visit(token)
		}
		if err != nil { // which quotes the file
			return fmt.Errorf("%w at byte %d: it is no whole XML file of KeePass", ErrDamaged, k.InputOffset())
		}
	}
	return nil
}

// visit reports whether the token is the file's end.
func (k *keePassReader) visit(token xml.Token) (end bool, err error) {
	switch t := token.(type) {
	case xml.StartElement:
		return false, k.start(t)
	case xml.EndElement:
		if t.Name.Local == "Group" {
			k.groups = k.groups[:len(k.groups)-1]
		}
		return t.Name.Local == "KeePassFile", nil
	}
	return false, nil
}

// start enters the elements that have entries below them, and passes over all the others.
func (k *keePassReader) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "KeePassFile", "Meta", "Root":
		return nil
	case "Group":
		if len(k.groups) == maxGroups {
			return errors.New("its groups are nested too deep")
		}
		k.groups = append(k.groups, "")
		return nil
	case "RecycleBinUUID":
		return k.DecodeElement(&k.bin, &e)
	case "UUID":
		if len(k.groups) == 0 {
			return k.Skip()
		}
		return k.DecodeElement(&k.groups[len(k.groups)-1], &e)
	case "Entry":
		var entry keePassEntry
		if err := k.DecodeElement(&entry, &e); err != nil {
			return err
		}
		k.n++
		k.add(fmt.Sprintf("entry %d", k.n), entry)
		return nil
	}
	return k.Skip()
}

func (k *keePassReader) add(place string, e keePassEntry) {
	title, user := e.field("Title"), e.field("UserName")
	r, found, err := e.record()
	switch {
	case !found:
	case err == nil && k.bin != "" && slices.Contains(k.groups, k.bin):
		k.contents.leaveOut(place, joinNames(title, user), errBin)
	case err != nil:
		k.contents.leaveOut(place, joinNames(title, user), err)
	default:
		r.place = place
		if e.hadOther(r) {
			r.note("its history has another secret, which is left there")
		}
		k.contents.addKeePass(r, title, user)
	}
}

// addKeePass names an account after its entry. A URI that KeePassXC writes repeats those
// names, or has placeholders for them.
func (c *Contents) addKeePass(r record, title, user string) {
	if title != "" || user != "" || r.issuer == "KeePassXC" {
		r.issuer, r.account = "", ""
	}
	r.nameAfter(title, user)
	c.add(r)
}

func (e keePassEntry) field(key string) string {
	for _, s := range e.Strings {
		if s.Key == key {
			return s.Value.Text
		}
	}
	return ""
}

// hadOther reports whether an earlier version of an entry had another secret.
func (e keePassEntry) hadOther(r record) bool {
	return slices.ContainsFunc(e.History.Entries, func(old keePassEntry) bool {
		before, found, err := old.record()
		return found && err == nil && (before.secret != r.secret || !bytes.Equal(before.raw, r.raw))
	})
}

// record reads the fields that KeePass, KeePassXC and plugins keep a secret in. found
// reports whether there is one.
func (e keePassEntry) record() (r record, found bool, err error) {
	for _, s := range e.Strings {
		if strings.EqualFold(s.Value.Protected, "true") && isOTPField(s.Key) {
			return r, true, errors.New("its secret is encrypted: export the database without encryption")
		}
	}
	if otp := e.field("otp"); strings.TrimSpace(otp) != "" { // KeePassXC, KeeOtp
		r, err = otpRecord(otp)
		return r, true, err
	}
	if seed := e.field("TOTP Seed"); seed != "" { // KeeTrayTOTP, KeePassXC
		return trayRecord(seed, e.field("TOTP Settings")), true, nil
	}
	return e.timeOTP()
}

func isOTPField(key string) bool {
	return key == "otp" || key == "TOTP Seed" || strings.HasPrefix(key, "TimeOtp-Secret") || strings.HasPrefix(key, "HmacOtp-Secret")
}

// trayRecord reads settings such as "30;6" or "30;S", for Steam, and perhaps a further part.
func trayRecord(seed, settings string) record {
	r := record{secret: seed}
	if period, digits, ok := strings.Cut(settings, ";"); ok {
		r.period = period
		r.digits, _, _ = strings.Cut(digits, ";")
	}
	if r.digits == "S" {
		r.kind, r.digits = "steam", ""
	}
	return r
}

// timeOTP reads the fields of KeePass 2.47 and later
// (https://keepass.info/help/base/placeholders.html#otp).
func (e keePassEntry) timeOTP() (r record, found bool, err error) {
	for _, kind := range []string{"TimeOtp", "HmacOtp"} {
		for _, encoding := range []string{"UTF-8", "Hex", "Base32", "Base64"} {
			key := kind + "-Secret" + strings.TrimSuffix("-"+encoding, "-UTF-8")
			if e.field(key) == "" {
				continue
			}
			r.algorithm = strings.Replace(e.field("TimeOtp-Algorithm"), "HMAC-SHA-", "SHA", 1)
			r.digits, r.period = e.field("TimeOtp-Length"), e.field("TimeOtp-Period")
			if kind == "HmacOtp" {
				return r, true, fmt.Errorf("%w: its codes are of the kind HOTP", ErrKind)
			}
			return r, true, r.decodeSecret(e.field(key), encoding)
		}
	}
	return r, false, nil
}

func isKeePassCSV(data []byte) bool { return newTable(data).isKeePass() }

func (t table) isKeePass() bool { return t.has("title") && t.has("username") && t.has("totp") }

// readKeePassCSV reads what KeePassXC exports as CSV: the entries that have a TOTP, and no
// history.
func readKeePassCSV(c *Contents, in input) error {
	t := newTable(in.data)
	if !t.isKeePass() {
		return fmt.Errorf("%w: its header names no title, username and TOTP", ErrDamaged)
	}
	return t.eachRow(c, func(place string, row tableRow) {
		title, user, otp := row.get("title"), row.get("username"), row.get("totp")
		err := row.complete()
		if err == nil && otp == "" {
			return
		}
		r, errOTP := otpRecord(otp)
		if err = cmp.Or(err, errOTP); err == nil && isBin(row.get("group")) {
			err = errBin
		}
		if err != nil {
			c.leaveOut(place, joinNames(title, user), err)
			return
		}
		r.place = place
		c.addKeePass(r, title, user)
	})
}

// isBin knows the recycle bin by the name that KeePassXC gives it in English, below the
// database's own name, because CSV tells nothing else of it.
func isBin(group string) bool {
	_, group, _ = strings.Cut(group, "/")
	return group == "Recycle Bin" || strings.HasPrefix(group, "Recycle Bin/")
}
