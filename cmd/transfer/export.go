package transfer

import (
	"context"
	"fmt"

	"totpctl/totp"
	"totpctl/totp/exchange"
	"totpctl/totp/verifier"
)

// An Exported is what accounts have for a file.
type Exported struct {
	Entries []totp.Entry
	LeftOut []Left // without places
	Count   int    // of the entries that the file holds, after LeaveOut
}

// LeaveOut notes what the file's format cannot hold of the entries.
func (e *Exported) LeaveOut(all []exchange.LeftOut) {
	for _, l := range all {
		e.LeftOut = append(e.LeftOut, Left{Name: l.Name, Reason: l.Err.Error()})
	}
	e.Count = len(e.Entries) - len(all)
}

// A Source is what exporting needs of the verifier.
type Source interface {
	Entries(ctx context.Context, from string, limit int) (page []verifier.StoredEntry, next string, err error)
}

// Collect returns the entries of the named accounts, or of all where none is named.
// issuer is what authenticators show where an account has none of its own. It is not
// exported, because the account would be imported under another name then. Collect returns
// verifier.ErrNoAccount for a name that is not stored.
func Collect(ctx context.Context, s Source, names []string, issuer string) (Exported, error) {
	if len(names) == 0 {
		return collectAll(ctx, s, issuer)
	}
	var e Exported
	seen := map[string]bool{}
	for _, name := range names {
		page, _, err := s.Entries(ctx, name, 1)
		if err != nil {
			return Exported{}, err
		}
		if len(page) == 0 || page[0].Name != name {
			return Exported{}, fmt.Errorf("account %s: %w", totp.QuoteName(name), verifier.ErrNoAccount)
		}
		if !seen[name] {
			e.add(page[0], issuer)
		}
		seen[name] = true
	}
	return e, nil
}

func collectAll(ctx context.Context, s Source, issuer string) (e Exported, err error) {
	err = verifier.EachEntry(ctx, s, func(stored verifier.StoredEntry) { e.add(stored, issuer) })
	if err != nil {
		return Exported{}, err
	}
	return e, nil
}

func (e *Exported) add(s verifier.StoredEntry, issuer string) {
	switch {
	case s.Damaged:
		e.LeftOut = append(e.LeftOut, Left{Name: s.Name, Reason: "something other than totpctl has changed it"})
	case s.Entry.Key.IsZero():
		e.LeftOut = append(e.LeftOut, Left{Name: s.Name, Reason: "it has no key that is in use: its first code has not come, or its key was revoked"})
	default:
		if _, _, own := totp.SplitName(s.Name); !own && s.Entry.Issuer == issuer {
			s.Entry.Issuer = ""
		}
		e.Entries = append(e.Entries, s.Entry)
	}
}
