// Package transfer decides what an import does with each account of the account files,
// and words the result for people and for programs.
//
// It is pure. It opens no file and no store: the caller shows it what is stored, and tells
// it what was stored in the end. Nothing that it words has a secret in it.
package transfer

import (
	"fmt"

	"totpctl/totp"
	"totpctl/totp/exchange"
	"totpctl/totp/verifier"
)

// An Action is what an import does with an account.
type Action string

// The actions.
const (
	Add       Action = "add"
	Replace   Action = "replace"
	Unchanged Action = "there already" // the same key is stored under the same name
	LeaveOut  Action = "leave out"
	Undone    Action = "undone" // an interrupt or an error came first
)

// An Item is an account of a file, and what becomes of it.
type Item struct {
	Place    string // such as "codes.txt, line 3"
	Name     string // of the stored account; where there is none, what the file calls it
	Action   Action
	Reason   string // why it is left out
	Entry    totp.Entry
	Recovery []string // recovery codes of the file, in the clear
	Notes    []string // what people should know of it
	given    string   // the name before a number made it another
	renamed  bool     // the file calls it otherwise
}

func (i *Item) note(format string, args ...any) {
	i.Notes = append(i.Notes, fmt.Sprintf(format, args...))
}

func (i *Item) leaveOut(reason string) { i.Action, i.Reason = LeaveOut, reason }

// A Plan is what an import does. Its items are in the order of the files; what could not be
// read of a file follows what could.
type Plan struct {
	Items   []Item
	byName  map[string]int // indices of the items that have a key
	byKey   map[keyID][]int
	twins   map[twinID]int
	rights  map[string]keyID // by name, the key of the account that has it in a file, unchanged
	met     map[keyID]bool   // keys whose items have been told of a stored account
	numbers map[string]int   // the last number that makeUnique gave, by name
}

// A twinID is the same for accounts that a file has twice.
type twinID struct {
	key   keyID
	given string
}

// A keyID is the same for keys that are equal.
type keyID struct {
	scheme totp.Scheme
	secret string
}

func idOf(k totp.Key) keyID { return keyID{k.Scheme(), k.Secret().Base32()} }

// New returns an empty plan.
func New() *Plan {
	return &Plan{byName: map[string]int{}, byKey: map[keyID][]int{}, twins: map[twinID]int{}, rights: map[string]keyID{}, met: map[keyID]bool{}, numbers: map[string]int{}}
}

// In returns the contents of a file with places that name the file, such as "codes.txt,
// line 3". It changes c.
func In(file string, c exchange.Contents) exchange.Contents {
	for n := range c.Accounts {
		c.Accounts[n].Place = place(file, c.Accounts[n].Place)
	}
	for n := range c.LeftOut {
		c.LeftOut[n].Place = place(file, c.LeftOut[n].Place)
	}
	return c
}

// Add takes the accounts of files into the plan, and what could not be read of them.
func (p *Plan) Add(c exchange.Contents) {
	items, errs := make([]Item, len(c.Accounts)), make([]error, len(c.Accounts))
	for n, a := range c.Accounts {
		items[n], errs[n] = p.newItem(a)
	}
	for n, i := range items {
		p.add(i, errs[n])
	}
	for _, l := range c.LeftOut {
		p.LeaveOut(l.Place, l.Name, l.Err)
	}
}

// LeaveOut notes in the plan what is left out and why, such as a whole file.
func (p *Plan) LeaveOut(place, name string, err error) {
	p.Items = append(p.Items, Item{Place: place, Name: name, Action: LeaveOut, Reason: err.Error()})
}

func place(file, within string) string {
	if within == "" {
		return file
	}
	return file + ", " + within
}

// newItem names an account of a file. It returns an error for what no account can be named.
func (p *Plan) newItem(a exchange.Account) (Item, error) {
	i := Item{Place: a.Place, Action: Add, Entry: a.Entry, Recovery: a.Recovery, Notes: a.Notes, renamed: a.Renamed}
	if err := i.setName(); err != nil {
		i.Name = displayName(a.Entry)
		return i, err
	}
	if _, twice := p.rights[i.Name]; !i.renamed && !twice {
		p.rights[i.Name] = idOf(i.Entry.Key)
	}
	return i, nil
}

func (p *Plan) add(i Item, err error) {
	if err != nil {
		p.LeaveOut(i.Place, i.Name, err)
		return
	}
	id := idOf(i.Entry.Key)
	if twin, twice := p.twins[twinID{id, i.given}]; twice {
		p.Items[twin].note("%s has it again", i.Place)
		return
	}
	if err := p.makeUnique(&i); err != nil {
		p.LeaveOut(i.Place, i.given, err)
		return
	}
	i.noteKey()
	i.fitRecovery()
	if same := p.byKey[id]; len(same) > 0 {
		i.note("its key is that of %s, too", totp.QuoteName(p.Items[same[0]].Name))
	}
	p.byName[i.Name], p.twins[twinID{id, i.given}] = len(p.Items), len(p.Items)
	p.byKey[id] = append(p.byKey[id], len(p.Items))
	p.Items = append(p.Items, i)
}

// makeUnique numbers a name that another item has. The account is not left out for its
// name, because the file may be all that its owner has of it.
func (p *Plan) makeUnique(i *Item) (err error) {
	account := i.Entry.Account
	for p.taken(i) {
		p.numbers[i.given]++
		i.renamed = true
		i.Entry.Account = fmt.Sprintf("%s (%d)", account, p.numbers[i.given]+1)
		if i.Name, err = verifier.StoredName(i.Entry); err != nil {
			return fmt.Errorf("another account of the files has its name, and with a number %w", err)
		}
	}
	if i.Name != i.given {
		i.note("another account of the files has the name %s", totp.QuoteName(i.given))
	}
	return nil
}

// taken reports whether an item may not have its name. A name that was changed gives way to
// the account that the files call so, also where that comes later. Users of an application
// may choose their names there, and could choose one that becomes the name of somebody else.
func (p *Plan) taken(i *Item) bool {
	_, taken := p.byName[i.Name]
	owner, right := p.rights[i.Name]
	return taken || i.renamed && right && owner != idOf(i.Entry.Key)
}

func (i *Item) noteKey() {
	if bits := i.Entry.Key.Secret().Bits(); bits < totp.MinSecretBits {
		i.note("its secret has %d bits: RFC 4226 asks for %d at least", bits, totp.MinSecretBits)
	}
	if i.Entry.Key.Scheme().Steam {
		i.note("no verifier takes codes of Steam")
	}
}

// Rename gives the plan's only account another name to be stored under. It returns an error
// for a name that verifier.ParseNewAccount refuses, and if there is not one account.
func (p *Plan) Rename(name string) error {
	if _, err := verifier.ParseNewAccount(name); err != nil {
		return err
	}
	if len(p.byName) != 1 {
		return fmt.Errorf("it names one account, and there are %d", len(p.byName))
	}
	for old, n := range p.byName {
		p.Items[n].Name, p.Items[n].renamed = name, false
		delete(p.byName, old)
		p.byName[name] = n
	}
	return nil
}

// Meet tells the plan of a stored account. A key that another account has is told of, because
// a code of it is good once for each. One such account is named of many.
func (p *Plan) Meet(s verifier.StoredEntry) {
	if s.Entry.Key.IsZero() {
		return
	}
	if n, planned := p.byName[s.Name]; planned && p.Items[n].Entry.Key.Equal(s.Entry.Key) {
		return // the plan has told of both
	}
	id := idOf(s.Entry.Key)
	if p.met[id] {
		return
	}
	for _, n := range p.byKey[id] {
		p.Items[n].note("its key is stored as %s, too", totp.QuoteName(s.Name))
		p.met[id] = true
	}
}

// MeetDefault tells the plan of the default account. An account of the same names and the
// same key is that account, as an export has written it.
func (p *Plan) MeetDefault(e totp.Entry) {
	for _, n := range p.byKey[idOf(e.Key)] {
		i := &p.Items[n]
		if i.Entry.Issuer == e.Issuer && i.Entry.Account == e.Account {
			i.Action = Unchanged
			i.note("it is the default account")
		} else {
			i.note("its key is the default account's, too")
		}
	}
}
