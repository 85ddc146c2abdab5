package audit

import (
	"slices"

	"totpctl/totp/verifier"
)

// A repeat names a good verdict that was given again. An account remembers one verdict of
// each kind, so that no more is needed to tell those of a second apart.
type repeat struct {
	kind    verifier.EventKind
	account string
}

// freeTold sets Free of each event that repeats a verdict which a line of this second has
// told already. It returns a copy, because other witnesses read the caller's events.
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

// remember notes the repeated verdicts whose lines are written. Whoever has one good code
// could otherwise fill the disk, by asking for its verdict again and again.
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
