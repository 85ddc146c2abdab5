package cmd

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp/sqlstore"
)

func (p program) moveCommand() *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use:   "move",
		Short: "Copy everything into another database, which takes over",
		Long: `Copies everything from DATABASE_URL into the empty database TARGET_DATABASE_URL,
from SQLite to PostgreSQL, back, or between two of a kind. Secrets stay sealed with the
same ENCRYPTION_KEY.

Before anything is copied, the source is marked as moved: whatever server uses it gives
no verdict from that moment (503). When the move is done, set DATABASE_URL to the target
and start the servers. A move that was killed goes on when it is run again. Until it is
done, --undo has the source give verdicts again.`,
		Example: "  TARGET_DATABASE_URL=postgres://totpctl:…@db/totpctl totpctl move",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if undo {
				return p.undoMove(c)
			}
			return p.move(c)
		},
	}
	c.Flags().BoolVar(&undo, "undo", false, "take a move back that is not done")
	config.AddFlags(c.Flags(), config.PassphraseFile)
	return c
}

func (p program) move(c *cobra.Command) error {
	s := p.readSettings(c)
	m := sqlstore.Move{Source: s.Store(), Target: s.TargetURL(), Tell: p.progress()}
	if s.Err() != nil {
		return s.Err()
	}
	err := m.Run(c.Context())
	if m.Tell != nil {
		fmt.Fprintln(p.errOut)
	}
	if err != nil {
		return moveError(err)
	}
	_, err = fmt.Fprintln(p.out, "moved: set DATABASE_URL to the target and start the servers; the old database gives no verdict any more")
	return err
}

// progress returns what shows a move's progress on a terminal, nil elsewhere.
func (p program) progress() func(done, total int) {
	if !isTerminal(p.errOut) {
		return nil
	}
	return func(done, total int) { showProgress(p.errOut, done, total) }
}

func showProgress(to *os.File, done, total int) {
	fmt.Fprintf(to, "\rcopied %d of %d rows (%d %%)", done, total, 100*done/max(total, 1))
}

func (p program) undoMove(c *cobra.Command) error {
	s := p.readSettings(c)
	url := s.DatabaseURL()
	if s.Err() != nil {
		return s.Err()
	}
	if err := sqlstore.UndoMove(c.Context(), url); err != nil {
		return undoError(err)
	}
	_, err := fmt.Fprintln(p.out, "undone: DATABASE_URL gives verdicts again; delete the target, which is not whole")
	return err
}

func undoError(err error) error {
	wrapped := fmt.Errorf("undoing the move: %w", err)
	return hint.With(wrapped, "%s", wayFor(err, storeHint(err),
		way{sqlstore.ErrNotMoved, "DATABASE_URL is the database that was moved away: is it right?"},
		way{sqlstore.ErrMoved, "the move is done, and codes may have been used in the target: to come back, `totpctl move` from there into a new database"},
		way{sqlstore.ErrRights, ownerHint}))
}

const ownerHint = "move as the role that owns the tables, in both databases"

func moveError(err error) error {
	wrapped := fmt.Errorf("moving DATABASE_URL to TARGET_DATABASE_URL: %w", err)
	return hint.With(wrapped, "%s", wayFor(err, "nothing is lost: run `totpctl move` again, and it begins, or goes on; one that has begun is taken back by `totpctl move --undo`",
		way{sqlstore.ErrNotEmpty, "nothing was changed: TARGET_DATABASE_URL is an empty database; what an undone move has left is to be deleted"},
		way{sqlstore.ErrElsewhere, "set TARGET_DATABASE_URL to where the move has begun, or take it back with `totpctl move --undo`"},
		way{sqlstore.ErrRights, ownerHint},
		way{sqlstore.ErrKey, storeHint(err)},
		way{sqlstore.ErrMissing, storeHint(err)},
		way{sqlstore.ErrArriving, storeHint(err)}))
}
