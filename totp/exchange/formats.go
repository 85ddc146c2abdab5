package exchange

import (
	"bytes"
	"fmt"
)

// A format is one kind of account file.
type format struct {
	name  string // what --format takes
	title string // for people

	// recognise reports whether data is of the format, without decoding all of it. At
	// most one format may recognise a file.
	recognise func(data []byte) bool
	read      func(*Contents, input) error
	write     func([]entry) ([]byte, error) // nil: the format is only read
	holds     func(entry) error             // why the format cannot hold an entry; nil: it holds all
}

// An input is a file that is to be read.
type input struct {
	data       []byte
	passphrase func() (string, error)
	name       string // of the account, if the format has none
}

// formats is the table of all formats. A function, because a table in a variable would be
// built at every start of the program.
func formats() []format {
	return []format{
		{name: "otpauth", title: "otpauth URIs", recognise: isURIs, read: readURIs, write: writeURIs},
		{name: "google", title: "Google Authenticator", recognise: isGoogle, read: readURIs, write: writeGoogle, holds: holdsGoogle},
		{name: "aegis", title: "Aegis", recognise: isAegis, read: readAegis, write: writeAegis, holds: keepsName},
		{name: "2fas", title: "2FAS", recognise: isTwofas, read: readTwofas},
		{name: "andotp", title: "andOTP", recognise: isAndotp, read: readAndotp},
		{name: "picture", title: "a picture", recognise: isPicture, read: readPicture},
		{name: "age", title: "a file sealed by age", recognise: isAge, read: readAge},
		{name: "csv", title: "a CSV table", recognise: isCSV, read: readCSV, write: writeCSV, holds: keepsName},
		{name: "ente", title: "Ente Auth's encrypted export", recognise: isEnte, read: readEnte},
		{name: "proton", title: "Proton Authenticator", recognise: isProton, read: readProton},
		{name: "stratum", title: "Stratum", recognise: isStratum, read: readStratum},
		{name: "freeotp+", title: "FreeOTP+", recognise: isFreeOTP, read: readFreeOTP},
		{name: "bitwarden", title: "Bitwarden's JSON", recognise: isBitwarden, read: readBitwarden},
		{name: "bitwarden-csv", title: "Bitwarden's CSV", recognise: isBitwardenCSV, read: readBitwardenCSV},
		{name: "1pux", title: "1Password", recognise: is1Password, read: read1Password},
		{name: "authy", title: "Authy's decrypted JSON", recognise: isAuthy, read: readAuthy},
		{name: "keepass", title: "the XML of KeePass and KeePassXC", recognise: isKeePassXML, read: readKeePassXML},
		{name: "keepassxc-csv", title: "KeePassXC's CSV", recognise: isKeePassCSV, read: readKeePassCSV},
		{name: "google-authenticator", title: "google-authenticator-libpam", recognise: isLibpam, read: readLibpam},
		{name: "users.oath", title: "oath-toolkit's users.oath", recognise: isOATH, read: readOATH},
	}
}

// A Format describes a kind of account file.
type Format struct {
	Name    string // for Options and Write
	Title   string // for people
	Written bool   // Write knows it
}

// Formats returns all formats, in the order of the table.
func Formats() (all []Format) {
	for _, f := range formats() {
		all = append(all, Format{f.name, f.title, f.write != nil})
	}
	return all
}

func find(data []byte, name string) (format, error) {
	for _, f := range formats() {
		if f.name == name || name == "" && f.recognise(data) {
			return f, nil
		}
	}
	if name != "" {
		return format{}, fmt.Errorf("%w: there is none of the name %q", ErrUnknown, name)
	}
	return format{}, unrecognised(data)
}

// unrecognised returns ErrEmpty, ErrKDBX, or ErrUnknown for anything else.
func unrecognised(data []byte) error {
	switch {
	case len(bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))) == 0:
		return ErrEmpty
	case bytes.HasPrefix(data, []byte("\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5")):
		return ErrKDBX
	}
	return ErrUnknown
}
