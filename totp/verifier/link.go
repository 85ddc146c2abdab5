package verifier

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"time"
)

// ErrLink says that an enrolment link is not good: it has expired, was used, is
// mistyped, was opened by another browser, or is of a disabled account. The error does
// not say which, so that a guess learns nothing.
var ErrLink = errors.New("enrolment link is not valid")

// ErrConfirmed says that this browser has confirmed the account by this link. Peek
// returns the recovery codes.
var ErrConfirmed = errors.New("the account has been confirmed by this link")

// KeepTime is how long Peek returns the recovery codes to the browser that has confirmed,
// unless that acknowledges them before.
const KeepTime = time.Hour

// newToken returns a token of 130 random bits.
func newToken() string { return rand.Text() }

// TokenHash returns what is stored of a link's token.
func TokenHash(token string) string { return shortHash("enrolment link", token) }

// cookieHash returns what is stored of a browser's cookie.
func cookieHash(cookie string) string { return shortHash("enrolment browser", cookie) }

// NewCookie returns a value for the cookie of a browser that is about to open a
// link: 130 random bits.
func NewCookie() string { return rand.Text() }

// A LinkKind is what a link gives to the browser that opens it.
type LinkKind string

// The kinds of links.
const (
	LinkKey   LinkKind = "key"            // a pending key and, after its first code, recovery codes
	LinkCodes LinkKind = "recovery_codes" // new recovery codes, and nothing else
)

// A Sight is what a link leads to.
type Sight struct {
	Kind          LinkKind
	Account       string    // the stored name
	Issuer, Label string    // the issuer and the account that authenticators show
	Opened        bool      // this browser has opened the link; false while none has
	Codes         []string  // recovery codes; nil while the key waits for its first code
	Until         time.Time // when the link ends
}

// Peek returns what a link leads to, and does not open it. While a key waits for its first
// code, that is an account without codes. For the browser that has confirmed, that is
// the codes. Peek returns ErrLink for any other link. The cookie is the value of the
// caller's cookie, "" without one.
func (v *Verifier) Peek(ctx context.Context, token, cookie string) (Sight, error) {
	id, err := v.findToken(ctx, token)
	if err != nil {
		return Sight{}, err
	}
	a, err := v.load(ctx, id)
	now := v.config.Clock()
	switch {
	case errors.Is(err, ErrNoAccount):
		return Sight{}, ErrLink
	case err != nil:
		return Sight{}, err
	}
	seen := Sight{Kind: LinkKey, Account: a.ID, Opened: true}
	if a.Kept.ForCodes() {
		seen.Kind = LinkCodes
	}
	seen.Issuer, seen.Label = v.label(a)
	switch {
	case a.shows(token, cookie, now):
		seen.Codes, seen.Until = a.Kept.Codes, a.Kept.Until
		return seen, nil
	case a.admits(token, cookie, now):
		seen.Opened, seen.Until = a.Pending.Cookie != "", a.Pending.Until
		return seen, nil
	case a.offers(token, now):
		seen.Opened, seen.Until = false, a.Kept.Until
		return seen, nil
	}
	v.forgetExpired(ctx, id)
	return Sight{}, ErrLink
}

// Open returns the pending key to the first browser that asks, and to the same browser
// again, for OpenTime. It returns ErrLink to other browsers, and ErrConfirmed to the browser
// that has confirmed. For a link of LinkCodes, the first browser gets an Enrolment without a
// key, and ErrConfirmed when it asks again.
//
// The cookie is the value of the caller's cookie, "" without one. The caller must set the
// cookie of the Enrolment. The first browser gets a fresh one, whatever cookie came with the
// request, because an attacker may have planted that (session fixation).
func (v *Verifier) Open(ctx context.Context, token, cookie string) (Enrolment, error) {
	return v.open(ctx, token, cookie, NewCookie())
}

// OpenOwn is Open for a cookie of NewCookie that the caller has just set, so that nobody
// can have planted it. The link is bound to that cookie. A form that is sent twice, or
// whose answer is lost, thus opens the link all the same.
func (v *Verifier) OpenOwn(ctx context.Context, token, cookie string) (Enrolment, error) {
	return v.open(ctx, token, cookie, cookie)
}

// open binds a link that no browser has opened to the fresh cookie.
func (v *Verifier) open(ctx context.Context, token, cookie, fresh string) (Enrolment, error) {
	id, err := v.findToken(ctx, token)
	if err != nil {
		return Enrolment{}, err
	}
	if ctx, err = v.begin(ctx); err != nil {
		return Enrolment{}, err
	}
	codes, stored := newRecovery(id)
	var e Enrolment
	var first bool
	err = v.edit(ctx, id, func(a Account, now time.Time) (_ Account, err error) {
		first = a.Pending.Cookie == ""
		switch {
		case a.shows(token, cookie, now):
			return a, ErrConfirmed
		case a.offers(token, now):
			a.renew(stored)
			a.Kept.Codes, a.Kept.Cookie, a.Kept.Until = codes, cookieHash(fresh), millisecond(now.Add(KeepTime))
			e = Enrolment{Until: a.Kept.Until, Account: id, Token: token, Cookie: fresh, Kind: LinkCodes}
			return a, nil
		case !a.admits(token, cookie, now):
			return a, ErrLink
		}
		bound := cookie
		if first {
			bound, a.Pending.Until = fresh, millisecond(now.Add(OpenTime))
		}
		a.Pending.Cookie = cookieHash(bound)
		e, err = v.enrolment(a, token, bound)
		return a, err
	})
	if err == nil && first {
		err = v.tell(ctx, opened(e)...)
	}
	if err != nil {
		return Enrolment{}, linkError(err)
	}
	return e, nil
}

// opened returns the events of a link's opening.
func opened(e Enrolment) []Event {
	events := []Event{{Kind: KindOpen, Account: e.Account}}
	if e.Kind == LinkCodes {
		events = append(events, Event{Kind: KindRecoveryCodes, Account: e.Account})
	}
	return events
}

// ConfirmByLink is Confirm for the browser that has opened the link; it returns ErrLink to
// others. It also returns the account. Peek then returns the recovery codes to this
// browser, for KeepTime. A code that this browser offers after the confirmation gets the
// confirmation's verdict again.
func (v *Verifier) ConfirmByLink(ctx context.Context, token, cookie, code string) (account string, verdict Verdict, err error) {
	account, err = v.findToken(ctx, token)
	if err != nil {
		return "", Verdict{}, err
	}
	verdict, _, err = v.confirm(ctx, account, code, confirmation{
		kept: Kept{Token: TokenHash(token), Cookie: cookieHash(cookie)},
		time: KeepTime, showsSecret: true,
		done: func(a Account, now time.Time) bool { return a.Kept.Verdict.Valid && a.shows(token, cookie, now) },
		may: func(a Account, now time.Time) bool {
			return a.Pending.Cookie != "" && a.admits(token, cookie, now)
		},
	})
	if err != nil {
		return "", Verdict{}, linkError(err)
	}
	return account, verdict, nil
}

// Acknowledge ends a link: its browser has kept the recovery codes.
func (v *Verifier) Acknowledge(ctx context.Context, token, cookie string) error {
	id, err := v.findToken(ctx, token)
	if err != nil {
		return err
	}
	return linkError(v.editing(ctx, KindAcknowledge, id, func(a Account, now time.Time) (Account, error) {
		if !a.shows(token, cookie, now) {
			return a, ErrLink
		}
		a.Kept = Kept{}
		return a, nil
	}))
}

// linkError returns ErrLink for an account that is gone or has nothing pending, so that a
// link does not tell which.
func linkError(err error) error {
	if errors.Is(err, ErrNoAccount) || errors.Is(err, ErrNotPending) {
		return ErrLink
	}
	return err
}

// findToken returns the ID of the account that has the link, or ErrLink.
func (v *Verifier) findToken(ctx context.Context, token string) (string, error) {
	id, err := ask(ctx, v.store, func(ctx context.Context, s Store) (string, error) { return s.FindToken(ctx, TokenHash(token)) })
	return id, linkError(err)
}

// admits reports whether the link shows this browser the pending key.
func (a Account) admits(token, cookie string, now time.Time) bool {
	p := a.Pending
	if a.State.Disabled || !p.lasts(now) || !sameHash(p.Token, TokenHash(token)) {
		return false
	}
	return p.Cookie == "" || sameHash(p.Cookie, cookieHash(cookie))
}

// shows reports whether the link shows this browser the recovery codes.
func (a Account) shows(token, cookie string, now time.Time) bool {
	k := a.Kept
	return !a.State.Disabled && k.Token != "" && k.lasts(now) &&
		sameHash(k.Token, TokenHash(token)) && sameHash(k.Cookie, cookieHash(cookie))
}

// offers reports whether the link gives new recovery codes to the first browser that opens
// it, and none has.
func (a Account) offers(token string, now time.Time) bool {
	k := a.Kept
	return !a.State.Disabled && k.ForCodes() && k.Cookie == "" && k.lasts(now) && sameHash(k.Token, TokenHash(token))
}

// ForCodes reports whether this is of a link for new recovery codes.
func (k Kept) ForCodes() bool { return k.Token != "" && !k.Verdict.Valid }

func sameHash(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
