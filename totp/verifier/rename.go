package verifier

import (
	"context"

	"totpctl/totp"
)

// Rename gives a stored account another name, for which ParseNewAccount's rules hold. The
// account keeps its keys, its recovery codes, what was used, charged and disabled, and its
// link, even while a browser follows it. Whoever asks for the old name gets ErrNoAccount from
// then on. Rename returns ErrExists if the new name is taken.
//
// Authenticators go on showing what they were given. An issuer in the old name is kept
// unless the new name has one of its own.
func (v *Verifier) Rename(ctx context.Context, name, to string) error {
	if _, err := ParseAccount(name); err != nil {
		return err
	}
	if _, err := ParseNewAccount(to); err != nil {
		return err
	}
	defer v.waits.forget(name)
	defer v.waits.forget(to)
	return v.changing(ctx, Event{Kind: KindRename, Account: name, To: to}, func(ctx context.Context) error {
		return v.store(ctx, func(ctx context.Context, s Store) error {
			return s.Rename(ctx, name, to, func(a Account) (Account, error) {
				return a.current(v.config.Clock()).renamed(to), nil
			})
		})
	})
}

// renamed returns the account with what it needs under another ID.
func (a Account) renamed(to string) Account {
	issuer, _, named := totp.SplitName(a.ID)
	if named && a.Issuer == "" {
		a.Issuer = issuer
	}
	if _, _, named := totp.SplitName(to); named {
		a.Issuer = ""
	}
	a.Recovery = keepSalt(a.ID, a.Recovery)
	return a
}
