package transfer

import (
	"fmt"
	"strings"
	"time"

	"totpctl/totp"
)

// A Report is a plan for programs.
type Report struct {
	Added     []string `json:"added"`
	Replaced  []string `json:"replaced"`
	Unchanged []string `json:"unchanged"` // the same key was stored under the same name
	LeftOut   []Left   `json:"left_out"`
	Undone    int      `json:"undone,omitzero"` // how many an interrupt or an error has left
	Warnings  []Note   `json:"warnings"`
	DryRun    bool     `json:"dry_run,omitzero"` // nothing was stored
}

// Left is an account that is left out.
type Left struct {
	Place  string `json:"place,omitempty"` // "" for a stored account
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// String is for a line of its own.
func (l Left) String() string {
	switch {
	case l.Name == "":
		return l.Place + ": left out: " + l.Reason
	case l.Place == "":
		return fmt.Sprintf("%s is left out: %s", totp.QuoteName(l.Name), l.Reason)
	}
	return fmt.Sprintf("%s: %s is left out: %s", l.Place, totp.QuoteName(l.Name), l.Reason)
}

// A Note is what people should know of an account that is taken.
type Note struct {
	Place   string `json:"place"`
	Name    string `json:"name"`
	Warning string `json:"warning"`
}

// Report returns the plan as a report. Its lists are not nil.
func (p *Plan) Report() Report {
	r := Report{Added: []string{}, Replaced: []string{}, Unchanged: []string{}, LeftOut: []Left{}, Warnings: []Note{}}
	for _, i := range p.Items {
		switch i.Action {
		case Add:
			r.Added = append(r.Added, i.Name)
		case Replace:
			r.Replaced = append(r.Replaced, i.Name)
		case Unchanged:
			r.Unchanged = append(r.Unchanged, i.Name)
		case LeaveOut:
			r.LeftOut = append(r.LeftOut, Left{i.Place, i.Name, i.Reason})
			continue
		case Undone:
			r.Undone++
			continue
		}
		for _, note := range i.Notes {
			r.Warnings = append(r.Warnings, Note{i.Place, i.Name, note})
		}
	}
	return r
}

// Count returns how many items have the action.
func (p *Plan) Count(a Action) (n int) {
	for _, i := range p.Items {
		if i.Action == a {
			n++
		}
	}
	return n
}

// Stored returns how many items are stored under their names.
func (p *Plan) Stored() int { return p.Count(Add) + p.Count(Replace) + p.Count(Unchanged) }

// Summary says in a line what the plan does, or has done: "3 added, 1 left out".
func (p *Plan) Summary() string {
	var parts []string
	for _, c := range []struct {
		action Action
		word   string
	}{{Add, "added"}, {Replace, "replaced"}, {Unchanged, "there already"}, {LeaveOut, "left out"}, {Undone, "not stored"}} {
		if n := p.Count(c.action); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.word))
		}
	}
	return strings.Join(parts, ", ")
}

// Codes says how the item's codes are made where that is not as usual, else "-".
func (i Item) Codes() string {
	s, usual := i.Entry.Key.Scheme(), totp.DefaultScheme()
	if s.Steam {
		return "Steam"
	}
	var parts []string
	if s.Algorithm != usual.Algorithm {
		parts = append(parts, s.Algorithm.String())
	}
	if s.Digits != usual.Digits {
		parts = append(parts, fmt.Sprintf("%d digits", s.Digits))
	}
	if s.Period != usual.Period {
		parts = append(parts, fmt.Sprintf("%d s", s.Period/time.Second))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}
