-- The engines differ in the names of types and in what they need to be told:
-- @NAME@ is text compared byte by byte, @LONG@ an integer of 64 bits, and
-- @CHECKED@ has values checked for their types.
CREATE TABLE account (
    id            @NAME@   NOT NULL PRIMARY KEY,
    revision      @LONG@   NOT NULL, -- another one after every change
    created_at    @LONG@   NOT NULL, -- all times are Unix milliseconds, 0 for none
    last_step     @LONG@   NOT NULL, -- last accepted step, 0 before the first
    failures      INTEGER  NOT NULL, -- wrong codes in a row
    wait_until    @LONG@   NOT NULL,
    disabled      INTEGER  NOT NULL, -- 1 or 0
    recovery      TEXT     NOT NULL, -- hashes of unused recovery codes, one after the other
    answer        TEXT     NOT NULL, -- last verdict, for the request that may repeat: JSON, '' for none
    sealed_key    TEXT     NOT NULL, -- live key, '' for none: algorithm, digits, period, key id, sealed secret
    pending       TEXT     NOT NULL, -- key that waits for its first code: JSON, '' for none
    pending_token TEXT               -- hash of the enrolment link's token
) @CHECKED@;

CREATE UNIQUE INDEX account_pending_token ON account (pending_token);

-- A key is here before the first secret is sealed with it.
CREATE TABLE sealing_key (
    id     TEXT NOT NULL PRIMARY KEY,
    canary TEXT NOT NULL -- a known text sealed with it
);
