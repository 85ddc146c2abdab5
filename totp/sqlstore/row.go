package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"totpctl/totp/verifier"
)

// ErrDamaged says that a row does not hold what this package writes, or that its
// secret was sealed for another row or with another key. Other accounts are not
// affected.
var ErrDamaged = errors.New("account is damaged in the database")

// A row is an account as stored: first the columns of table account, which Decide
// changes, then those of table enrolment, which only Edit changes.
type row struct {
	id           string
	revision     int64
	lastStep     int64
	failures     int
	waitUntil    int64
	blocked      int
	recoveryUsed int
	answer       string
	recent       int // wrong codes since recentSince
	recentSince  int64
	// wrong recovery codes since recoverySince
	recoveryFailures int
	recoverySince    int64

	enrolment    int64
	issuer       string
	sealedKey    string
	recovery     string
	pending      string
	pendingToken sql.NullString
	kept         string
	expires      int64
	rekeyed      int64
	created      int64
}

// The bits of column blocked.
const (
	blockedDisabled = 1
	blockedRevoked  = 2
)

// fields returns where the columns of selectColumns go.
func (r *row) fields() []any {
	return []any{&r.id, &r.revision, &r.lastStep, &r.failures, &r.waitUntil, &r.blocked, &r.recoveryUsed, &r.answer, &r.recent, &r.recentSince,
		&r.recoveryFailures, &r.recoverySince,
		&r.enrolment, &r.sealedKey, &r.recovery, &r.pending, &r.pendingToken, &r.kept, &r.expires, &r.issuer, &r.rekeyed, &r.created}
}

func (r *row) accountValues() []any {
	return []any{r.id, r.revision, r.lastStep, r.failures, r.waitUntil, r.blocked, r.recoveryUsed, r.answer, r.recent, r.recentSince,
		r.recoveryFailures, r.recoverySince}
}

func (r *row) enrolmentValues() []any {
	return []any{r.enrolment, r.sealedKey, r.recovery, r.pending, r.pendingToken, r.kept, r.expires, r.issuer, r.rekeyed}
}

// place names what the seal of a column is bound to. Whoever may write to the database
// must not move text to another account, to an account of the same name that was added
// later, or to another use.
func (r *row) place(use string, more ...string) []string {
	return append([]string{use, r.id, strconv.FormatInt(r.enrolment, 10)}, more...)
}

func (r *row) setState(s verifier.State, sealer *sealer) error {
	r.lastStep, r.failures, r.waitUntil, r.recoveryUsed = s.LastStep, s.Throttle.Failures, millis(s.Throttle.Until), int(s.RecoveryUsed)
	r.recent, r.recentSince = s.Recent.Failures, millis(s.Recent.Since)
	r.recoveryFailures, r.recoverySince = s.RecentRecovery.Failures, millis(s.RecentRecovery.Since)
	r.blocked, r.answer = 0, ""
	if s.Disabled {
		r.blocked |= blockedDisabled
	}
	if s.Revoked {
		r.blocked |= blockedRevoked
	}
	if s.Last == (verifier.Answer{}) {
		return nil
	}
	text, err := marshalAnswer(s.Last)
	if err == nil {
		r.answer = sealer.sign(string(text), r.place("answer")...)
	}
	return err
}

func (r *row) throttle() verifier.Throttle {
	return verifier.Throttle{Failures: r.failures, Until: fromMillis(r.waitUntil)}
}

func (r *row) state(sealer *sealer) (verifier.State, error) {
	if err := r.checkNumbers(); err != nil {
		return verifier.State{}, err
	}
	s := verifier.State{
		LastStep: r.lastStep, Throttle: r.throttle(),
		Disabled: r.blocked&blockedDisabled != 0, Revoked: r.blocked&blockedRevoked != 0, RecoveryUsed: uint16(r.recoveryUsed),
		Recent:         verifier.Tally{Failures: r.recent, Since: fromMillis(r.recentSince)},
		RecentRecovery: verifier.Tally{Failures: r.recoveryFailures, Since: fromMillis(r.recoverySince)},
	}
	if r.answer == "" {
		return s, nil
	}
	text, err := sealer.verify(r.answer, r.place("answer")...)
	if err == nil && text != "" {
		s.Last, err = unmarshalAnswer([]byte(text))
	}
	return s, damaged("answer", err)
}

// checkNumbers returns ErrDamaged for numbers that this package does not write. A
// revision that cannot go up would fail the batch that the row is in.
func (r *row) checkNumbers() error {
	if r.recoveryUsed != int(uint16(r.recoveryUsed)) || r.failures < 0 || r.recent < 0 || r.recoveryFailures < 0 || r.revision < 0 || r.revision == math.MaxInt64 {
		return damaged("numbers", errors.New("one is out of range"))
	}
	return nil
}

// setAccount sets the row's columns from a, where a differs from before. The others stay
// as they are: sealing the same again gives other text, and an edit that changes
// nothing must leave the row the same.
func (r *row) setAccount(before, a verifier.Account, s *sealer) (err error) {
	if before.State != a.State {
		if err := r.setState(a.State, s); err != nil {
			return err
		}
	}
	r.issuer, r.rekeyed = a.Issuer, millis(a.Rekeyed)
	if !before.Key.Equal(a.Key) {
		if r.sealedKey, err = s.sealKey(a.Key, r.place("live key")...); err != nil {
			return err
		}
	}
	if before.Recovery != a.Recovery {
		r.recovery = ""
		if a.Recovery != "" {
			if r.recovery, err = s.seal([]byte(a.Recovery), r.place("recovery codes")...); err != nil {
				return err
			}
		}
	}
	return r.setExpiring(before, a, s)
}

// account is parse, with the account's name in the error: whoever reads the log must
// find the account.
func (r *row) account(s *sealer) (verifier.Account, error) {
	a, err := r.parse(s)
	if err != nil {
		return a, fmt.Errorf("account %q: %w", r.id, err)
	}
	return a, nil
}

func (r *row) parse(s *sealer) (a verifier.Account, err error) {
	a.ID, a.Issuer, a.Created, a.Rekeyed = r.id, r.issuer, fromMillis(r.created), fromMillis(r.rekeyed)
	if a.State, err = r.state(s); err != nil {
		return a, err
	}
	if a.Key, err = s.openKey(r.sealedKey, r.place("live key")...); err != nil {
		return a, damaged("sealed_key", err)
	}
	if r.recovery != "" {
		hashes, err := s.open(r.recovery, r.place("recovery codes")...)
		if err != nil {
			return a, damaged("recovery", err)
		}
		a.Recovery = string(hashes)
	}
	if a.Pending, err = r.parsePending(s); err != nil {
		return a, damaged("pending", err)
	}
	a.Kept, err = r.parseKept(s)
	return a, damaged("kept", err)
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

// lastMillis is the end of the year 9999, the last that JSON can say (RFC 3339).
const lastMillis = 253402300799999

func fromMillis(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(min(ms, lastMillis)).UTC()
}

// newRow returns a row with a random revision and an enrolment of a random number, so
// that an account which is removed and added again differs from what was read before.
func newRow(a verifier.Account, s *sealer) (row, error) { return newRowAt(a, randomNumber(), s) }

func randomNumber() int64 { return rand.Int64N(1 << 62) }

// newRowAt is newRow for an enrolment whose number the caller has chosen.
func newRowAt(a verifier.Account, enrolment int64, s *sealer) (row, error) {
	r := row{id: a.ID, created: millis(a.Created), revision: randomNumber(), enrolment: enrolment}
	return r, r.setAccount(verifier.Account{}, a, s)
}

// renamed returns the row under another id, with what the caller's edit makes of its
// account. All seals are made anew, because each is bound to the id.
func (r *row) renamed(to string, s *sealer, edit func(verifier.Account) (verifier.Account, error)) (row, error) {
	a, err := r.account(s)
	if err != nil {
		return row{}, err
	}
	if a, err = edit(a); err != nil {
		return row{}, err
	}
	next := row{id: to, revision: r.revision, enrolment: r.enrolment, created: r.created}
	return next, next.setAccount(verifier.Account{}, a, s)
}

// decide sets the row's state to what the caller's decide returns, and reports whether
// decide wants the change.
func (r *row) decide(s *sealer, decide func(verifier.Account) (verifier.State, bool)) (change bool, err error) {
	a, err := r.account(s)
	if err != nil {
		return false, err
	}
	next, change := decide(a)
	if !change {
		return false, nil
	}
	return true, r.setState(next, s)
}

// edit sets the row to what the caller's edit makes of its account, and reports whether
// the row has changed.
func (r *row) edit(s *sealer, edit func(verifier.Account) (verifier.Account, error)) (change bool, err error) {
	a, err := r.account(s)
	if err != nil {
		return false, err
	}
	next, err := edit(a)
	if err != nil {
		return false, err
	}
	before := *r
	err = r.setAccount(a, next, s)
	return *r != before, err
}

// reseal seals with the first key what another key has sealed, and reports whether
// there was anything.
func (r *row) reseal(s *sealer) (change bool, err error) {
	a, err := r.account(s)
	if err != nil || r.sealedBy(s.first) {
		return false, err
	}
	return true, r.setAccount(verifier.Account{State: a.State}, a, s)
}

// sealedBy reports whether all sealed text of the row was sealed with the key.
func (r *row) sealedBy(id string) bool {
	p, err := r.pendingColumn()
	return err == nil && sealedBy(id, r.sealedKey) && sealedBy(id, p.Key) && sealedBy(id, r.recovery) && sealedBy(id, r.kept)
}
