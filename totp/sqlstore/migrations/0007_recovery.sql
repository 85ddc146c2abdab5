-- Wrong recovery codes are counted apart from wrong codes: nothing keeps a guesser of
-- recovery codes waiting, so that the count is all that tells of him.
ALTER TABLE account ADD COLUMN recovery_failures INTEGER NOT NULL DEFAULT 0; -- wrong recovery codes since recovery_since
ALTER TABLE account ADD COLUMN recovery_since @LONG@ NOT NULL DEFAULT 0; -- when the 30 days of these began

ALTER TABLE enrolment ADD COLUMN rekeyed_at @LONG@ NOT NULL DEFAULT 0; -- when a recovery code gave the account its live key, 0 if none did
