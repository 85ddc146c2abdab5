package sqlstore

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"totpctl/totp/verifier"
)

// ErrDamaged says that a row does not hold what this package writes, or that its
// secret was sealed for another row or with another key. It is one account's
// trouble: the others go on.
var ErrDamaged = errors.New("account is damaged in the database")

// A row is an account as the tables have it: what Decide changes, in its own, and
// what only Edit does, in its enrolment's.
type row struct {
	id           string
	revision     int64
	lastStep     int64
	failures     int
	waitUntil    int64
	disabled     int
	recoveryUsed int
	answer       string

	enrolment    int64
	sealedKey    string
	recovery     string
	pending      string
	pendingToken sql.NullString
	created      int64
}

// fields are what selectAny reads.
func (r *row) fields() []any {
	return []any{&r.id, &r.revision, &r.lastStep, &r.failures, &r.waitUntil, &r.disabled, &r.recoveryUsed, &r.answer,
		&r.enrolment, &r.sealedKey, &r.recovery, &r.pending, &r.pendingToken, &r.created}
}

func (r *row) accountValues() []any {
	return []any{r.id, r.revision, r.lastStep, r.failures, r.waitUntil, r.disabled, r.recoveryUsed, r.answer}
}

func (r *row) enrolmentValues() []any {
	return []any{r.enrolment, r.sealedKey, r.recovery, r.pending, r.pendingToken}
}

// A pendingColumn is a verifier.Pending as its column has it.
type pendingColumn struct {
	Key       string `json:"key"` // of sealKey
	Until     int64  `json:"until"`
	Failures  int    `json:"failures,omitempty"`
	WaitUntil int64  `json:"wait_until,omitempty"`
	Browser   string `json:"browser,omitempty"`
}

func (r *row) setState(s verifier.State) error {
	r.lastStep, r.failures, r.waitUntil, r.recoveryUsed = s.LastStep, s.Failures, millis(s.WaitUntil), int(s.RecoveryUsed)
	r.disabled, r.answer = 0, ""
	if s.Disabled {
		r.disabled = 1
	}
	if s.Last == (verifier.Answer{}) {
		return nil
	}
	text, err := json.Marshal(s.Last)
	r.answer = string(text)
	return err
}

func (r *row) state() (verifier.State, error) {
	if r.recoveryUsed != int(uint16(r.recoveryUsed)) {
		return verifier.State{}, damaged("recovery_used", errors.New("out of range"))
	}
	s := verifier.State{
		LastStep: r.lastStep, Failures: r.failures, WaitUntil: fromMillis(r.waitUntil),
		Disabled: r.disabled != 0, RecoveryUsed: uint16(r.recoveryUsed),
	}
	if r.answer == "" {
		return s, nil
	}
	err := json.Unmarshal([]byte(r.answer), &s.Last)
	return s, damaged("answer", err)
}

func (r *row) setAccount(a verifier.Account, s *sealer) (err error) {
	r.id, r.created, r.recovery = a.ID, millis(a.Created), a.Recovery
	if err := r.setState(a.State); err != nil {
		return err
	}
	if r.sealedKey, err = s.sealKey(a.ID, a.Key); err != nil {
		return err
	}
	return r.setPending(a.ID, a.Pending, s)
}

func (r *row) setPending(id string, p verifier.Pending, s *sealer) error {
	r.pending, r.pendingToken = "", sql.NullString{}
	if p.Key.IsZero() {
		return nil
	}
	key, err := s.sealKey(id, p.Key)
	if err != nil {
		return err
	}
	text, err := json.Marshal(pendingColumn{key, millis(p.Until), p.Failures, millis(p.WaitUntil), p.Browser})
	r.pending, r.pendingToken = string(text), sql.NullString{String: p.Token, Valid: p.Token != ""}
	return err
}

// account names the one that is damaged: whoever reads the log must find it.
func (r *row) account(s *sealer) (verifier.Account, error) {
	a, err := r.parse(s)
	if err != nil {
		return a, fmt.Errorf("account %q: %w", r.id, err)
	}
	return a, nil
}

func (r *row) parse(s *sealer) (a verifier.Account, err error) {
	a.ID, a.Created, a.Recovery = r.id, fromMillis(r.created), r.recovery
	if a.State, err = r.state(); err != nil {
		return a, err
	}
	if a.Key, err = s.openKey(r.id, r.sealedKey); err != nil {
		return a, damaged("sealed_key", err)
	}
	if r.pending == "" {
		return a, nil
	}
	p, err := r.pendingColumn()
	if err != nil {
		return a, err
	}
	a.Pending = verifier.Pending{Until: fromMillis(p.Until), Failures: p.Failures, WaitUntil: fromMillis(p.WaitUntil),
		Token: r.pendingToken.String, Browser: p.Browser}
	a.Pending.Key, err = s.openKey(r.id, p.Key)
	return a, damaged("pending", err)
}

func (r *row) pendingColumn() (p pendingColumn, err error) {
	if r.pending != "" {
		err = json.Unmarshal([]byte(r.pending), &p)
	}
	return p, damaged("pending", err)
}

// summary shows even an account whose secrets do not open.
func (r *row) summary(s *sealer) verifier.Summary {
	_, err := r.parse(s)
	state, _ := r.state()
	p, _ := r.pendingColumn()
	return verifier.Summary{
		ID: r.id, Created: fromMillis(r.created), State: state, Recovery: r.recovery,
		Confirmed: r.sealedKey != "", PendingUntil: fromMillis(p.Until), Damaged: err != nil,
	}
}

func damaged(column string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading %s: %w: %w", column, ErrDamaged, err)
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

// newRow begins at a random revision, with an enrolment of a random number: an
// account that is removed and added again is not as it was read before.
func newRow(a verifier.Account, s *sealer) (row, error) {
	r := row{revision: rand.Int64N(1 << 62), enrolment: rand.Int64N(1 << 62)}
	return r, r.setAccount(a, s)
}

// decide gives the row the state that decide returns, and tells whether that is
// another one.
func (r *row) decide(s *sealer, decide func(verifier.Account) (verifier.State, bool)) (change bool, err error) {
	a, err := r.account(s)
	if err != nil {
		return false, err
	}
	next, change := decide(a)
	if !change {
		return false, nil
	}
	return true, r.setState(next)
}

// edit makes the row what edit makes of its account.
func (r *row) edit(s *sealer, edit func(verifier.Account) (verifier.Account, error)) error {
	a, err := r.account(s)
	if err != nil {
		return err
	}
	next, err := edit(a)
	if err != nil {
		return err
	}
	next.ID, next.Created = a.ID, a.Created
	return r.setAccount(next, s)
}

func scanRows(rows *sql.Rows) (all []row, err error) {
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func summaries(rows []row, s *sealer) (all []verifier.Summary) {
	for i := range rows {
		all = append(all, rows[i].summary(s))
	}
	return all
}
