package transfer

import (
	"strings"
	"unicode/utf8"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// setName sets the name that the item is stored under. It makes issuer and account valid
// as parts of a new name, and notes what it changes. It returns an error for what cannot
// be made valid.
func (i *Item) setName() (err error) {
	if _, _, ok := totp.SplitName(i.Entry.Account); !ok || i.Entry.Issuer != "" {
		i.Entry.Issuer = i.tidy("issuer", i.Entry.Issuer)
		i.Entry.Account = i.tidy("account", i.Entry.Account)
	}
	i.Name, err = verifier.StoredName(i.Entry)
	i.given = i.Name
	return err
}

func (i *Item) tidy(what, name string) string {
	tidied := tidyPart(name)
	if tidied != name {
		i.renamed = true
		i.note("its %s, %s, becomes %s", what, totp.QuoteName(name), totp.QuoteName(tidied))
	}
	return tidied
}

// tidyPart makes a name one that totp.ParseNewName takes: a colon would part an issuer from
// it, and what shows nothing at its ends would hide that it is another name. It returns ""
// if nothing is left.
func tidyPart(name string) string {
	name = strings.TrimSpace(strings.ReplaceAll(name, ":", "-"))
	for name != "" {
		if _, err := totp.ParseNewName(name); err == nil {
			return name
		}
		name = dropEnd(name)
	}
	return ""
}

// dropEnd drops the first character if that alone makes no good start of a name, else the
// last.
func dropEnd(name string) string {
	_, first := utf8.DecodeRuneInString(name)
	if _, err := totp.ParseNewName(name[:first] + "a"); err != nil {
		return strings.TrimSpace(name[first:])
	}
	_, last := utf8.DecodeLastRuneInString(name)
	return strings.TrimSpace(name[:len(name)-last])
}

func displayName(e totp.Entry) string {
	if e.Issuer == "" {
		return e.Account
	}
	return e.Issuer + ":" + e.Account
}
