package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Limits of an examination, so that it ends in a big database, too. The caller's context
// bounds its time.
const (
	maxExamined = 200_000 // rows that are opened
	maxDamaged  = 10      // damaged accounts that are named
	maxBroken   = 3       // lines of SQLite's quick_check that are told
)

// An Examination is what Examine has found.
type Examination struct {
	Version, Newest int // of the tables: the database's, which is 0 before the first start, and this program's

	Missing  error    // why the encryption keys are not enough: an ErrKey or ErrTakenBack; nil if they are
	Unused   []int    // items of the encryption keys, counted from 1, that seal nothing; never the first
	Due      int      // accounts that another key than the first has sealed: a reseal is due
	Examined int      // accounts that were opened
	Rest     bool     // there are more, which were not opened
	Damaged  []string // the first damaged accounts; the default account is ""
	DamagedN int      // how many are damaged

	Broken   []string // what SQLite's quick_check says of a file that is damaged
	Settings []string // PostgreSQL's settings that may make used codes good again; its TLS
	Rights   []string // what the role may not do and serve must
	Super    bool     // the role is a superuser

	fingerprints *sealer
}

// Fingerprint returns the Fingerprint of a store on the same database and with the same
// keys. ok is false if the database's own key is missing: without it the fingerprint of a
// short text could be found by trying all.
func (e Examination) Fingerprint() (fingerprint func(text string) string, ok bool) {
	if e.fingerprints == nil || e.fingerprints.database == nil {
		return nil, false
	}
	return e.fingerprints.fingerprint, true
}

// Examine reads a database and changes nothing in it: it makes none, and upgrades none.
// ErrMissing says that there is none, ErrNewer that a newer program has written it. What
// Examine has found before another error is returned with it.
func Examine(ctx context.Context, c Config) (e Examination, err error) {
	if e.fingerprints, err = newSealer(c.EncryptionKeys); err != nil {
		return e, err
	}
	if e.Newest, err = newestVersion(); err != nil {
		return e, err
	}
	if file, ok := strings.CutPrefix(c.URL, "sqlite:"); ok {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return e, missing(file)
		}
	}
	db, d, err := openToRead(c.URL)
	if err != nil {
		return e, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return e, err
	}
	defer conn.Close()
	x := examiner{keyring{conn, d, e.fingerprints}, c, &e}
	return e, x.run(ctx)
}

func newestVersion() (int, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	return len(files), err
}

// An examiner fills an Examination.
type examiner struct {
	keyring
	config Config
	*Examination
}

func (x examiner) run(ctx context.Context) error {
	engine := x.sqlite
	if isPostgres(x.config.URL) {
		engine = x.postgres
	}
	if err := engine(ctx); err != nil {
		return err
	}
	if len(x.Rights) > 0 { // what follows would fail
		return nil
	}
	if x.Version == 0 {
		return missing("DATABASE_URL")
	}
	if x.Version >= movedVersion {
		return movedError(ctx, x.conn, x.d)
	}
	if err := checkKnownVersion(x.Version, x.Newest); err != nil {
		return err
	}
	if x.Version < x.Newest { // the columns are others
		return nil
	}
	if err := x.keys(ctx); err != nil || x.Missing != nil {
		return err
	}
	return x.accounts(ctx)
}

// readVersion is schemaVersion for a reader.
func (x examiner) readVersion(ctx context.Context) error {
	return doing("reading schema version", x.conn.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&x.Version))
}

// keys compares the given keys with those that rows need.
func (x examiner) keys(ctx context.Context) error {
	_, err := x.checkAll(ctx, canaryText)
	if errors.Is(err, ErrKey) || errors.Is(err, ErrTakenBack) {
		x.Missing = err
		return nil
	}
	for i, key := range x.config.EncryptionKeys {
		id, _, errKey := derive(key)
		if err = errors.Join(err, errKey); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		switch needed := x.checkNotNeeded(ctx, id); {
		case needed == nil:
			x.Unused = append(x.Unused, i+1)
		case !errors.Is(needed, ErrKey):
			return needed
		}
	}
	return err
}

// accounts opens the rows, maxExamined of them at most.
func (x examiner) accounts(ctx context.Context) error {
	page := func(from string, limit int) ([]row, error) {
		return queryRows(ctx, x.conn, x.d.statement(selectPage), from, limit)
	}
	for r, err := range allRows(page) {
		if err != nil {
			return doing("reading accounts", err)
		}
		if x.Examined == maxExamined {
			x.Rest = true
			return nil
		}
		x.look(&r)
	}
	return nil
}

// look opens a row and counts what is wrong with it.
func (x examiner) look(r *row) {
	x.Examined++
	if _, err := r.account(x.sealer); err != nil {
		if x.DamagedN++; len(x.Damaged) < maxDamaged {
			x.Damaged = append(x.Damaged, nameOf(r.id))
		}
		return
	}
	if x.sealer.first != "" && !r.sealedBy(x.sealer.first) {
		x.Due++
	}
}

// nameOf returns the name of an account, "" for the default one.
func nameOf(id string) string {
	if id < firstName {
		return ""
	}
	return id
}

// sqlite reads the version and checks the file: quick_check, and that it is SQLite's at all.
func (x examiner) sqlite(ctx context.Context) error {
	if made, err := hasTable(ctx, x.conn, x.d, "schema_version"); err != nil || !made {
		return err
	}
	lines, err := query(ctx, x.conn, oneField[string], fmt.Sprintf(`PRAGMA quick_check(%d)`, maxBroken))
	if err != nil {
		return doing("checking the file's integrity", err)
	}
	if len(lines) != 1 || lines[0] != "ok" {
		x.Broken = lines
	}
	return x.readVersion(ctx)
}

// postgres reads the version, the settings and what the role may do.
func (x examiner) postgres(ctx context.Context) error {
	config, _, err := postgresConfig(x.config.URL)
	if err != nil {
		return err
	}
	x.Settings = unverifiedWarnings(unverifiedHosts(config))
	if err := checkEncoding(ctx, x.conn); err != nil {
		return err
	}
	if err := x.commits(ctx); err != nil {
		return doing("reading PostgreSQL's settings", err)
	}
	var made bool
	const known = `SELECT to_regclass('schema_version') IS NOT NULL, rolsuper FROM pg_roles WHERE rolname = current_user`
	if err := x.conn.QueryRowContext(ctx, known).Scan(&made, &x.Super); err != nil || !made {
		return err
	}
	if err := x.rights(ctx); err != nil || len(x.Rights) > 0 {
		return err
	}
	return x.readVersion(ctx)
}

// commits reads whether a commit may be lost: by a crash, or by a failover to a standby
// that does not have it yet.
func (x examiner) commits(ctx context.Context) error {
	var commit, fsync, names string
	var standbys int
	const settings = `SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('synchronous_standby_names'),
		(SELECT count(*) FROM pg_stat_replication)`
	if err := x.conn.QueryRowContext(ctx, settings).Scan(&commit, &fsync, &names, &standbys); err != nil {
		return err
	}
	x.Settings = append(x.Settings, commitWarnings(commit, fsync)...)
	if names == "" && standbys > 0 && commit != "off" && commit != "local" {
		x.Settings = append(x.Settings, "synchronous_standby_names is empty although there is a standby: a failover to it may make used codes good again")
	}
	return nil
}

// needed are the rights that serve uses, by table.
func needed() [][]string {
	return [][]string{
		{"schema_version", "SELECT"},
		{"account", "SELECT", "INSERT", "UPDATE", "DELETE"},
		{"enrolment", "SELECT", "INSERT", "UPDATE", "DELETE"},
		{"sealing_key", "SELECT", "INSERT", "UPDATE"},
		{"admin_session", "SELECT", "INSERT", "UPDATE", "DELETE"},
	}
}

// rights tells what serve needs and the role may not do. An older program's database may
// lack a table.
func (x examiner) rights(ctx context.Context) error {
	for _, table := range needed() {
		for _, right := range table[1:] {
			var may sql.NullBool
			if err := x.conn.QueryRowContext(ctx, `SELECT has_table_privilege(to_regclass($1), $2)`, table[0], right).Scan(&may); err != nil {
				return doing("reading the role's rights", err)
			}
			if may.Valid && !may.Bool {
				x.Rights = append(x.Rights, right+" on "+table[0])
			}
		}
	}
	return nil
}
