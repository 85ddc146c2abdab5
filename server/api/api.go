// Package api is what crosses the wire between a totpctl server and its clients:
// each JSON body as one type, the rules of reading it, and the limits. It also has the
// words in which the command line and the web pages tell a verdict (words.go).
//
// Package server writes these types, package client reads them, and the command
// line prints them. A member that is left out means "not told", never a default.
// Bodies are read strictly: what two readers of one text may read differently is
// refused.
package api

import (
	"net/url"
	"time"

	"totpctl/totp/qrcode"
	"totpctl/totp/verifier"
)

// MaxBody is how many bytes the body of a request may have.
const MaxBody = 4 << 10

// The length of an Idempotency-Key in bytes; a UUID has 36. A shorter one is likely
// to be used twice, such as the id of a session, and would make a used code good
// again.
const (
	MinIdempotencyKey = 16
	MaxIdempotencyKey = 255
)

// How many accounts a Page has: if the request does not say, and at most.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// An Error is the answer to a request that failed.
type Error struct {
	Error string `json:"error"` // for people
	Code  string `json:"code"`  // for programs, such as "no_account"; it never changes its meaning
}

// An Account is what may be told of an account.
type Account struct {
	Account       string          `json:"account,omitempty"` // "" is the default account
	Default       bool            `json:"default,omitempty"`
	Status        verifier.Status `json:"status"`
	Created       time.Time       `json:"created,omitzero"`          // zero of the default account
	Failures      int             `json:"failures"`                  // wrong codes in a row
	Failures30    int             `json:"failures_30_days"`          // wrong codes in 30 days, which a good one does not clear
	Recovery30    int             `json:"recovery_failures_30_days"` // wrong recovery codes in 30 days, counted up to 999
	WaitUntil     *time.Time      `json:"wait_until,omitempty"`
	PendingUntil  *time.Time      `json:"pending_until,omitempty"`
	LinkOpened    *bool           `json:"link_opened,omitempty"`         // of the pending key; left out if none is pending
	PendingFails  int             `json:"pending_failures,omitempty"`    // wrong codes in a row for the pending key
	RekeyedAt     *time.Time      `json:"rekeyed_at,omitempty"`          // when a recovery code gave the account its key, for 7 days
	CodesUntil    *time.Time      `json:"recovery_link_until,omitempty"` // of a link for new recovery codes
	CodesOpened   *bool           `json:"recovery_link_opened,omitempty"`
	PendingWait   *time.Time      `json:"pending_wait_until,omitempty"`
	RecoveryCodes int             `json:"recovery_codes_left"`
	RefusedUntil  *time.Time      `json:"codes_refused_until,omitempty"` // because one was accepted while the clock was ahead
}

// An AccountStatus is what a bearer that may check codes is told of an account.
type AccountStatus struct {
	Status verifier.Status `json:"status"`
}

// An ActiveAccount is an account that was made with a secret which the request has brought.
// It has no secret.
type ActiveAccount struct {
	Account
	Warnings []string `json:"warnings,omitempty"` // of the secret, for people
}

// AccountOf returns what is told of an account.
func AccountOf(i verifier.Info) Account {
	a := Account{
		Account: i.Name, Default: i.Name == "", Status: i.Status, Created: i.Created,
		Failures: i.Failures, Failures30: i.Recent.Failures, WaitUntil: optional(i.WaitUntil), RefusedUntil: optional(i.RefusedUntil),
		PendingUntil: optional(i.PendingUntil), PendingFails: i.PendingFailures, PendingWait: optional(i.PendingWaitUntil),
		RecoveryCodes: i.RecoveryLeft, Recovery30: i.RecentRecovery.Failures, CodesUntil: optional(i.CodesUntil), RekeyedAt: optional(i.RekeyedAt),
	}
	if a.CodesUntil != nil {
		a.CodesOpened = &i.CodesOpened
	}
	if a.PendingUntil != nil {
		a.LinkOpened = &i.Opened
	}
	return a
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// A Page is a part of the list of accounts.
type Page struct {
	Accounts []Account `json:"accounts"`
	Next     string    `json:"next,omitempty"` // the account that the next page is from; "" on the last
}

// RecoveryCodes are fresh ones: those of before are void.
type RecoveryCodes struct {
	Codes []string `json:"recovery_codes"`
}

// An Enrolment is what the owner of a pending key needs. It is the one body that
// holds a secret.
type Enrolment struct {
	Account      string    `json:"account"`
	URI          string    `json:"uri"`              // otpauth, as authenticators read it
	QR           string    `json:"qr_svg,omitempty"` // of the URI; left out if the names are too long for a QR code
	PendingUntil time.Time `json:"pending_until"`
	EnrolURL     string    `json:"enrol_url,omitempty"` // the page for the owner; left out unless the server is reached by https or on loopback
}

// A RecoveryLink is what an administrator hands over, so that the owner of an account gets
// new recovery codes.
type RecoveryLink struct {
	Account string    `json:"account"`
	URL     string    `json:"recovery_url"` // shows the codes to the first browser that opens it
	Until   time.Time `json:"open_until"`
}

// RecoveryLinkOf returns a link at the public URL. Its URL is "" unless HasLinks.
func RecoveryLinkOf(l verifier.CodesLink, public *url.URL) RecoveryLink {
	return RecoveryLink{l.Account, EnrolLink(public, l.Token), l.Until}
}

// HasLinks reports whether links for people may be made: they reach the server by https or
// on loopback, because what a link shows must not cross a network in the clear.
func HasLinks(public *url.URL) bool {
	return public.Scheme == "https" || Loopback(public.Hostname())
}

// QRTitle is what a screen reader says of a QR code.
const QRTitle = "QR code for an authenticator app"

// EnrolmentOf returns what the owner of a pending key needs. People reach the server
// at the public URL.
func EnrolmentOf(e verifier.Enrolment, public *url.URL) Enrolment {
	svg, err := qrcode.SVG(e.Entry.URI(), QRTitle)
	if err != nil { // the names are too long: the URI serves
		svg = ""
	}
	return Enrolment{e.Account, e.Entry.URI(), svg, e.Until, EnrolLink(public, e.Token)}
}

// EnrolLink returns the link that an administrator sends to the owner of a pending
// key. It is "", and there is none, unless people reach the server by https or on loopback: the
// secret that the page shows must not cross a network in the clear.
func EnrolLink(public *url.URL, token string) string {
	if !HasLinks(public) {
		return ""
	}
	return public.JoinPath("enrol", token).String()
}
