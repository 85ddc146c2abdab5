-- What every verdict changes gets a small row of its own, so that many share a
-- page, and what only enrolling changes another, found by a number: by the
-- account's id it took a fifth longer. @BY_KEY@ keeps a table's rows in its primary
-- key's tree.
ALTER TABLE account RENAME TO account_1;

CREATE TABLE account (
    id            @NAME@   NOT NULL PRIMARY KEY,
    enrolment     @LONG@   NOT NULL, -- its number
    revision      @LONG@   NOT NULL, -- another one after every change
    last_step     @LONG@   NOT NULL, -- last accepted step, 0 before the first
    failures      INTEGER  NOT NULL, -- wrong codes in a row
    wait_until    @LONG@   NOT NULL, -- all times are Unix milliseconds, 0 for none
    disabled      INTEGER  NOT NULL, -- 1 or 0
    recovery_used INTEGER  NOT NULL, -- bit i is 1 if recovery code i is used
    answer        TEXT     NOT NULL  -- last verdict, for the request that may repeat: JSON, '' for none
) @BY_KEY@;

CREATE TABLE enrolment (
    number        @LONG@   NOT NULL PRIMARY KEY,
    account       @NAME@   NOT NULL, -- its id
    created_at    @LONG@   NOT NULL,
    sealed_key    TEXT     NOT NULL, -- live key, '' for none: algorithm, digits, period, key id, sealed secret
    recovery      TEXT     NOT NULL, -- hashes of recovery codes, one after the other
    pending       TEXT     NOT NULL, -- key that waits for its first code: JSON, '' for none
    pending_token TEXT               -- hash of the enrolment link's token
) @CHECKED@;

INSERT INTO enrolment (number, account, created_at, sealed_key, recovery, pending, pending_token)
    SELECT row_number() OVER (ORDER BY id), id, created_at, sealed_key, recovery, pending, pending_token FROM account_1;

INSERT INTO account (id, enrolment, revision, last_step, failures, wait_until, disabled, recovery_used, answer)
    SELECT id, number, revision, last_step, failures, wait_until, disabled, 0, answer FROM account_1 JOIN enrolment ON account = id;

DROP TABLE account_1;

CREATE UNIQUE INDEX enrolment_pending_token ON enrolment (pending_token);
