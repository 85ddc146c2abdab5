package cmd

import (
	"context"
	"errors"
	"fmt"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// openVerifier opens the store and puts the rules on it. The caller closes the
// store.
func (p program) openVerifier(ctx context.Context, c sqlstore.Config, key totp.Key, skew int) (sqlstore.Store, *verifier.Verifier, error) {
	store, err := sqlstore.Open(ctx, c)
	if err != nil {
		return nil, nil, withHint(fmt.Errorf("opening store: %w", err), "%s", storeHint(err))
	}
	v, err := verifier.New(verifier.Config{
		Store: store, Clock: p.clock, Key: key, Skew: skew,
		New: totp.Parameters{Issuer: key.Issuer(), Algorithm: key.Algorithm(), Digits: key.Digits(), Period: key.Period()},
	})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return store, v, nil
}

func storeHint(err error) string {
	switch {
	case errors.Is(err, sqlstore.ErrKey):
		return "ENCRYPTION_KEY must have the key that sealed the stored secrets: bring it back, the new one first, then `totpctl account reseal`"
	case errors.Is(err, sqlstore.ErrNewer):
		return "update totpctl, or go back to a copy of the database from before the update"
	}
	return "DATABASE_URL names the database: a file whose folder exists and is writable for this user, or a PostgreSQL that answers"
}
