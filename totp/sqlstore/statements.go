package sqlstore

import "strings"

// Statements with SQLite's parameters: ?1 is the first wherever it stands. SQLite runs all
// of them. PostgreSQL runs some, or makes them a part of its own, with the parameters that
// its dialect writes. SQLite would take PostgreSQL's $1 for a name and number it by its
// first appearance.
const (
	selectRow = selectWhole + `WHERE id = ?1`

	// updateState decides a verdict on SQLite, as updateStates does on PostgreSQL. It
	// changes nothing unless the row is still as it was read. It also keeps the last
	// accepted step from going back, whatever the caller believes.
	updateState = updateAccount + ` AND last_step <= ?3`

	updateAccount = `UPDATE account SET ` + setState + whereAsRead

	updateEnrolment = `UPDATE enrolment SET ` + setEnrolment + ` WHERE number = ?1`

	// renameAccount and renameEnrolment are updateAccount and updateEnrolment with
	// another id.
	renameAccount = `UPDATE account SET id = ?13, ` + setState + whereAsRead

	renameEnrolment = `UPDATE enrolment SET ` + setEnrolment + `, account = ?10 WHERE number = ?1 AND account = ?11`

	setState = `revision = revision + 1, last_step = ?3, failures = ?4, wait_until = ?5, blocked = ?6, recovery_used = ?7, answer = ?8,
			recent_failures = ?9, recent_since = ?10, recovery_failures = ?11, recovery_since = ?12`

	whereAsRead = ` WHERE id = ?1 AND revision = ?2`

	setEnrolment = `sealed_key = ?2, recovery = ?3, pending = ?4, pending_token = ?5, kept = ?6, expires_at = ?7, issuer = ?8, rekeyed_at = ?9`

	insertAccount = `INSERT INTO account (` + stateColumns + `, enrolment)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO NOTHING`

	// insertKeyless is for a store without an encryption key. It adds nothing once
	// the database has had one, because the default account's row then has another
	// id.
	insertKeyless = `INSERT INTO account (` + stateColumns + `, enrolment)
		SELECT CAST(?1 AS TEXT), CAST(?2 AS BIGINT), CAST(?3 AS BIGINT), CAST(?4 AS INTEGER), CAST(?5 AS BIGINT),
			CAST(?6 AS INTEGER), CAST(?7 AS INTEGER), CAST(?8 AS TEXT), CAST(?9 AS INTEGER), CAST(?10 AS BIGINT),
			CAST(?11 AS INTEGER), CAST(?12 AS BIGINT), CAST(?13 AS BIGINT)
		WHERE NOT EXISTS (SELECT 1 FROM sealing_key) ON CONFLICT (id) DO NOTHING`

	insertEnrolment = `INSERT INTO enrolment (` + enrolmentColumns + `)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`

	deleteAccount = `DELETE FROM account WHERE id = ?1`

	deleteEnrolment = `DELETE FROM enrolment WHERE number = ?1 AND account = ?2`

	// sweep needs no condition on the account's revision: an edit that has read what
	// is swept writes the whole account.
	sweep = endLinks + `WHERE expires_at > 0 AND expires_at <= ?1`

	// fence changes every account at once: see verifier.Fence. @PERIOD@ reads the period of
	// a live key from its column, see sealedKey. Where the column does not tell it, the
	// account is damaged or has no live key, and its last step stays. ?3 begins the IDs of
	// the default account, one for each secret that it has had; ?4 is their period.
	fence = `UPDATE account SET revision = revision + CASE WHEN revision < 9223372036854775807 THEN 1 ELSE 0 END, answer = '',
			recovery_used = CASE WHEN ?5 = 1 THEN recovery_used ELSE 65535 END, last_step = @LATER@(last_step, ` + fenceStep + `)`

	countAhead = `SELECT count(*) FROM account WHERE last_step > ` + fenceStep

	fenceStep = `coalesce(CAST(?1 AS BIGINT) / nullif(CASE WHEN substr(id, 1, length(CAST(?3 AS TEXT))) = ?3 THEN CAST(?4 AS BIGINT) ELSE (
			SELECT @PERIOD@ FROM enrolment AS e WHERE e.number = account.enrolment AND e.account = account.id) END, 0) + ?2, last_step)`

	fenceEnrolments = endLinks + `WHERE pending <> '' OR kept <> '' OR pending_token IS NOT NULL`

	endLinks = `UPDATE enrolment SET pending = '', pending_token = NULL, kept = '', expires_at = 0 `

	selectTokens = `SELECT pending_token, account FROM enrolment WHERE pending_token `
)

const (
	stateColumns = `id, revision, last_step, failures, wait_until, blocked, recovery_used, answer, recent_failures, recent_since, recovery_failures, recovery_since`

	enrolmentColumns = `number, sealed_key, recovery, pending, pending_token, kept, expires_at, issuer, rekeyed_at, account, created_at`

	joinEnrolment = `number = enrolment AND account = id`

	// selectWhole reads whole rows. The LEFT JOIN makes an account without its
	// enrolment read as damaged (503), not as unknown (404): applications may let
	// unknown accounts in without a code.
	selectWhole = selectColumns + `account LEFT JOIN enrolment ON ` + joinEnrolment + ` `

	selectColumns = `SELECT ` + stateColumns + `, enrolment,
		coalesce(sealed_key, 'gone'), coalesce(recovery, ''), coalesce(pending, ''), pending_token, coalesce(kept, ''), coalesce(expires_at, 0), coalesce(issuer, ''), coalesce(rekeyed_at, 0), coalesce(created_at, 0)
		FROM `
)

// SQLite's statements for batches. What they look for is a JSON array.
const (
	begin = `BEGIN IMMEDIATE`

	selectAhead = selectWhole + `WHERE id IN (SELECT value FROM json_each(?1))`

	selectTokensListed = selectTokens + `IN (SELECT value FROM json_each(?1))`
)

// PostgreSQL's statements for batches.
const (
	selectRows = selectWhole + `WHERE id = ANY($1::text[])`

	selectTokensIn = selectTokens + `= ANY($1::text[])`

	// updateStates decides the verdicts of a batch, each under the conditions of
	// updateState. It locks the rows in the order of their ids first: an update locks
	// them in any order, and two servers would deadlock.
	updateStates = `WITH locked AS MATERIALIZED (
			SELECT id FROM account WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE)
		UPDATE account AS a SET ` + setStateFromN + `
		FROM locked, unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
			AS n (` + stateColumns + `)
		WHERE locked.id = n.id AND a.id = n.id AND a.revision = n.revision AND a.last_step <= n.last_step
		RETURNING a.id`

	setStateFromN = `revision = a.revision + 1, last_step = n.last_step, failures = n.failures, wait_until = n.wait_until,
			blocked = n.blocked, recovery_used = n.recovery_used, answer = n.answer, recent_failures = n.recent_failures, recent_since = n.recent_since,
			recovery_failures = n.recovery_failures, recovery_since = n.recovery_since`
)

// PostgreSQL's statements for both tables take the parameters of table account before
// those of table enrolment. Each statement is a transaction: a server that was cut off
// between two statements would leave the account locked, and the batches of other
// servers would wait.
const (
	updateBoth = `WITH first AS (` + updateAccount + ` RETURNING id)
		UPDATE enrolment SET ` + setEnrolmentOfBoth + `
		FROM first WHERE number = ?13 AND account = first.id`

	renameBoth = `WITH first AS (UPDATE account SET id = ?22, ` + setState + whereAsRead + ` RETURNING id)
		UPDATE enrolment SET ` + setEnrolmentOfBoth + `, account = first.id
		FROM first WHERE number = ?13 AND account = ?1 RETURNING 1`

	setEnrolmentOfBoth = `sealed_key = ?14, recovery = ?15, pending = ?16, pending_token = ?17, kept = ?18, expires_at = ?19, issuer = ?20, rekeyed_at = ?21`

	// changeAll adds and changes the accounts of a JSON array, ?1. Those that it changes
	// are named in ?2, and are locked in the order of their ids, as in updateStates. It
	// does nothing and returns 0 unless these are all as they were read. An account that
	// was added meanwhile makes the statement fail with unique_violation.
	changeAll = `WITH n AS MATERIALIZED (SELECT * FROM json_to_recordset(?1::json) AS n (
				id TEXT, revision BIGINT, last_step BIGINT, failures BIGINT, wait_until BIGINT, blocked BIGINT, recovery_used BIGINT, answer TEXT,
				recent_failures BIGINT, recent_since BIGINT, recovery_failures BIGINT, recovery_since BIGINT,
				number BIGINT, sealed_key TEXT, recovery TEXT, pending TEXT, pending_token TEXT, kept TEXT, expires_at BIGINT, issuer TEXT,
				rekeyed_at BIGINT, created_at BIGINT, stored BOOLEAN)),
			locked AS MATERIALIZED (
				SELECT id, revision FROM account WHERE id = ANY(?2::text[]) ORDER BY id FOR NO KEY UPDATE),
			same AS MATERIALIZED (
				SELECT 1 WHERE (SELECT count(*) FROM locked JOIN n USING (id, revision)) = cardinality(?2::text[])),
			changed AS (UPDATE account AS a SET ` + setStateFromN + `
				FROM n, same WHERE n.stored AND a.id = n.id AND a.revision = n.revision),
			enrolled AS (UPDATE enrolment AS e
				SET sealed_key = n.sealed_key, recovery = n.recovery, pending = n.pending, pending_token = n.pending_token,
					kept = n.kept, expires_at = n.expires_at, issuer = n.issuer, rekeyed_at = n.rekeyed_at
				FROM n, same WHERE n.stored AND e.number = n.number AND e.account = n.id),
			added AS (INSERT INTO account (` + stateColumns + `, enrolment)
				SELECT ` + stateColumns + `, number FROM n, same WHERE NOT stored ORDER BY id),
			begun AS (INSERT INTO enrolment (` + enrolmentColumns + `)
				SELECT number, sealed_key, recovery, pending, pending_token, kept, expires_at, issuer, rekeyed_at, id, created_at FROM n, same WHERE NOT stored)
		SELECT count(*) FROM same`

	insertBoth = `WITH first AS (` + insertAccount + insertRest

	insertBothKeyless = `WITH first AS (` + insertKeyless + insertRest

	insertRest = ` RETURNING id)
		INSERT INTO enrolment (` + enrolmentColumns + `)
		SELECT ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21::bigint, id, ?22::bigint FROM first`

	deleteBoth = `WITH first AS (DELETE FROM account WHERE id = ?1 RETURNING id, enrolment),
			second AS (DELETE FROM enrolment USING first WHERE number = first.enrolment AND account = first.id)
		SELECT id FROM first`
)

// A dialect is how an engine's SQL differs.
type dialect struct {
	words     [12]string // @…@ in migrations and in fence, each before what replaces it
	parameter string     // before a parameter's number
	analyze   string     // tells the planner about tables that were just filled, "" if it needs no telling
	hasTable  string     // reports whether there is a table of the name ?1
	lock      string     // keeps others from adding accounts until the transaction ends, "" if a transaction does
}

var (
	sqliteDialect = dialect{[...]string{"@NAME@", "TEXT", "@LONG@", "INTEGER", "@CHECKED@", "STRICT", "@BY_KEY@", "STRICT, WITHOUT ROWID",
		"@LATER@", "max", "@PERIOD@", "CAST(substr(sealed_key, instr(sealed_key, ' ') + 3) AS INTEGER)"}, "?", "",
		"SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = ?1", ""}
	postgresDialect = dialect{[...]string{"@NAME@", `TEXT COLLATE "C"`, "@LONG@", "BIGINT", "@CHECKED@", "", "@BY_KEY@", "",
		"@LATER@", "greatest", "@PERIOD@", "CAST(substring(sealed_key from '^[A-Z0-9]+ [0-9] ([0-9]{1,5}) ') AS BIGINT)"}, "$", "ANALYZE account, enrolment",
		"SELECT to_regclass(CAST(?1 AS TEXT)) IS NOT NULL", "LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE"}
)

func (d dialect) migration(text string) string {
	return strings.NewReplacer(d.words[:]...).Replace(text)
}

func (d dialect) statement(text string) string { return strings.ReplaceAll(text, "?", d.parameter) }
