package pages

// Why nobody was let in on the page Recover.
const (
	NotRecovered = "recover.refused"
	RecoverBusy  = "recover.busy"
)

// Recover is the form on which a recovery code begins a new enrolment.
type Recover struct {
	Account string // as it was typed, or as the application has filled it in
	Why     string // key of why the last attempt has failed; "" for none
}

func (Recover) template() string { return "recover.html" }
