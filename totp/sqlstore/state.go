package sqlstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"totpctl/totp/verifier"
)

const loadState = `
	SELECT last_step, failures, wait_until, answer_request, answer_at, answer_verdict
	FROM account WHERE id = ?1`

// replaceState is the one statement that decides a verdict: it changes the row
// only if nothing that the verdict rests on has changed since it was read.
const replaceState = `
	UPDATE account
	SET last_step = ?2, failures = ?3, wait_until = ?4, answer_request = ?5, answer_at = ?6, answer_verdict = ?7
	WHERE id = ?1 AND last_step = ?8 AND failures = ?9 AND wait_until = ?10 AND last_step <= ?2`

const createAccount = `INSERT INTO account (id) VALUES (?1) ON CONFLICT (id) DO NOTHING`

// errDamaged says that a row does not hold what this package writes. It is one
// account's trouble: the others go on.
var errDamaged = errors.New("account is damaged in the database")

func scanState(row *sql.Row) (verifier.State, error) {
	var s verifier.State
	var waitUntil, answerAt int64
	var request, verdict string
	err := row.Scan(&s.LastStep, &s.Failures, &waitUntil, &request, &answerAt, &verdict)
	if errors.Is(err, sql.ErrNoRows) {
		return s, verifier.ErrNoAccount
	}
	if err != nil {
		return s, fmt.Errorf("reading account: %w", err)
	}
	s.WaitUntil = fromMillis(waitUntil)
	if request == "" {
		return s, nil
	}
	s.Last.At = fromMillis(answerAt)
	if n, err := hex.Decode(s.Last.Request[:], []byte(request)); err != nil || n != len(s.Last.Request) {
		return s, fmt.Errorf("reading answer_request: %w", errDamaged)
	}
	if err := json.Unmarshal([]byte(verdict), &s.Last.Verdict); err != nil {
		return s, fmt.Errorf("reading answer_verdict: %w", errDamaged)
	}
	return s, nil
}

func execReplace(ctx context.Context, stmt *sql.Stmt, id string, old, next verifier.State) error {
	request, verdict, err := encodeAnswer(next.Last)
	if err != nil {
		return err
	}
	result, err := stmt.ExecContext(ctx, id,
		next.LastStep, next.Failures, millis(next.WaitUntil), request, millis(next.Last.At), verdict,
		old.LastStep, old.Failures, millis(old.WaitUntil))
	if err != nil {
		return fmt.Errorf("updating account: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("updating account: %d rows changed instead of one: %w", n, err)
	}
	return nil
}

func encodeAnswer(a verifier.Answer) (request, verdict string, err error) {
	if a.Request == (verifier.RequestID{}) {
		return "", "", nil
	}
	text, err := json.Marshal(a.Verdict)
	return hex.EncodeToString(a.Request[:]), string(text), err
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
