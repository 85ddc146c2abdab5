-- What a migration in Go then does: it seals each row anew, bound to its use and
-- its enrolment, and gives the default account's rows keyed fingerprints for ids.
ALTER TABLE account RENAME COLUMN disabled TO blocked; -- bits: 1 by a person, 2 its key was revoked

ALTER TABLE enrolment ADD COLUMN kept TEXT NOT NULL DEFAULT ''; -- sealed recovery codes of a confirmation, until they are acknowledged
ALTER TABLE enrolment ADD COLUMN expires_at @LONG@ NOT NULL DEFAULT 0; -- when pending or kept must be deleted, 0 for never

CREATE INDEX enrolment_expires_at ON enrolment (expires_at) WHERE expires_at > 0;

-- The database's own key, sealed with this one; in the row '' as it is, where no
-- encryption key is set.
ALTER TABLE sealing_key ADD COLUMN database_key TEXT NOT NULL DEFAULT '';
