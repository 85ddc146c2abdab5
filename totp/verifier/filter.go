package verifier

import (
	"fmt"
	"slices"
	"strings"

	"totpctl/totp"
)

// A Filter picks accounts by their Status: its text is a Status, or a group of them. The
// empty Filter picks all.
type Filter string

// The groups.
const (
	FilterHeld         Filter = "held"              // waiting, stopped or disabled: codes are not evaluated
	FilterUnconfirmed  Filter = "not_set_up"        // pending or expired
	FilterRecoveryless Filter = "no_recovery_codes" // has a live key, and no recovery code that is unused
)

// Filters are all but the empty one.
func Filters() []Filter {
	all := []Filter{FilterHeld, FilterUnconfirmed, FilterRecoveryless}
	for _, s := range []Status{StatusActive, StatusWaiting, StatusPending, StatusExpired, StatusStopped, StatusDisabled, StatusDamaged} {
		all = append(all, Filter(s))
	}
	return all
}

// ParseFilter reads one of Filters. The error lists them.
func ParseFilter(text string) (Filter, error) {
	all := Filters()
	if slices.Contains(all, Filter(text)) {
		return Filter(text), nil
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = string(f)
	}
	return "", fmt.Errorf("want one of %s", strings.Join(names, ", "))
}

// CheckPrefix returns an error for a text that no name begins with. The empty prefix, with which
// all names begin, is none.
func CheckPrefix(prefix string) error {
	if strings.Trim(prefix, " ") == "" {
		return nil // spaces begin no name, and find none
	}
	_, err := totp.ParseName(strings.TrimRight(prefix, " ")) // which may go on after the space
	if err != nil {
		err = fmt.Errorf("it %w", err)
	}
	return err
}

// among returns the smallest index that has all accounts which the filter picks.
func (f Filter) among() Among {
	switch f {
	case FilterHeld, Filter(StatusWaiting), Filter(StatusStopped), Filter(StatusDisabled):
		return AmongHeld
	case FilterUnconfirmed, Filter(StatusPending), Filter(StatusExpired):
		return AmongUnconfirmed
	case FilterRecoveryless:
		return AmongRecoveryless
	}
	return AmongAll
}

// matches reports whether the filter picks the account.
func (f Filter) matches(i Info) bool {
	switch f {
	case "":
		return true
	case FilterHeld:
		return i.Status == StatusWaiting || i.Status == StatusStopped || i.Status == StatusDisabled
	case FilterUnconfirmed:
		return i.Status == StatusPending || i.Status == StatusExpired
	case FilterRecoveryless:
		return i.Name != "" && i.Confirmed && i.RecoveryLeft == 0
	}
	return i.Status == Status(f)
}
