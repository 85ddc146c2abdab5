package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"totpctl/cmd/authenticator"
	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

const genAllHelp = `With --all they are those of every account. On a terminal that is a live table:
arrows, j and k, PgUp and PgDn, Home and End move, / narrows it to what is typed
until Esc, Enter copies the chosen code, and q, Esc or Ctrl-C ends. Elsewhere, and
with --once, it prints a name and a code a line, parted by the last space, and
with --json an object a line; then it exits. An account that is damaged, or has no
live key, is named on standard error and left out, and the exit code stays 0.`

// addAllFlag is for gen. The other flags are about one account.
func addAllFlag(c *cobra.Command, all *bool) {
	c.Flags().BoolVar(all, "all", false, "show every account: a live table on a terminal, else one line each")
	for _, name := range []string{"account", "pending", "secret-file", "label", "algorithm", "digits", "period", "next", "min-valid"} {
		c.MarkFlagsMutuallyExclusive("all", name)
	}
}

// genAll shows the codes of the clock's time. The store keeps its own time.
func (p program) genAll(c *cobra.Command, args []string, f genForm, clock func() time.Time) error {
	if len(args) > 0 {
		return hint.With(fmt.Errorf("account %s is given, and --all", totp.QuoteName(args[0])), "leave one of them out")
	}
	rows, err := p.allRows(c.Context(), p.readSettings(c))
	if err != nil {
		return err
	}
	authenticator.SortRows(rows)
	if keys := p.keyboard(); !f.once && !f.json && f.at == "" && keys != nil {
		return p.table(rows, keys, clock)
	}
	return authenticator.OnceAll(rows, clock, p.out, f.json)
}

// keyboard returns the terminal that a table may read keys from, nil where no table can
// be drawn.
func (p program) keyboard() *os.File {
	if !isTerminal(p.out) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	if in, ok := p.in.(*os.File); ok && isTerminal(in) {
		return in
	}
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONIN$"
	}
	if in, err := os.OpenFile(name, os.O_RDWR, 0); err == nil {
		return in
	}
	return nil
}

func (p program) table(rows []authenticator.Row, keys *os.File, clock func() time.Time) error {
	clip := p.copier()
	ctx, stop := untilSignal(syscall.SIGHUP)
	defer stop()
	return authenticator.RunTable(ctx, authenticator.TableConfig{
		Rows: rows, Clock: clock, In: keys, Out: p.out, Color: os.Getenv("NO_COLOR") == "", Copy: clip.forTable,
	})
}

// allRows returns the default account, if there is one, and the stored accounts that
// have a live key. A database is not needed, and none is made.
func (p program) allRows(ctx context.Context, s *config.Settings) (rows []authenticator.Row, err error) {
	if key := s.OptionalKey(); !key.IsZero() {
		rows = append(rows, authenticator.Row{Shown: defaultShown, Entry: s.Entry()})
		p.warn(secretWarnings(key.Secret())...)
	}
	if s.Err() != nil {
		return nil, s.Err()
	}
	stored, err := p.storedRows(ctx, s)
	switch {
	case errors.Is(err, sqlstore.ErrMissing) && len(rows) > 0:
		return rows, nil
	case errors.Is(err, sqlstore.ErrMissing):
		return nil, hint.With(fmt.Errorf("no account: TOTP_BASE32_SECRET is not set: %w", err), "`totpctl init` makes a default account, `totpctl account add` a stored one; is DATABASE_URL right?")
	case err != nil:
		return nil, err
	case len(rows)+len(stored) == 0:
		return nil, hint.With(errors.New("no account has a live key"), "`totpctl account list` shows the accounts; TOTP_BASE32_SECRET makes a default one")
	}
	return append(rows, stored...), nil
}

// defaultShown stands for the default account, and for no other: see shown.
const defaultShown = "(default)"

func (p program) storedRows(ctx context.Context, s *config.Settings) (rows []authenticator.Row, err error) {
	store, v, err := p.openStored(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = verifier.EachEntry(ctx, v, func(e verifier.StoredEntry) {
		if why := leftOut(e); why != "" {
			p.warn(fmt.Sprintf("account %s %s: left out", totp.QuoteName(e.Name), why))
			return
		}
		rows = append(rows, authenticator.Row{Name: e.Name, Shown: shown(e.Name), Entry: e.Entry})
	})
	if err != nil {
		return nil, accountError("reading keys of every", "", err)
	}
	return rows, nil
}

// leftOut returns why an account has no code to show, "" if it has one.
func leftOut(e verifier.StoredEntry) string {
	switch {
	case e.Damaged:
		return "is damaged"
	case e.Entry.Key.IsZero():
		return "has no live key"
	}
	return ""
}
