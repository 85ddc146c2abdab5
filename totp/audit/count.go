package audit

import (
	"cmp"
	"slices"

	"totpctl/totp/verifier"
)

// maxCounted bounds the lines of a second, and the memory until they are written.
const maxCounted = 1000

// moreAccounts is the reason of what is counted beyond maxCounted.
const moreAccounts = "more_accounts"

// counts has the events that are counted until their lines are written.
type counts map[countKey]*line

// A countKey is what the events of a line have in common.
type countKey struct {
	kind              verifier.EventKind
	account           string
	why               string // a reason or a refusal
	by                string // who was refused; verdicts on an account share a line, whoever asks
	recovery, refused bool
}

func (c counts) add(e verifier.Event) {
	key := countKey{kind: e.Kind, account: e.Account, why: string(e.Verdict.Reason), recovery: e.Recovery}
	if e.Refusal != "" {
		key = countKey{kind: e.Kind, why: string(e.Refusal), by: e.Origin.By, refused: true}
	}
	l := c[key]
	if l == nil && len(c) >= maxCounted {
		key = countKey{kind: e.Kind, why: moreAccounts, refused: true}
		l = c[key]
	}
	if l == nil {
		first := lineOf(e)
		if l = &first; key.why == moreAccounts {
			*l = line{Time: first.Time, Event: first.Event, Reason: moreAccounts}
		}
		c[key] = l
	}
	l.Count++
}

// lines returns the lines in the order of their times.
func (c counts) lines() (text []byte, events int) {
	var all []*line
	for _, l := range c {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *line) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Reason, b.Reason))
	})
	for _, l := range all {
		text, events = l.appendTo(text), events+l.Count
	}
	return text, events
}
