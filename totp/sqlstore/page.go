package sqlstore

import (
	"unicode/utf8"

	"totpctl/totp/verifier"
)

// Statements for pages of accounts, by the indices of migration 6. ?1 is the first id, ?2 how
// many accounts there are at most, and ?3 what comes after the last id.
const (
	selectPage = selectWhole + `WHERE id >= ?1 ORDER BY id LIMIT ?2`

	selectPrefixed = selectWhole + `WHERE id >= ?1 AND id < ?3 ORDER BY id LIMIT ?2`

	selectHeld = selectWhole + `WHERE id IN (` + idsHeld + `) ORDER BY id`

	selectUnconfirmed = selectWhole + `WHERE id IN (` + idsUnconfirmed + `) ORDER BY id`

	selectRecoveryless = selectWhole + `WHERE id IN (SELECT id FROM (` + idsRecoveryUsed + `) AS used
		UNION SELECT account FROM (` + idsNoRecovery + `) AS without ORDER BY 1 LIMIT ?2) ORDER BY id`

	idsHeld = `SELECT id FROM account WHERE (wait_until > 0 OR blocked <> 0) AND id >= ?1 AND id < ?3 ORDER BY id LIMIT ?2`

	idsUnconfirmed = `SELECT account FROM enrolment WHERE sealed_key = '' AND account >= ?1 AND account < ?3 ORDER BY account LIMIT ?2`

	idsRecoveryUsed = `SELECT id FROM account WHERE (recovery_used & 1023) = 1023 AND id >= ?1 AND id < ?3 ORDER BY id LIMIT ?2`

	idsNoRecovery = `SELECT account FROM enrolment WHERE recovery = '' AND sealed_key <> '' AND account >= ?1 AND account < ?3 ORDER BY account LIMIT ?2`
)

// pageOf returns the statement that reads accounts of a range.
func pageOf(r verifier.Range, limit int) statement {
	from, end := max(r.From, r.Prefix), after(r.Prefix)
	switch r.Among {
	case verifier.AmongHeld:
		return statement{selectHeld, []any{from, limit, end}}
	case verifier.AmongUnconfirmed:
		return statement{selectUnconfirmed, []any{from, limit, end}}
	case verifier.AmongRecoveryless:
		return statement{selectRecoveryless, []any{from, limit, end}}
	}
	if r.Prefix == "" {
		return statement{selectPage, []any{from, limit}}
	}
	return statement{selectPrefixed, []any{from, limit, end}}
}

// after returns the first text that sorts after all names with the prefix. It is valid UTF-8,
// because PostgreSQL takes no other.
func after(prefix string) string {
	for prefix != "" {
		r, n := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-n]
		switch {
		case r == 0xd7ff: // surrogates are no characters
			return prefix + "\ue000"
		case r < utf8.MaxRune:
			return prefix + string(r+1)
		}
	}
	return string(utf8.MaxRune)
}

func summaries(rows []row, s *sealer) []verifier.Summary {
	return each(rows, func(r row) verifier.Summary { return r.summary(s) })
}

// summary returns something even of an account whose secrets do not open.
func (r *row) summary(s *sealer) verifier.Summary {
	a, err := r.parse(s)
	sum := verifier.Summary{
		ID: r.id, Created: a.Created, State: a.State, Recovery: a.Recovery,
		Confirmed: r.sealedKey != "", Period: a.Key.Period(), Damaged: err != nil, Rekeyed: a.Rekeyed,
		PendingUntil: a.Pending.Until, Opened: a.Pending.Cookie != "", PendingThrottle: a.Pending.Throttle,
	}
	if a.Kept.ForCodes() {
		sum.CodesUntil, sum.CodesOpened = a.Kept.Until, a.Kept.Cookie != ""
	}
	return sum
}

// loadAll opens the rows of a page. It is called by whoever asks for the page, so that no
// verdict waits for it.
func loadAll(rows []row, s *sealer) []verifier.Loaded {
	return each(rows, func(r row) verifier.Loaded { return r.loaded(s) })
}

func (r *row) loaded(s *sealer) verifier.Loaded {
	a, err := r.account(s)
	if err != nil {
		a = verifier.Account{ID: r.id}
	}
	return verifier.Loaded{Account: a, Err: err}
}
