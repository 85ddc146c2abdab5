package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"totpctl/totp/session"
	"totpctl/totp/verifier"
)

// A Store is a verifier.Store on a database, and what its operator does with it.
type Store interface {
	verifier.Store
	session.Store

	// Reseal seals with the first encryption key what other keys have sealed, so
	// that these may be retired. It returns how many accounts it has changed. It
	// returns an ErrDamaged for each account that it could not open.
	Reseal(ctx context.Context) (changed int, err error)

	// Fresh returns the name of a database that was empty when it was opened, and ""
	// for any other. The operator must be told: if DATABASE_URL names the wrong
	// database, nobody is enrolled and no code is used.
	Fresh() string

	// Upgraded returns what the operator must be told of an upgrade of the tables by
	// opening: that older programs refuse them now, which accounts could not be
	// read, and what was left undone.
	Upgraded() []string

	// Warnings returns what the operator should know of the database's settings.
	Warnings(ctx context.Context) ([]string, error)

	// Waiting returns how many requests wait for the database.
	Waiting() int

	// Close waits for the requests under way and closes the database. Every other
	// request gets ErrClosed.
	Close() error
}

// shared is what a store has and does on either engine.
type shared struct {
	sealer    *sealer
	committed func(rows int)  // Config's
	fresh     string          // the database's name if it was empty
	lookUps   *queue[*lookUp] // a queue of their own: strangers may ask for links, and fill it
}

func newShared(c Config) (shared, error) {
	sealer, err := newSealer(c.EncryptionKeys)
	return shared{sealer: sealer, committed: c.committed, lookUps: newQueue[*lookUp](maxWaiting)}, err
}

// Fresh implements Store.
func (s *shared) Fresh() string { return s.fresh }

// Fingerprint implements verifier.Store.
func (s *shared) Fingerprint(text string) string { return s.sealer.fingerprint(text) }

// Keyed implements verifier.Store.
func (s *shared) Keyed() bool { return s.sealer.database != nil }

// ErrMissing says that there is no database where one must exist.
var ErrMissing = errors.New("there is no database of totpctl")

// IsFull reports whether err is that of a full disk under the database: ENOSPC, SQLite's
// SQLITE_FULL or SQLITE_IOERR_SHMSIZE, or PostgreSQL's disk_full.
func IsFull(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE
	}
	return isState(err, "53100") || errors.Is(err, syscall.ENOSPC)
}

func missing(place string) error { return fmt.Errorf("%w in %s", ErrMissing, place) }

// Config says which database to open, and what seals its secrets.
type Config struct {
	URL            string   // sqlite:FILE, postgres://… or postgresql://…
	EncryptionKeys [][]byte // of 32 bytes: the first seals, all open; none stores no secret
	MustExist      bool     // a database that holds nothing is left so, and is ErrMissing

	// Committed is told after each commit how many rows it has written; nil is not. It must
	// be quick, and safe for concurrent use.
	Committed func(rows int)
}

// committed tells Committed of a commit that has written something.
func (c Config) committed(rows int) {
	if c.Committed != nil && rows > 0 {
		c.Committed(rows)
	}
}

// Open opens a database, a *SQLite or a *Postgres, and brings its tables up to date. It makes a
// missing SQLite file with mode 0600. It returns the errors of CheckURL; ErrKey if secrets are
// sealed with a key that is not given; ErrMissing; ErrNewer, ErrTakenBack, ErrRotateLater or
// ErrRights for tables that it cannot use; ErrMoved or ErrArriving for a database of a move.
// The caller must close the store.
func Open(ctx context.Context, c Config) (Store, error) {
	if err := CheckURL(c.URL); err != nil {
		return nil, err
	}
	if isPostgres(c.URL) {
		return openPostgres(ctx, c)
	}
	return openSQLite(ctx, strings.TrimPrefix(c.URL, "sqlite:"), c)
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// CheckURL returns an error for a URL that Open does not take. The error quotes nothing
// that may be a password.
func CheckURL(url string) error {
	if isPostgres(url) {
		return checkPostgres(url)
	}
	return checkSQLite(url)
}

// sslModes are libpq's, see its documentation, "SSL Mode Descriptions".
const sslModes = "disable, allow, prefer, require, verify-ca, verify-full"

func checkPostgres(address string) error {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "#")
	rest, parameters, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	user, _, hasUser := strings.Cut(authority, "@")
	_, errEscape := url.PathUnescape(user)
	switch {
	case strings.Count(authority, "@") > 1: // pgx would look up what follows the first as a host
		return errors.New("user or password has an @ of its own: write it as %40")
	case errEscape != nil, !hasUser && strings.Contains(path, "@"):
		return errors.New("user or password has a % or / of its own: write it as %25 or %2F")
	}
	values, _ := url.ParseQuery(parameters) // pgx refuses what cannot be parsed
	if mode := values.Get("sslmode"); mode != "" && !slices.Contains(strings.Split(sslModes, ", "), mode) {
		return errors.New("sslmode is none of " + sslModes)
	}
	return nil
}

// checkSQLite refuses sqlite://FILE, the form of other programs, because some take what
// follows the slashes for a host. The error shows the right form. It also refuses the
// other forms of SQLite's own URIs, which would be the names of files here.
func checkSQLite(url string) error {
	file, ok := strings.CutPrefix(url, "sqlite:")
	if !ok || file == "" || strings.Contains(file, "://") { // another URL, which may hold a password
		return errors.New("want sqlite:FILE or postgres://…")
	}
	rest, slashes := strings.CutPrefix(file, "//")
	switch {
	case !slashes && (strings.HasPrefix(file, ":memory:") || strings.HasPrefix(file, "file:") || strings.Contains(file, "?")):
		return errors.New("want sqlite:FILE, the path of a file: without file:, :memory: and ?PARAMETERS")
	case !slashes:
		return nil
	case rest == "" || strings.Contains(rest, "@"):
		return errors.New("want sqlite:FILE, without //")
	case rest[0] == '/':
		rest = "/" + strings.TrimLeft(rest, "/")
	}
	return fmt.Errorf("want sqlite:%s, without //", rest)
}
