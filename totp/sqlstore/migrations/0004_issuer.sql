ALTER TABLE enrolment ADD COLUMN issuer TEXT NOT NULL DEFAULT ''; -- of the account, '' for the one in its name or TOTP_ISSUER
