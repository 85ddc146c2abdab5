package verifier

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"time"
)

// ErrLink says that an enrolment link is not good: expired, used, mistyped, or
// opened by another browser. It does not tell which, so that a guess learns
// nothing.
var ErrLink = errors.New("enrolment link is not valid")

// newToken has 130 random bits.
func newToken() string { return rand.Text() }

func tokenHash(token string) string { return shortHash("enrolment link", token) }

func browserHash(cookie string) string { return shortHash("enrolment browser", cookie) }

// newBrowser has 130 random bits.
func newBrowser() string { return rand.Text() }

// Peek returns the name of the account that a link enrols, without opening the
// link, or ErrLink. The browser is the value of the caller's cookie, "" without
// one.
func (v *Verifier) Peek(ctx context.Context, token, browser string) (string, error) {
	id, err := v.findToken(ctx, token)
	if err != nil {
		return "", err
	}
	var name string
	err = v.config.Store.Decide(ctx, id, func(a Account) (State, bool) {
		name = ""
		if a.Pending.admits(token, browser, v.config.Clock()) {
			name = a.ID
		}
		return a.State, false
	})
	switch {
	case errors.Is(err, ErrNoAccount):
		return "", ErrLink
	case err != nil:
		return "", err
	case name == "":
		return "", ErrLink
	}
	return name, nil
}

// Open shows the pending key to the first browser that asks, and to that one
// again, until the link dies; to any other it returns ErrLink. The browser is the
// value of the caller's cookie, "" without one; the one to set is in the
// Enrolment.
func (v *Verifier) Open(ctx context.Context, token, browser string) (Enrolment, error) {
	id, err := v.findToken(ctx, token)
	if err != nil {
		return Enrolment{}, err
	}
	var pending Pending
	var bound string
	fresh := newBrowser()
	err = v.edit(ctx, id, func(a Account) (Account, error) {
		if !a.Pending.admits(token, browser, v.config.Clock()) {
			return a, ErrLink
		}
		bound = browser
		if a.Pending.Browser == "" { // a cookie that is there already may be somebody else's choice
			bound = fresh
		}
		a.Pending.Browser = browserHash(bound)
		pending = a.Pending
		return a, nil
	})
	switch {
	case errors.Is(err, ErrNoAccount):
		return Enrolment{}, ErrLink
	case err != nil:
		return Enrolment{}, err
	}
	key, err := v.issued(pending.Key)
	return Enrolment{key, pending.Until, token, bound}, err
}

// ConfirmByLink is Confirm for the browser that opened the link, or ErrLink.
func (v *Verifier) ConfirmByLink(ctx context.Context, token, browser, code string) (Verdict, []string, error) {
	id, err := v.findToken(ctx, token)
	if err != nil {
		return Verdict{}, nil, err
	}
	return v.confirm(ctx, id, code, func(p Pending) error {
		if p.Browser == "" || !p.admits(token, browser, v.config.Clock()) {
			return ErrLink
		}
		return nil
	})
}

func (v *Verifier) findToken(ctx context.Context, token string) (string, error) {
	id, err := v.config.Store.FindToken(ctx, tokenHash(token))
	if errors.Is(err, ErrNoAccount) {
		return "", ErrLink
	}
	return id, err
}

// admits tells whether the link is alive and open to the browser.
func (p Pending) admits(token, browser string, now time.Time) bool {
	if p.Key.IsZero() || !p.Until.After(now) || !sameHash(p.Token, tokenHash(token)) {
		return false
	}
	return p.Browser == "" || sameHash(p.Browser, browserHash(browser))
}

func sameHash(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
