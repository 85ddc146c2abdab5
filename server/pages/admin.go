package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"time"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// Accounts is the administrator's list.
type Accounts struct {
	Prefix string
	Filter verifier.Filter // "" or one of the groups
	Rows   []Row
	Next   string   // where the next page begins; "" on the last
	From   string   // where this page begins; "" on the first
	Done   *Outcome // of the change that led here; nil without one
}

func (Accounts) template() string { return "admin.html" }

// holdsNoSecret reports whether no enrolment link is on the page.
func (p Accounts) holdsNoSecret() bool { return p.Done == nil || p.Done.Link == "" }

// A Row is an account in the list.
type Row struct {
	Account
	List template.URL // query of the list, to which some actions return
}

// ActionWord returns the key of what the button shows: the row names the account.
func (r Row) ActionWord() string {
	return map[string]string{"unlock": "admin.do.unlock", "enable": "admin.do.enable", "link": "admin.do.link", "codes": "admin.do.codes.short"}[r.Action()]
}

// ActionText returns the key of what a screen reader calls the button.
func (r Row) ActionText() string {
	return map[string]string{"unlock": "admin.act.unlock", "enable": "admin.act.enable", "link": "admin.act.link", "codes": "admin.act.codes"}[r.Action()]
}

// A Choice is a filter that the list offers.
type Choice struct {
	Filter  verifier.Filter
	Key     string // of its text
	Query   template.URL
	Current bool
}

// Choices are the filters.
func (p Accounts) Choices() (all []Choice) {
	for _, c := range []Choice{{Key: "admin.filter.all"}, {Filter: verifier.FilterHeld, Key: "admin.filter.held"},
		{Filter: verifier.FilterUnconfirmed, Key: "admin.filter.not-set-up"}, {Filter: verifier.FilterRecoveryless, Key: "admin.filter.no-codes"}} {
		c.Query, c.Current = listQuery(p.Prefix, c.Filter, ""), c.Filter == p.Filter
		all = append(all, c)
	}
	return all
}

// FilterText returns the key of the filter's text, "" without one.
func (p Accounts) FilterText() string {
	for _, c := range p.Choices() {
		if c.Current && c.Filter != "" {
			return c.Key
		}
	}
	return ""
}

// Query returns the query of this page.
func (p Accounts) Query() template.URL { return listQuery(p.Prefix, p.Filter, p.From) }

// Values returns the parameters of Query.
func (p Accounts) Values() url.Values { return listValues(p.Prefix, p.Filter, p.From) }

// NextQuery returns the query of the next page.
func (p Accounts) NextQuery() template.URL { return listQuery(p.Prefix, p.Filter, p.Next) }

func listQuery(prefix string, filter verifier.Filter, from string) template.URL {
	return template.URL("?" + listValues(prefix, filter, from).Encode())
}

func listValues(prefix string, filter verifier.Filter, from string) url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"prefix": prefix, "status": string(filter), "from": from} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// An Account is what pages tell of one.
type Account struct {
	verifier.Info
	Now   time.Time
	Links bool // links are made: people reach the server by https, or on loopback
}

// IsDefault reports whether the account is the default one, which has no name.
func (a Account) IsDefault() bool { return a.Name == "" }

// Query returns the query of the account's page.
func (a Account) Query() template.URL {
	if a.IsDefault() {
		return ""
	}
	return template.URL("?" + url.Values{"name": {a.Name}}.Encode())
}

// State returns the key of what the list says of the account.
func (a Account) State() string {
	if a.Status == verifier.StatusPending && a.Opened {
		return "admin.status.opened"
	}
	return map[verifier.Status]string{
		verifier.StatusActive:   "admin.status.active",
		verifier.StatusWaiting:  "admin.status.waiting",
		verifier.StatusPending:  "admin.status.unopened",
		verifier.StatusExpired:  "admin.status.expired",
		verifier.StatusStopped:  "admin.status.stopped",
		verifier.StatusDisabled: "admin.status.disabled",
		verifier.StatusDamaged:  "admin.status.damaged",
	}[a.Status]
}

// Words returns the key of what the account's page says of its status.
func (a Account) Words() string { return a.State() + ".words" }

// Tone returns the class of the status.
func (a Account) Tone() string {
	switch a.Status {
	case verifier.StatusActive:
		return "good"
	case verifier.StatusWaiting, verifier.StatusPending, verifier.StatusExpired:
		return "plain"
	}
	return "bad"
}

// Wait returns how many seconds no code is looked at.
func (a Account) Wait() int {
	until := a.WaitUntil
	if until.IsZero() {
		until = a.PendingWaitUntil
	}
	return a.secondsTo(until)
}

// secondsTo returns how many seconds are left until a time, 0 after it and for the zero time.
func (a Account) secondsTo(t time.Time) int { return max(0, api.Seconds(t.Sub(a.Now))) }

// PendingLeft returns how many seconds the link still works.
func (a Account) PendingLeft() int { return a.secondsTo(a.PendingUntil) }

// IsPending reports whether a key waits for its first code.
func (a Account) IsPending() bool { return a.PendingLeft() > 0 }

// Action returns the one action that the account's state calls for in the list.
func (a Account) Action() string {
	switch {
	case a.Status == verifier.StatusWaiting, a.Status == verifier.StatusStopped && a.Confirmed:
		return "unlock"
	case a.Status == verifier.StatusDisabled:
		return "enable"
	case a.IsDefault(), a.Status == verifier.StatusDamaged, !a.Links:
		return ""
	case a.Status == verifier.StatusPending, a.Status == verifier.StatusExpired, a.Status == verifier.StatusStopped:
		return "link"
	case a.RecoveryLeft == 0 && a.CanRenew() && a.CodesLeft() == 0:
		return "codes"
	}
	return ""
}

// CodesLeft returns how many seconds a link for new recovery codes still works.
func (a Account) CodesLeft() int { return a.secondsTo(a.CodesUntil) }

// CanRenew reports whether a link for new recovery codes can be made: a new key's first code
// gives them anyway.
func (a Account) CanRenew() bool {
	return a.Links && !a.IsDefault() && (a.Confirmed || a.RecoveryLeft > 0) && !a.IsPending()
}

// CanUnlock reports whether Unlock changes anything.
func (a Account) CanUnlock() bool {
	return a.Failures > 0 || a.PendingFailures > 0 || !a.RefusedUntil.IsZero() || a.Status == verifier.StatusDisabled
}

// Held reports whether no code is looked at until the wait is over or the account is unlocked.
func (a Account) Held() bool {
	return a.Wait() > 0 || a.Status == verifier.StatusStopped || a.Status == verifier.StatusDisabled || !a.RefusedUntil.IsZero()
}

// AccountPage is the page of one account.
type AccountPage struct {
	Account
	Done *Outcome // of the change that led here; nil without one
}

func (AccountPage) template() string { return "admin-account.html" }

// An Outcome tells what an administrator has just done, or what came of it.
type Outcome struct {
	Key     string // of the text
	Name    string // of the account, "" for the default one
	Bad     bool
	Wait    int    // seconds, with some keys
	N       int    // what is counted, with some keys
	Link    string // for the owner; "" without one
	ForCode bool   // the link is for new recovery codes
	Until   time.Time
}

// Confirm asks before a change that is not undone by a click.
type Confirm struct {
	Account
	Action string // "remove", "disable" or "revoke"
	Typed  bool   // a name was typed that is not the account's
}

func (Confirm) template() string { return "admin-confirm.html" }

// Heading returns the key of the question.
func (p Confirm) Heading() string {
	return map[string]string{"remove": "admin.confirm.remove", "disable": "admin.confirm.disable", "revoke": "admin.confirm.revoke"}[p.Action]
}

// What returns the key of what the change does.
func (p Confirm) What() string {
	return map[string]string{"remove": "admin.do.remove.what", "disable": "admin.do.disable.what", "revoke": "admin.do.revoke.what"}[p.Action]
}

// Button returns the key of the button.
func (p Confirm) Button() string {
	return map[string]string{"remove": "admin.act.remove", "disable": "admin.act.disable", "revoke": "admin.act.revoke"}[p.Action]
}

// Add is the page that adds accounts.
type Add struct {
	Name    string // that could not be added
	Problem string // key; "" for none
	Many    string // key of why several could not be added; "" for none
	Names   string // as they were typed
	Links   bool
}

func (Add) template() string { return "admin-add.html" }

// What an administrator has done; see Outcome.
const (
	DoneAdd     = "admin.done.add"
	DoneUnlock  = "admin.done.unlock"
	DoneEnable  = "admin.done.enable"
	DoneDisable = "admin.done.disable"
	DoneLink    = "admin.done.link"
	DoneRekey   = "admin.done.rekey"
	DoneRevoke  = "admin.done.revoke"
	DoneRemove  = "admin.done.remove"
	DoneCodes   = "admin.done.codes"
)

// Why accounts were not added.
const (
	NameTaken    = "admin.add.taken"
	NameBad      = "admin.add.bad"
	NoNames      = "admin.add.none"
	TooManyNames = "admin.add.too-many"
)

// Checked returns the key of what is said of a caller's code.
func Checked(v verifier.Verdict) string {
	switch {
	case v.Valid && v.Recovery:
		return "admin.checked.recovery"
	case v.Valid:
		return "admin.checked.good"
	}
	return cmp.Or(map[verifier.Reason]string{
		verifier.ReasonThrottled: "admin.checked.throttled",
		verifier.ReasonReplayed:  "admin.checked.replayed",
		verifier.ReasonMalformed: "admin.checked.malformed",
		verifier.ReasonPending:   "admin.checked.pending",
		verifier.ReasonStopped:   "admin.checked.stopped",
		verifier.ReasonDisabled:  "admin.checked.disabled",
	}[v.Reason], "admin.checked.bad")
}

// ago returns how long ago something was. A zero time was never.
func (c catalogue) ago(now, at time.Time) (template.HTML, error) {
	key, n := "ago.days", int(now.Sub(at)/(24*time.Hour))
	switch passed := now.Sub(at); {
	case at.IsZero():
		return c.text("ago.never")
	case passed < time.Minute: // also a little ahead: the clock of another server, or of the phone
		return c.timeOf(at, "ago.now")
	case passed < time.Hour:
		key, n = "ago.minutes", int(passed/time.Minute)
	case passed < 48*time.Hour:
		key, n = "ago.hours", int(passed/time.Hour)
	}
	return c.timeOf(at, key, "n", n)
}

// moment returns a date and time that is the same in every language. Scripts put it into the
// browser's time zone.
func moment(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(t.Format(`<time class="moment" dir="ltr" datetime="2006-01-02T15:04:05Z">2006-01-02 15:04 UTC</time>`))
}

func (c catalogue) timeOf(at time.Time, key string, values ...any) (template.HTML, error) {
	words, err := c.text(key, values...)
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, at.UTC().Format(time.RFC3339), words)), err
}

// counted is duration, which a script counts down. A live region that it stands in is not
// announced again each second.
func (c catalogue) counted(seconds int) (template.HTML, error) {
	words, err := c.duration(seconds)
	return template.HTML(fmt.Sprintf(`<span class="left" aria-live="off" data-left="%d">%s</span>`, seconds, words)), err
}

// long returns a number of seconds in the largest unit that fits, rounded to it.
func (c catalogue) long(seconds int) (template.HTML, error) {
	switch {
	case seconds >= 2*24*3600:
		return c.text("time.days", "n", (seconds+12*3600)/(24*3600))
	case seconds >= 2*3600:
		return c.text("time.hours", "n", (seconds+1800)/3600)
	}
	return c.duration(seconds)
}
