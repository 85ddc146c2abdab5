package pages

// Refused says why there is no page, and how to get in.
type Refused struct {
	Unavailable bool    // there is no store, or no audit log
	OtherSite   bool    // the form came from another site
	Ended       bool    // the set-up link has ended: a code was accepted
	Late        bool    // the set-up link has ended: its hour is over
	Admin       bool    // ADMIN_BEARER is set
	SignIn      *SignIn // the form to sign in on; nil without one
}

func (Refused) template() string { return "refused.html" }

// Title returns the key of the title.
func (p Refused) Title() string {
	switch {
	case p.Unavailable:
		return "unavailable.heading"
	case p.OtherSite:
		return "other-site.title"
	case p.Ended, p.Late:
		return "refused.title.ended"
	}
	return "refused.title"
}
