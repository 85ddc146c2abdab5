package pages

import (
	"strings"
	"time"
	"unicode"
)

// Enrol is what an enrolment link shows first: a button. Its form repeats the value of the
// cookie. Another site can send a form or plant a cookie, but does not know a value that
// our page has set.
type Enrol struct {
	Issuer, Cookie string
	Codes          bool // the link gives new recovery codes, and no key
}

func (Enrol) template() string { return "enrol.html" }

// Recovery is the page with the recovery codes.
type Recovery struct {
	Issuer, Account string
	Codes           [][]string // in groups; see Groups
	Renewed         bool       // by a link that gives them alone: there was no code
	Left            int        // seconds that the page can be shown again
	Now             time.Time
	Address         string // of the server, as people reach it
}

func (Recovery) template() string { return "recovery.html" }

// File returns the name for a file of the codes.
func (p Recovery) File() string {
	names := strings.Trim(fileName(p.Issuer)+"-"+fileName(p.Account), "-")
	return strings.TrimPrefix(names+"-recovery-codes.txt", "-")
}

// maxFileName is in letters, and leaves room for a second name and the rest.
const maxFileName = 40

// fileName returns a name without what file systems forbid.
func fileName(name string) string {
	safe := []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._@", r) {
			return r
		}
		return '-'
	}, name))
	return strings.Trim(string(safe[:min(len(safe), maxFileName)]), "-.")
}

// Groups returns recovery codes as Recovery has them.
func Groups(codes []string) (grouped [][]string) {
	for _, code := range codes {
		grouped = append(grouped, groups(code))
	}
	return grouped
}

// Done is the end of every link.
type Done struct {
	Setup bool // it was the set-up link
	Codes bool // it gave new recovery codes, and no key
}

func (Done) template() string { return "done.html" }

// Ended is the page of every link that is not good.
type Ended struct {
	Button bool // lets a browser send the cookie that it withheld
	Mine   bool // this browser has opened the link before
}

func (Ended) template() string { return "ended.html" }

// Title returns the key of the title.
func (p Ended) Title() string {
	if p.Mine {
		return "ended.mine"
	}
	return "ended.title"
}
