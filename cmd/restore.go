package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
	"totpctl/totp/sqlstore"
)

func (p program) restoreCommand() *cobra.Command {
	var force, keepRecovery bool
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make the SQLite database anew from a backup, and fence it",
		Long: `Makes the database that DATABASE_URL names anew from a file of totpctl backup. - is
standard input. The backup is checked and fenced before it takes the database's place:
see totpctl fence. No server may have the database open.

What was changed since the backup is undone: a revoked or replaced secret, a disabled
and a removed account work again. Revoke, disable and remove them again before the
server starts.`,
		Example: "  totpctl restore totpctl-2026-11-25.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return restoreError(args[0], p.restore(c, args[0], force, keepRecovery))
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace the database if there is one")
	addFenceFlags(c.Flags(), &keepRecovery)
	return c
}

func (p program) restore(c *cobra.Command, file string, force, keepRecovery bool) (err error) {
	s := p.readSettings(c)
	r := sqlstore.Restoration{Config: s.Store(), Overwrite: force, Backup: func() (io.ReadCloser, error) { return p.openBackup(file) }}
	if s.Err() != nil {
		return s.Err()
	}
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return errLog
	}
	witness, closeAudit, err := p.openAudit(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAudit()) }()
	var text string
	r.Prepare = func(ctx context.Context, store sqlstore.Store) error {
		p.warn(store.Upgraded()...)
		v, err := p.restoredVerifier(s, store, witness)
		if err == nil {
			text, err = p.fenced(ctx, v, keepRecovery)
		}
		return err
	}
	if err := sqlstore.Restore(c.Context(), r); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "restored %s\n%swhat was changed since the backup is undone: rekey, disable and remove again before a server starts\n", r.URL, text)
	return err
}

// errLog says that a file is no backup, but the database of a server.
var errLog = errors.New("a write-ahead log is beside it, so that the file is not all of the database")

func (p program) openBackup(file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(p.in), nil
	}
	return os.Open(file)
}

func restoreError(file string, err error) error {
	if err == nil || hint.Of(err) != "" {
		return err
	}
	wrapped := fmt.Errorf("restoring %s: %w", file, err)
	const otherFile = "nothing was changed: restore into another file; only if the move's other database is lost, delete this one and restore here"
	return hint.With(wrapped, "%s", wayFor(err, storeHint(err),
		way{sqlstore.ErrPostgres, "pg_restore restores it from what pg_dump wrote; then run `totpctl fence` before a server starts"},
		way{errLog, "`totpctl backup` makes one file of a database, also while a server uses it"},
		way{sqlstore.ErrForeign, "nothing was changed: FILE is what `totpctl backup` has written; take another backup"},
		way{sqlstore.ErrInUse, "nothing was changed: stop the server that uses the database, and run the command again"},
		way{fs.ErrExist, "nothing was changed: is DATABASE_URL right? --force replaces the database that is there"},
		way{sqlstore.ErrKey, "nothing was changed: set the ENCRYPTION_KEY that was in use when the backup was made"},
		way{sqlstore.ErrMoved, otherFile},
		way{sqlstore.ErrArriving, otherFile},
		way{fs.ErrNotExist, "FILE is what `totpctl backup` has written, and the folder of DATABASE_URL must exist"}))
}
