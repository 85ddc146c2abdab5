ALTER TABLE enrolment ADD COLUMN issuer TEXT NOT NULL DEFAULT ''; -- who asks for the account's codes, '' for TOTP_ISSUER
