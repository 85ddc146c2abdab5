package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// How long PostgreSQL may take.
const (
	// batchTimeout is how long a batch may take.
	batchTimeout   = 8 * time.Second
	connectTimeout = 3 * time.Second
)

// migrationLock is the advisory lock that keeps two servers from migrating at once.
const migrationLock = 0x746f7470

// A Postgres is a verifier.Store on PostgreSQL.
//
// One worker reads the rows that are asked for, and one writes the states that are
// decided, each for all who wait. A verdict thus costs a share of two round trips and of
// a commit. The callers decide in between. Link look-ups have a worker of their own, and
// edits and lists have jobWorkers. Each worker has a connection of its own, so that no
// request waits for requests of another kind.
type Postgres struct {
	shared
	unverified []string // hosts beyond this machine that are reached without verified TLS

	db       *sql.DB // opens the workers' connections
	upgraded upgraded
	warnings *atomic.Int64 // how many warnings the server has sent
	epoch    atomic.Int64  // goes up when a connection fails: connections of an older epoch are given up
	pooled   atomic.Bool   // a pooler is between, which has not told so
	reads    *queue[*read]
	writes   *queue[*write]
	jobs     *queue[*job]
	running  sync.WaitGroup  // of the workers
	ctx      context.Context // ends when the store is closed
	close    context.CancelFunc
}

// openPostgres is Open for PostgreSQL. It connects to the host of the URL that takes writes.
func openPostgres(ctx context.Context, c Config) (*Postgres, error) {
	shared, err := newShared(c)
	if err != nil {
		return nil, err
	}
	config, warnings, err := postgresConfig(c.URL)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionShouldPing(beforeEachUse))
	db.SetConnMaxIdleTime(handOver)
	p := &Postgres{shared: shared, unverified: unverifiedHosts(config), db: db, warnings: warnings,
		reads: newQueue[*read](maxWaiting), writes: newQueue[*write](maxWaiting), jobs: newQueue[*job](maxWaiting)}
	if err := p.prepare(ctx, c.MustExist); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p.ctx, p.close = context.WithCancel(context.Background())
	p.start()
	return p, nil
}

// Waiting implements Store.
func (p *Postgres) Waiting() int {
	return p.reads.length() + p.writes.length() + p.lookUps.length() + p.jobs.length()
}

// handOver is how long the connection of prepare or Warnings is kept for the first
// worker.
const handOver = time.Second

// beforeEachUse has a kept connection tried before a worker uses it.
func beforeEachUse(context.Context, stdlib.ShouldPingParams) bool { return true }

// postgresConfig keeps pgx's errors back, because they quote the URL.
func postgresConfig(url string) (*pgx.ConnConfig, *atomic.Int64, error) {
	config, err := pgx.ParseConfig(url)
	if file, ok := errors.AsType[*fs.PathError](err); ok { // of sslrootcert, sslcert or sslkey
		return nil, nil, fmt.Errorf("reading a file of the URL: %w", file)
	}
	if err != nil {
		return nil, nil, errors.New("not a PostgreSQL URL: want postgres://USER:PASSWORD@HOST[,HOST]/DATABASE")
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // prepares nothing by itself
	config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "totpctl"
	}
	warnings := new(atomic.Int64)
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			warnings.Add(1)
		}
	}
	return config, warnings, nil
}

func (p *Postgres) prepare(ctx context.Context, mustExist bool) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := checkEncoding(ctx, conn); err != nil {
		return err
	}
	if err := p.noteFresh(ctx, conn); err != nil {
		return err
	}
	if mustExist && p.fresh != "" {
		return missing(p.fresh)
	}
	p.upgraded, err = prepareSchema(ctx, conn, postgresDialect, beginPostgres(), p.sealer)
	return err
}

// beginPostgres begins a transaction that excludes other migrators. Under another isolation
// level a migrator that has waited for the lock would not see what the migrator before has
// done.
func beginPostgres() string {
	return fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(%d)", migrationLock)
}

// checkEncoding refuses a database whose encoding lacks characters: a name with such a
// character would fail the batch that it is in.
func checkEncoding(ctx context.Context, conn *sql.Conn) error {
	var encoding string
	if err := conn.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database's encoding is %s, not UTF8: make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	return nil
}

// noteFresh sets fresh if the database has no tables.
func (p *Postgres) noteFresh(ctx context.Context, conn *sql.Conn) error {
	var name string
	var fresh bool
	if err := conn.QueryRowContext(ctx, "SELECT current_database(), to_regclass('schema_version') IS NULL").Scan(&name, &fresh); err != nil {
		return fmt.Errorf("looking for tables: %w", err)
	}
	if fresh {
		p.fresh = name
	}
	return nil
}

// Upgraded implements Store.
func (p *Postgres) Upgraded() []string { return p.upgraded.texts() }

// Warnings implements Store.
func (p *Postgres) Warnings(ctx context.Context) ([]string, error) {
	var commit, fsync string
	if err := p.db.QueryRowContext(ctx, "SELECT current_setting('synchronous_commit'), current_setting('fsync')").Scan(&commit, &fsync); err != nil {
		return nil, err
	}
	return append(unverifiedWarnings(p.unverified), commitWarnings(commit, fsync)...), nil
}

// commitWarnings says which settings may make used codes good again.
func commitWarnings(commit, fsync string) (warnings []string) {
	if fsync == "off" {
		warnings = append(warnings, "fsync is off: a crash of PostgreSQL's machine may make used codes good again, or lose everything")
	}
	switch commit {
	case "off":
		warnings = append(warnings, "synchronous_commit is off: a crash of PostgreSQL may make used codes good again")
	case "local":
		warnings = append(warnings, "synchronous_commit is local: a failover to a standby may make used codes good again")
	}
	return warnings
}

// Close implements Store.
func (p *Postgres) Close() error {
	p.reads.close()
	p.writes.close()
	p.lookUps.close()
	p.jobs.close()
	p.close()
	p.running.Wait()
	return p.db.Close()
}
