package sqlstore

import (
	"database/sql"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// A pending key and a kept confirmation expire. They share the columns pending_token and
// expires_at, because an account has one of the two at most.

// pendingPlace also names who may be shown the pending key, and until when.
// A key that a recovery code has begun is told from others, because verdicts tell of it.
func (r *row) pendingPlace(p pendingColumn) []string {
	place := r.place("pending key", r.pendingToken.String, p.Cookie, strconv.FormatInt(p.Until, 10))
	if p.Recovered { // others are sealed as earlier versions did
		place = append(place, "recovered")
	}
	return place
}

func (r *row) keptPlace() []string {
	return r.place("kept", r.pendingToken.String, strconv.FormatInt(r.expires, 10))
}

// A pendingColumn is a verifier.Pending as its column has it. The token's hash has a
// column of its own.
type pendingColumn struct {
	Key       string `json:"key"` // a sealedKey
	Until     int64  `json:"until"`
	Failures  int    `json:"failures,omitempty"`
	WaitUntil int64  `json:"wait_until,omitempty"`
	Cookie    string `json:"browser,omitempty"`
	Recovered bool   `json:"recovered,omitempty"`
}

func (p pendingColumn) throttle() verifier.Throttle {
	return verifier.Throttle{Failures: p.Failures, Until: fromMillis(p.WaitUntil)}
}

// A keptColumn is a verifier.Kept as its column seals it. The token's hash and the time
// have columns of their own.
type keptColumn struct {
	Verdict verdictColumn
	Codes   []string
	Cookie  string             `json:",omitempty"`
	Request verifier.RequestID `json:",omitzero"`
}

// setExpiring sets the columns of Pending and Kept.
func (r *row) setExpiring(before, a verifier.Account, s *sealer) error {
	if samePending(before.Pending, a.Pending) && reflect.DeepEqual(before.Kept, a.Kept) {
		return nil
	}
	pending, kept := !a.Pending.Key.IsZero(), !a.Kept.Until.IsZero()
	r.pending, r.kept = "", ""
	switch {
	case pending && kept:
		return errors.New("an account has both a pending key and a kept confirmation")
	case pending:
		r.expire(a.Pending.Token, a.Pending.Until)
		return r.setPending(a.Pending, s)
	case kept:
		r.expire(a.Kept.Token, a.Kept.Until)
		return r.setKept(a.Kept, s)
	}
	r.expire("", time.Time{})
	return nil
}

func (r *row) expire(token string, until time.Time) {
	r.pendingToken, r.expires = sql.NullString{String: token, Valid: token != ""}, millis(until)
}

func (r *row) setPending(p verifier.Pending, s *sealer) (err error) {
	column := pendingColumn{"", millis(p.Until), p.Throttle.Failures, millis(p.Throttle.Until), p.Cookie, p.Recovered}
	if column.Key, err = s.sealKey(p.Key, r.pendingPlace(column)...); err != nil {
		return err
	}
	text, err := json.Marshal(column)
	r.pending = string(text)
	return err
}

func (r *row) setKept(k verifier.Kept, s *sealer) error {
	text, err := json.Marshal(keptColumn{verdictColumn(k.Verdict), k.Codes, k.Cookie, k.Request})
	if err != nil {
		return err
	}
	r.kept, err = s.seal(text, r.keptPlace()...)
	return err
}

func samePending(a, b verifier.Pending) bool {
	keys := a.Key.Equal(b.Key)
	a.Key, b.Key = totp.Key{}, totp.Key{}
	return keys && reflect.DeepEqual(a, b)
}

func (r *row) parsePending(s *sealer) (verifier.Pending, error) {
	column, err := r.pendingColumn()
	if err != nil || r.pending == "" {
		return verifier.Pending{}, err
	}
	p := verifier.Pending{Until: fromMillis(column.Until), Throttle: column.throttle(),
		Token: r.pendingToken.String, Cookie: column.Cookie, Recovered: column.Recovered}
	if p.Key, err = s.openKey(column.Key, r.pendingPlace(column)...); err == nil && p.Key.IsZero() {
		err = errSeal
	}
	return p, err
}

func (r *row) pendingColumn() (p pendingColumn, err error) {
	if r.pending != "" {
		err = json.Unmarshal([]byte(r.pending), &p)
	}
	return p, err
}

func (r *row) parseKept(s *sealer) (verifier.Kept, error) {
	if r.kept == "" {
		return verifier.Kept{}, nil
	}
	text, err := s.open(r.kept, r.keptPlace()...)
	if err != nil {
		return verifier.Kept{}, err
	}
	var column keptColumn
	err = json.Unmarshal(text, &column)
	return verifier.Kept{Verdict: verifier.Verdict(column.Verdict), Codes: column.Codes, Until: fromMillis(r.expires),
		Token: r.pendingToken.String, Cookie: column.Cookie, Request: column.Request}, err
}
