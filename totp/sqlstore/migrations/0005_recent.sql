-- Wrong codes in a row end with a good one. These do not: a guesser who waits for the
-- owner to log in between his guesses is seen by them.
ALTER TABLE account ADD COLUMN recent_failures INTEGER NOT NULL DEFAULT 0; -- wrong codes since recent_since
ALTER TABLE account ADD COLUMN recent_since @LONG@ NOT NULL DEFAULT 0; -- when the 30 days of these began
