package pages

import "totpctl/totp/verifier"

// Why somebody was not signed in.
const (
	WrongKey       = "sign-in.wrong-key"  // no ADMIN_BEARER
	NoAdminAccount = "sign-in.no-account" // ADMIN_ACCOUNT names no account
	TooManyTries   = "sign-in.wait"       // with Wait
)

// WrongCode returns why a code of ADMIN_ACCOUNT has signed nobody in.
func WrongCode(r verifier.Reason) string {
	switch r {
	case verifier.ReasonReplayed:
		return "sign-in.code.replayed"
	case verifier.ReasonMalformed:
		return "sign-in.code.malformed"
	case verifier.ReasonThrottled:
		return "sign-in.code.throttled"
	case verifier.ReasonPending, verifier.ReasonStopped, verifier.ReasonDisabled:
		return "sign-in.code.none"
	}
	return "sign-in.code.invalid"
}

// Why an administrator's page is not there, or nothing was changed.
const (
	NoAccount       = "admin.no-account"
	NoAdminPage     = "admin.no-page"
	NoLinks         = "admin.no-links"
	NoEncryptionKey = "admin.no-encryption-key"
	SteamKey        = "admin.steam"
	NotConfirmed    = "admin.not-confirmed"
	KeyPending      = "admin.key-pending"
)

// SignIn is the form on which an administrator signs in.
type SignIn struct {
	Next       string // where a sign-in leads, relative to "/"
	Why        string // key of why the last attempt has failed; "" for none
	Wait       int    // seconds before the next attempt
	WithCode   bool   // the form asks for a code of ADMIN_ACCOUNT
	Off        bool   // nobody can sign in: there is no ADMIN_BEARER
	Out        bool   // somebody has just signed out
	InTheClear bool   // whoever is on the network reads what the form sends
}

func (SignIn) template() string { return "sign-in.html" }

// AdminProblem says why an administrator's page is not there.
type AdminProblem struct {
	Why string // key
}

func (AdminProblem) template() string { return "admin-problem.html" }
