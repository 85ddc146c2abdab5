//go:build linux

package audit_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"totpctl/totp/audit"
	"totpctl/totp/verifier"
)

// warned returns the messages of the warnings about events, a line each.
func warned(t *testing.T, events ...verifier.Event) string {
	t.Helper()
	var log lockedBuffer
	if err := audit.NewWarnings(slog.New(slog.NewTextHandler(&log, nil))).Tell(t.Context(), events...); err != nil {
		t.Error(err)
	}
	return log.String()
}

func TestAWarningIsGivenOfWhatAsksForAPerson(t *testing.T) {
	good, bad := verifier.Verdict{Valid: true}, verifier.Verdict{Reason: verifier.ReasonInvalid}
	after := func(failures int) verifier.Event {
		e := check("alice", good)
		e.Failures = failures
		return e
	}
	recent := func(n int, free bool) verifier.Event {
		e := check("alice", bad)
		e.Recent, e.Free = n, free
		return e
	}
	recovery := func(n int) verifier.Event {
		e := recent(n, true)
		e.Recovery = true
		return e
	}
	stopped, repeated := check("", bad), after(10)
	stopped.Stopped, stopped.Failures, stopped.Recent, repeated.Verdict.Repeated = true, 100, 100, true
	for name, c := range map[string]struct {
		event verifier.Event
		want  []string
	}{
		"after 10":                  {after(10), []string{"accepted after many", "account=alice", "failures=10"}},
		"after 9":                   {after(9), nil},
		"repeated":                  {repeated, nil},
		"50 in 30 days":             {recent(50, false), []string{"guessing", "account=alice", "failures_30_days=50"}},
		"49 in 30 days":             {recent(49, false), nil},
		"50, and a throttled guess": {recent(50, true), nil},
		"10 wrong recovery codes":   {recovery(10), []string{"recovery codes of the account", "account=alice", "recovery_failures_30_days=10"}},
		"11 wrong recovery codes":   {recovery(11), nil},
		"stopped":                   {stopped, []string{"stopped", "default=true", "failures_30_days=100"}},
	} {
		text := warned(t, c.event)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q lacks %q", name, text, want)
			}
		}
		if c.want == nil && text != "" {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestAWrongClockIsWarnedOfOnceAnHour(t *testing.T) {
	phones := func(n int, skews ...int) (all []verifier.Event) {
		for i := range n {
			e := check(fmt.Sprint("user", i), verifier.Verdict{Valid: true, SkewSteps: skews[i%len(skews)]})
			e.Time = moment.Add(time.Duration(i) * time.Second)
			all = append(all, e)
		}
		return all
	}
	one := phones(50, 1)
	for i := range one {
		one[i].Account = "alice"
	}
	for name, c := range map[string]struct {
		events []verifier.Event
		want   string
	}{
		"phones ahead":     {phones(300, 1), "clock seems to be behind"},
		"phones behind":    {phones(300, -1, -1, -1, -1, 0), "clock seems to be ahead"},
		"slow typists":     {phones(300, 0, -1, 0, -1), ""},
		"both directions":  {phones(300, 1, -1), ""},
		"a phone is wrong": {one, ""},
		"four phones":      {phones(4, 1), ""},
	} {
		text := warned(t, c.events...)
		if n := strings.Count(text, "clock"); c.want == "" && n > 0 || c.want != "" && (n != 1 || !strings.Contains(text, c.want)) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
