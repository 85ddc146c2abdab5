package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
	"totpctl/totp/sqlstore"
)

func (p program) backupCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database into a file, while servers go on",
		Long: `Copies the database that DATABASE_URL names into a file that only its owner can read.
The copy is of one moment, and servers go on meanwhile. - is standard output.

Secrets in the copy are sealed with ENCRYPTION_KEY. Without that key the copy is
worth nothing, so keep the .env, too, in another place. Where the database is
PostgreSQL's, use pg_dump.`,
		Example: "  totpctl backup totpctl-$(date +%F).db\n  totpctl backup - | age -r age1… >backup.age",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return p.backup(c, args[0], force) },
	}
	c.Flags().BoolVar(&force, "force", false, "replace FILE if it exists")
	return c
}

func (p program) backup(c *cobra.Command, file string, force bool) error {
	s := p.readSettings(c)
	databaseURL := s.DatabaseURL()
	switch {
	case s.Err() != nil:
		return s.Err()
	case file == "-":
		return backupError(file, p.backupToOutput(c.Context(), databaseURL))
	}
	err := mayPlace(file, force)
	if err == nil {
		err = placed(file, force, func(next string) error { return sqlstore.Backup(c.Context(), databaseURL, next) })
	}
	return backupError(file, err)
}

// backupToOutput makes the copy in a temporary file, because SQLite needs one.
func (p program) backupToOutput(ctx context.Context, databaseURL string) (err error) {
	if isTerminal(p.out) {
		return errOutputIsTerminal
	}
	f, err := os.CreateTemp("", "totpctl-backup-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := sqlstore.Backup(ctx, databaseURL, f.Name()); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(p.out, f)
	return err
}

var errOutputIsTerminal = errors.New("standard output is a terminal")

// mayPlace returns an error for a file that placed would refuse, so that nobody waits in
// vain for a backup.
func mayPlace(file string, force bool) error {
	if force {
		return mayReplace(file)
	}
	if _, err := os.Lstat(file); err == nil {
		return fs.ErrExist
	}
	return nil
}

// placed has write fill a file beside file, and then gives it the name of file. Without force
// an existing file stays, with fs.ErrExist.
func placed(file string, force bool, write func(next string) error) error {
	err := beside(file, func(f *os.File) error {
		if err := f.Close(); err != nil {
			return err
		}
		return write(f.Name())
	}, func(next string) error {
		if !force { // claim the name by an empty file; not every file system has links, which would do without
			if err := createFile(file, nil); err != nil {
				return err
			}
		}
		return os.Rename(next, file)
	})
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

func backupError(file string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("backing up into %s: %w", file, err)
	if sqlstore.IsFull(err) {
		return hint.With(wrapped, fullDisk)
	}
	const rightHint = "DATABASE_URL names the database of a server: is it right?"
	return hint.With(wrapped, "%s", wayFor(err, folderHint,
		way{sqlstore.ErrPostgres, "`pg_dump --format=custom` backs it up, while servers go on; after pg_restore run `totpctl fence`"},
		way{sqlstore.ErrMissing, rightHint},
		way{sqlstore.ErrForeign, rightHint},
		way{errOutputIsTerminal, "send it to a file or a pipe, as in `totpctl backup - | ssh HOST 'cat >totpctl.backup'`"},
		way{fs.ErrExist, "name another file, or replace this one with --force"},
		way{sqlstore.ErrMoved, storeHint(err)},
		way{sqlstore.ErrArriving, storeHint(err)}))
}
