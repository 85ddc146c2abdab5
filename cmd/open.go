package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// readSettings reads the configuration and prints its warnings. Settings.Err has the error.
func (p program) readSettings(c *cobra.Command) *config.Settings {
	s := p.readSilently(c)
	if s.Err() == nil {
		p.warn(s.Warnings()...)
	}
	return s
}

// readSilently is readSettings without the warnings.
func (p program) readSilently(c *cobra.Command) *config.Settings {
	s, _ := config.Read(c.Flags()) // Err has the error, too
	s.AskWith(p.oldPassphrase)
	return s
}

// openStored is openVerifier for a command that reads stored accounts alone.
func (p program) openStored(ctx context.Context, s *config.Settings) (sqlstore.Store, *verifier.Verifier, error) {
	return p.openVerifier(ctx, s, totp.Key{}, true, nil, p.warn)
}

// verifierConfig reads what a verifier needs beside its store.
func (p program) verifierConfig(s *config.Settings, key totp.Key, witness verifier.Witness) verifier.Config {
	return verifier.Config{
		Clock: p.clock, Key: key, Witness: witness,
		Skew: config.Take(s, config.Skew), Issuer: config.Take(s, config.Issuer), New: s.Scheme(),
	}
}

// openVerifier opens the store of DATABASE_URL and returns it with the verifier on top.
// key is the default account's and may be the zero Key. witness may be nil. warn is told of
// a database that was made now and of upgraded tables. Where the database must exist, none is made:
// a typing error in DATABASE_URL would leave an empty one, which serve would take for the
// right one. The caller must close the store.
func (p program) openVerifier(ctx context.Context, s *config.Settings, key totp.Key, mustExist bool, witness verifier.Witness, warn func(texts ...string)) (sqlstore.Store, *verifier.Verifier, error) {
	sc, c := s.Store(), p.verifierConfig(s, key, witness)
	c.PendingTime = config.Take(s, config.EnrolTTL)
	if s.Err() != nil {
		return nil, nil, s.Err()
	}
	sc.MustExist = mustExist
	if p.metrics != nil {
		sc.Committed = p.metrics.Committed
	}
	store, err := sqlstore.Open(ctx, sc)
	if err != nil {
		return nil, nil, hint.With(fmt.Errorf("opening store of DATABASE_URL: %w", err), "%s", storeHint(err))
	}
	if fresh := store.Fresh(); fresh != "" {
		warn(fmt.Sprintf("database %s is new: it has no account and knows no code that was used; is DATABASE_URL right?", fresh))
	}
	warn(store.Upgraded()...)
	c.Store = p.measured(store)
	v, err := verifier.New(c)
	if err == nil {
		if err = v.Sweep(ctx); err != nil {
			err = hint.With(err, "%s", storeHint(err))
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return store, v, nil
}

const fullDisk = "the disk is full: free some room"

// A way is what to do about an error.
type way struct {
	err  error
	hint string
}

// wayFor returns the hint of the first of the ways whose error err is, otherwise the other hint.
func wayFor(err error, otherwise string, ways ...way) string {
	for _, w := range ways {
		if errors.Is(err, w.err) {
			return w.hint
		}
	}
	return otherwise
}

// storeHint returns what to do about an error of the store.
func storeHint(err error) string {
	if sqlstore.IsFull(err) {
		return fullDisk
	}
	return wayFor(err, "DATABASE_URL names a file in a folder that this user may write to, or a database of a PostgreSQL that answers, in which this role may make tables",
		way{sqlstore.ErrMissing, "`totpctl serve` or `totpctl account add` makes one; is DATABASE_URL right?"},
		way{sqlstore.ErrKey, "if you have just changed ENCRYPTION_KEY, put the old key back behind the new one (new,old) and run `totpctl account reseal`; if no account is stored yet, start with a new database"},
		way{sqlstore.ErrRotateLater, "run the upgrade with the old ENCRYPTION_KEY alone, then rotate; a database that was upgraded before has been taken back: restore a backup"},
		way{sqlstore.ErrTakenBack, "restore a backup from before the tables were changed, under a new ENCRYPTION_KEY if somebody else changed them: `totpctl manual keys`"},
		way{sqlstore.ErrMoved, "set DATABASE_URL to that database, with its user and password"},
		way{sqlstore.ErrArriving, "run `totpctl move` again where it was run, and it goes on; until then the database is not whole"},
		way{sqlstore.ErrRights, "run `totpctl migrate` with a DATABASE_URL of the role that owns the tables; this role needs SELECT, INSERT, UPDATE and DELETE on them"},
		way{sqlstore.ErrNewer, "update totpctl, or restore a backup of the database from before the update"})
}

// warn prints warnings, for commands that have no log.
func (p program) warn(texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(p.errOut, "totpctl: %s\n", printable(text))
	}
}
