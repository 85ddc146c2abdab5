package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
)

// database tells what the examination has found, but for its keys.
func database(_ context.Context, p *patient) []Finding {
	if p.sealed != nil { // which configuration tells
		return nil
	}
	s := p.read()
	s.Store()
	if s.Err() != nil {
		return unread(s)
	}
	return examined(p.database, p.unopened)
}

// examined tells what an examination has found that may have ended early, by an error.
func examined(e sqlstore.Examination, err error) (found []Finding) {
	for _, text := range e.Settings {
		found = append(found, warning("`totpctl manual scaling`", "%s", text))
	}
	if e.Super {
		found = append(found, warning("make a role that may only read and write totpctl's rows", "the role in DATABASE_URL is a superuser of PostgreSQL: whoever learns its password has every database"))
	}
	if len(e.Rights) > 0 {
		found = append(found, fault("as the owner of the tables, GRANT these rights", "the role in DATABASE_URL lacks rights that serve needs: %s", strings.Join(e.Rights, ", ")))
	}
	if len(e.Broken) > 0 {
		found = append(found, fault("stop the server and restore a backup", "SQLite finds the file damaged: %s", hint.OneLine(strings.Join(e.Broken, "; "))))
	}
	if err != nil {
		return append(found, unopened(err))
	}
	if len(e.Rights) > 0 { // nothing else was examined
		return found
	}
	if e.Version < e.Newest {
		found = append(found, warning("take a backup first: programs of before refuse the upgraded tables",
			"the tables have version %d, and the next start of serve upgrades them to %d", e.Version, e.Newest))
	}
	if e.DamagedN > 0 {
		found = append(found, fault("something other than totpctl has changed them: remove them with `totpctl account remove`, or restore a backup",
			"damaged accounts: %d (%s)", e.DamagedN, damaged(e)))
	}
	if len(found) > 0 {
		return found
	}
	return []Finding{fine("the tables have version %d, which is this program's%s", e.Version, opened(e))}
}

// opened tells how many accounts are sound. Without the keys none was looked at.
func opened(e sqlstore.Examination) string {
	switch {
	case e.Missing != nil:
		return ""
	case e.Rest:
		return fmt.Sprintf("; the first %d accounts were opened, none is damaged", e.Examined)
	}
	return fmt.Sprintf("; accounts: %d, none damaged", e.Examined)
}

func damaged(e sqlstore.Examination) string {
	var names []string
	for _, name := range e.Damaged {
		if name == "" {
			names = append(names, "the default one")
			continue
		}
		names = append(names, totp.QuoteName(name))
	}
	if e.DamagedN > len(names) {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// unopened tells why a database could not be examined, or not to the end.
func unopened(err error) Finding {
	switch {
	case errors.Is(err, sqlstore.ErrMissing):
		return warning("if this is no new installation, DATABASE_URL is wrong; else `totpctl serve` makes the database", "%v", err)
	case errors.Is(err, sqlstore.ErrNewer):
		return fault("update totpctl, or restore a backup of the database from before the update", "%v", err)
	case errors.Is(err, sqlstore.ErrMoved):
		return fault("set DATABASE_URL to that database, with its user and password", "%v", err)
	case errors.Is(err, sqlstore.ErrArriving):
		return fault("run `totpctl move` again where it was run, and it goes on", "%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return warning("run doctor when the database has less to do", "the database was not examined to the end, because that takes longer than %v", examineTime)
	}
	return fault("DATABASE_URL names a file that this user may read and write, or a database of a PostgreSQL that answers", "examining the database: %s", hint.OneLine(err.Error()))
}

// keys compares ENCRYPTION_KEY with what the database's rows need.
func keys(_ context.Context, p *patient) (found []Finding) {
	if p.sealed != nil {
		return nil
	}
	s := p.read()
	given := len(s.Store().EncryptionKeys)
	if s.Err() != nil {
		return unread(s)
	}
	e := p.database
	switch {
	case errors.Is(e.Missing, sqlstore.ErrTakenBack):
		return []Finding{fault("restore a backup from before the tables were changed", "%v", e.Missing)}
	case e.Missing != nil:
		return []Finding{fault("put the key back into ENCRYPTION_KEY, behind the others (new,old); without it those accounts are lost", "%v", e.Missing)}
	case given == 0:
		return []Finding{fine("ENCRYPTION_KEY is not set: no account can be stored beside the default one")}
	}
	if e.Due > 0 {
		found = append(found, warning("run `totpctl account reseal`", "accounts that another key than the first of ENCRYPTION_KEY has sealed: %d", e.Due))
	}
	for _, item := range e.Unused {
		found = append(found, warning("take it out, once every server has the first key",
			"item %d of ENCRYPTION_KEY seals nothing any more", item))
	}
	if len(found) == 0 && p.unopened == nil && e.Version == e.Newest {
		found = append(found, fine("ENCRYPTION_KEY opens what the database has sealed"))
	}
	return found
}
