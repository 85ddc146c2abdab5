-- Who is signed in to the administrator's page. No row is needed for a verdict, and none
-- is moved or restored.
CREATE TABLE admin_session (
    hash       @NAME@ NOT NULL PRIMARY KEY, -- of the random id, which is in the browser's cookie alone
    bearer     TEXT   NOT NULL, -- MAC of the hash, created_at and the bearer that has signed in
    created_at @LONG@ NOT NULL,
    seen_at    @LONG@ NOT NULL,
    expires_at @LONG@ NOT NULL
) @BY_KEY@;

-- Lists by status. Each index has the few rows that its list is about, so that the verdict
-- on a good code touches none of them. wait_until stays after a wait, until a good code or
-- an unlock: whoever lists asks the clock.
CREATE INDEX account_held ON account (id) WHERE wait_until > 0 OR blocked <> 0;

-- All ten recovery codes are used. Where an account has another number of them, the last
-- one sets every bit.
CREATE INDEX account_recovery_used ON account (id) WHERE (recovery_used & 1023) = 1023;

CREATE INDEX enrolment_unconfirmed ON enrolment (account) WHERE sealed_key = '';

CREATE INDEX enrolment_no_recovery ON enrolment (account) WHERE recovery = '' AND sealed_key <> '';
