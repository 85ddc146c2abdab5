package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp/sqlstore"
)

func (p program) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Make the database's tables, or bring them up to date, as their owner",
		Long: `Makes the tables in the database that DATABASE_URL names, or brings them up to date.
Every command does that where it may. Where serve runs as a PostgreSQL role that may only
read and write rows, run migrate as the owner of the tables after an update, before
serve starts.`,
		Example: "  DATABASE_URL=postgres://owner:…@db/totpctl totpctl migrate",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return p.migrate(c) },
	}
	config.AddFlags(c.Flags(), config.PassphraseFile)
	return c
}

func (p program) migrate(c *cobra.Command) (err error) {
	s := p.readSettings(c)
	sc := s.Store()
	if s.Err() != nil {
		return s.Err()
	}
	store, err := sqlstore.Open(c.Context(), sc)
	if err != nil {
		return hint.With(fmt.Errorf("migrating: %w", err), "%s", storeHint(err))
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	lines := store.Upgraded()
	switch {
	case store.Fresh() != "":
		lines = []string{fmt.Sprintf("database %s was new: its tables are made", store.Fresh())}
	case len(lines) == 0:
		lines = []string{"the database's tables are up to date"}
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	return nil
}
