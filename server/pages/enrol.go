package pages

// Enrol is what an enrolment link shows first: a button. Its form repeats the value of the
// cookie. Another site can send a form or plant a cookie, but does not know a value that
// our page has set.
type Enrol struct{ Issuer, Cookie string }

func (Enrol) template() string { return "enrol.html" }

// Recovery is the page with the recovery codes.
type Recovery struct {
	Issuer, Account string
	Codes           [][]string // in groups; see Groups
	Left            int        // seconds that the page can be shown again
}

func (Recovery) template() string { return "recovery.html" }

// Groups returns recovery codes as Recovery has them.
func Groups(codes []string) (grouped [][]string) {
	for _, code := range codes {
		grouped = append(grouped, groups(code))
	}
	return grouped
}

// Done is the end of every enrolment link.
type Done struct{}

func (Done) template() string { return "done.html" }

// Ended is the page of every link that is not good.
type Ended struct {
	Button bool // lets a browser send the cookie that it withheld
}

func (Ended) template() string { return "ended.html" }
