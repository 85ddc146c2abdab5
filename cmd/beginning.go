package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// isNone reports whether err says that no stored account has the name.
func isNone(err error) bool {
	return errors.Is(err, verifier.ErrNoAccount) || errors.Is(err, verifier.ErrName) || errors.Is(err, sqlstore.ErrMissing)
}

// A match is an account with a name that begins as asked.
type match struct {
	name  string // of the stored account; "" for the default one
	shown string
}

// entryBeginning returns the entry of the only account whose stored name, issuer or
// account begins with text, in any case. The default account has its issuer and label.
// none is the error if there is no such account. Scripts must not come here: if their
// alice were removed, they would get the codes of alice2.
func (p program) entryBeginning(ctx context.Context, s *config.Settings, text string, wantPending bool, none error) (keyEntry, error) {
	found, err := p.beginning(ctx, s, text)
	switch {
	case err != nil:
		return keyEntry{}, err
	case len(found) == 0:
		return keyEntry{}, none
	case len(found) > 1:
		return keyEntry{}, hint.With(fmt.Errorf("%s begins the names of %d accounts: %s", totp.QuoteName(text), len(found), listed(found)),
			"type more of the name, or all of it")
	}
	p.warn("showing account " + found[0].shown)
	if found[0].name == "" {
		e, err := p.defaultEntry(s, wantPending)
		return keyEntry{Entry: e}, err
	}
	e, err := p.storedEntry(ctx, s, found[0].name, wantPending)
	return keyEntry{Entry: e, name: found[0].name}, err
}

const maxListed = 10

func listed(found []match) string {
	var names []string
	for _, m := range found[:min(len(found), maxListed)] {
		names = append(names, m.shown)
	}
	if more := len(found) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func (p program) beginning(ctx context.Context, s *config.Settings, text string) (found []match, err error) {
	if s.Source(config.Secret.Info) != "" {
		e := s.Entry()
		if s.Err() != nil {
			return nil, s.Err()
		}
		if begins(text, e.Issuer, e.Account, e.Issuer+":"+e.Account) {
			found = append(found, match{"", shown(e.Issuer+":"+e.Account) + " (default)"})
		}
	}
	store, v, err := p.openStored(ctx, s)
	if errors.Is(err, sqlstore.ErrMissing) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = verifier.EachEntry(ctx, v, func(e verifier.StoredEntry) {
		if begins(text, namesOf(e, config.Take(s, config.Issuer))...) {
			found = append(found, match{e.Name, shown(e.Name)})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("looking for account %s: %w", totp.QuoteName(text), err)
	}
	return found, nil
}

// namesOf returns a stored account's name, issuer and account. The issuer of accounts that
// have none of their own names none of them.
func namesOf(e verifier.StoredEntry, common string) []string {
	issuer, account, _ := totp.SplitName(e.Name) // for one that has no live key, and so no Entry
	names := []string{e.Name, issuer, account, e.Entry.Account}
	if e.Entry.Issuer != common {
		names = append(names, e.Entry.Issuer)
	}
	return names
}

// begins reports whether one of the names begins with text, in any case.
func begins(text string, names ...string) bool {
	length := utf8.RuneCountInString(text)
	for _, name := range names {
		if start := []rune(name); len(start) >= length && strings.EqualFold(string(start[:length]), text) {
			return true
		}
	}
	return false
}
