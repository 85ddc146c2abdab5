// Package sqlstore is the [verifier.Store] on SQL: [SQLite] for one server and the
// command line beside it, [Postgres] for many servers. [Open] chooses by the URL.
//
// # Durability
//
// When a method returns nil, its change has been fsynced. Both engines are asked at the
// start whether that is so: SQLite must run with journal_mode WAL and synchronous FULL;
// PostgreSQL's fsync and synchronous_commit are for [Store.Warnings]. An error means
// that the change may or may not have been made. PostgreSQL's warning that a standby may
// lack a commit is such an error.
//
// A SQLite file that was deleted or replaced while it is open, or whose write-ahead log
// was, gives errors until a restart: what is written to it would be forgotten, and its
// codes would be good again.
//
// # Batches and queues
//
// The statement that decides a verdict is updateState on SQLite and updateStates on
// PostgreSQL (statements.go).
//
// A commit costs an fsync, so requests share commits. Callers put requests into a
// queue; whoever owns a connection takes all that wait, up to 256, and answers them
// after the commit. No time is added: a batch is what has arrived during the one before.
// A full queue answers ErrBusy at once. A caller who leaves makes room, and fails
// nobody else. Look-ups of links and sessions have a queue of their own, because strangers
// may fill it.
//
// SQLite has one writer goroutine. It runs each request of a batch in one exclusive
// transaction. PostgreSQL has a reader and a writer, with a connection each: callers
// decide between the two, and the writer's statement changes only the rows that are
// still as they were read. It locks rows in the order of their ids, because two servers
// would deadlock otherwise. Edits, lists and imports have three more connections.
//
// Verdicts wait for AddAll as for any transaction: 1,000 accounts take some 50 ms, 100,000
// some seconds. In PostgreSQL a batch waits only for an account that is being replaced.
// SQLite's lock has no queue, so that whoever writes transaction after transaction must
// leave it free in between, as Verifier.Import does; pages of accounts are read without
// it. A Rename makes all seals of an account anew, because they are bound to its id.
//
// An answer about one account, such as ErrNoAccount, ErrDamaged or the error of a
// caller's edit, is for its caller alone. Any other error is the database's and fails the
// batch (see answered).
//
// # Checkpoints
//
// SQLite's write-ahead log is copied into the file by a goroutine of this package: see
// checkpointer. SQLite's own checkpoints would have every request wait.
//
// # What is sealed, with which key, and bound to what
//
// Encryption keys have 32 bytes. HKDF (RFC 5869) derives from each an AES-256-GCM key for
// what is sealed, an HMAC key for answers, and an id that tells nothing of it. The first
// key seals, all open. Sealed text begins with its key's id.
//
// The associated data of a seal names its place: the use, the account's id and the
// number of its enrolment, which is random. So whoever may write to the database cannot
// move sealed text to another account, to a later one of the same name, or to another
// use. In detail:
//
//	live key      sealed: the secret; bound: algorithm (STEAM for Steam's), digits and period, too
//	pending key   the same, and the link's token hash, the cookie's hash, the time, and
//	              whether a recovery code has begun it
//	recovery      sealed: the hashes of the recovery codes
//	kept          sealed: a confirmation with its recovery codes, or a link for new ones;
//	              bound: token, time, too
//	answer        in the clear with a MAC
//
// Counters, times, names and issuers are in the clear. Whoever may write to the database
// can undo what was used, charged or disabled, but learns no secret and forges no code,
// link, answer or session: table admin_session has the hash of a session's id, and a MAC that
// package session makes.
//
// The database's own key has 32 random bytes. It is made with the first encryption key, and
// is sealed with each key in table sealing_key, so that it outlives their rotation. It
// keys the fingerprint behind the default account's id. Without an encryption key no
// secret is stored, fingerprints are plain hashes, and MACs prove nothing.
//
// A canary is a known text that is sealed with each key, so that a wrong or missing key
// is told at the start (ErrKey). It also says which tables its key has seen:
// ErrTakenBack refuses a database that was given older tables after an upgrade, because
// an upgrade seals what it finds.
//
// # Rotation
//
// Put the new key before the old one; [Store.Reseal] seals anew what the old one has
// sealed; take the old one away. The canary of a retired key stays: a server that was
// forgotten in the rotation may seal with that key again, and the next start says so.
//
// # Migrations
//
// migrations/*.sql are the schema's versions, in the order of their names. Opening runs
// those that are missing in one transaction, which excludes every other process. What a
// migration needs keys for is done in Go (upgrade.go). A row that an upgrade cannot read
// stays as it is, and is named in [Store.Upgraded]. ErrNewer refuses a newer
// program's database. Never edit a migration that was released.
//
// Where the tables are current, opening changes no table and takes no lock on the schema, so
// that a role of PostgreSQL's which may only read and write rows is enough. ErrRights says
// that the tables are not current and the role may not change them.
//
// # Lists
//
// A list by status reads a partial index for each verifier.Among, so that it reads few rows
// among many accounts. The indices hold what a good code leaves as it was: the verdict on it
// writes none of them, and PostgreSQL may keep its update in the row's page (HOT).
//
// # Backups and fences
//
// [Backup] copies SQLite's file while servers go on, and [Restore] makes the database anew
// from the copy. A restored database does not know what was used since the backup, so it is
// fenced before it can be opened: see verifier.Verifier.Fence. The fence is one statement
// over table account, in the period of each account's key, which stands beside the sealed
// secret in the clear.
//
// # Moves
//
// [Move] copies a database into an empty one. The source is marked first: table moved says
// where to, the tables that verdicts need get other names, and the schema version goes up by
// movedVersion. A statement of a server that has the source open then finds no table, so
// that two databases never give verdicts, whatever the versions of the programs. The target
// has its tables hidden and its version raised in the same way until it is whole. Table
// arrival says how far the copy is. A table that a migration adds must be named in movedTables, unless its rows may be lost:
// the sessions of table admin_session end with a move, as they do with a fence.
//
// # PgBouncer
//
// In its transaction mode each transaction may be in another session. So nothing is set
// for a session, and what has to hold for a transaction is said in it. Statements are
// prepared by name on a direct connection alone: a pooler gives itself away by the
// process that it tells its clients of. Of several hosts in a URL, pgx uses the host that takes writes.
package sqlstore
