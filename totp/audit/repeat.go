package audit

import (
	"slices"

	"totpctl/totp/verifier"
)

// A repeat is a good verdict that was given again. An account remembers one of a kind, so
// that all of a second are the same.
type repeat struct {
	kind    verifier.EventKind
	account string
}

// freeTold returns the events, of which those are free that repeat a verdict of which a line
// of this second tells. It leaves the caller's as they are: other witnesses read them.
func (l *Log) freeTold(events []verifier.Event) []verifier.Event {
	if !slices.ContainsFunc(events, func(e verifier.Event) bool { return e.Verdict.Repeated }) {
		return events
	}
	events = slices.Clone(events)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range events {
		events[i].Free = e.Free || e.Verdict.Repeated && l.repeats[repeat{e.Kind, e.Account}]
	}
	return events
}

// remember notes the verdicts that were repeated and whose lines are written. Whoever has one
// good code may ask for its verdict again, as often as he likes.
func (l *Log) remember(events []verifier.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		if !e.Verdict.Repeated || e.Free || len(l.repeats) >= maxCounted {
			continue
		}
		if l.repeats == nil {
			l.repeats = map[repeat]bool{}
		}
		l.repeats[repeat{e.Kind, e.Account}] = true
		l.rouse() // which arms the timer that ends the second
	}
}
