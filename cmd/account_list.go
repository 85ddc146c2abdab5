package cmd

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/totp/verifier"
)

const listPage = 500

// zonedTime is how account prints times to people. An abbreviation, such as CST, would name
// several zones.
const zonedTime = time.DateTime + " -07:00"

// listFlags are --prefix and --status.
func listFlags(f *pflag.FlagSet) {
	f.String("prefix", "", "list the accounts alone whose names begin with `TEXT`")
	f.String("status", "", "list the accounts alone of this `STATUS`, such as disabled, or held, not_set_up, no_recovery_codes")
}

// filterNames are what --status takes.
func filterNames() (names []string) {
	for _, f := range verifier.Filters() {
		names = append(names, string(f))
	}
	return names
}

func readList(f *pflag.FlagSet) (q verifier.Query, err error) {
	q.Default = true
	if q.Prefix, err = f.GetString("prefix"); err != nil {
		return q, err
	}
	if err := verifier.CheckPrefix(q.Prefix); err != nil {
		return q, hint.With(fmt.Errorf("reading --prefix: %w", err), "give the first letters of a name")
	}
	status, err := f.GetString("status")
	if err != nil || !f.Changed("status") {
		return q, err
	}
	if q.Only, err = verifier.ParseFilter(status); err != nil {
		return q, hint.With(fmt.Errorf("reading --status: no accounts have status %q", printable(status)), "%s", err)
	}
	return q, nil
}

// list shows the default account first, if there is one and it is asked for.
func (a accountCommands) list(ctx context.Context, _ []string) error {
	query, err := readList(a.flags)
	if err != nil {
		return err
	}
	t := a.table()
	for {
		page, next, err := a.verifier.List(ctx, query, listPage)
		if err != nil {
			return err
		}
		for _, i := range page {
			if err := a.printInfo(t, i); err != nil {
				return err
			}
		}
		if err := t.Flush(); err != nil || next == "" {
			return err
		}
		query.From = next
	}
}

func (a accountCommands) show(ctx context.Context, args []string) error {
	info, err := a.verifier.Show(ctx, first(args))
	if err != nil {
		return err
	}
	t := a.table()
	if err := errors.Join(a.printInfo(t, info), t.Flush()); err != nil || a.json {
		return err
	}
	return a.printNotes(info)
}

// printNotes prints what has no room in the table.
func (a accountCommands) printNotes(i verifier.Info) error {
	for _, note := range notes(i) {
		if _, err := fmt.Fprintln(a.program.out, note); err != nil {
			return err
		}
	}
	return nil
}

func notes(i verifier.Info) (all []string) {
	add := func(format string, t time.Time, more ...any) {
		all = append(all, fmt.Sprintf(format, append([]any{t.Local().Format(zonedTime)}, more...)...))
	}
	if i.Recent.Failures > 0 {
		add("wrong codes since %s: %d; good codes do not clear this count, it begins anew after 30 days", i.Recent.Since, i.Recent.Failures)
	}
	if !i.PendingWaitUntil.IsZero() {
		add("codes of the pending key are not looked at until %s, after %d wrong ones in a row; `totpctl account unlock` ends that", i.PendingWaitUntil, i.PendingFailures)
	}
	if i.RecentRecovery.Failures > 0 {
		add("wrong recovery codes since %s: %d; nothing clears this count, it begins anew after 30 days", i.RecentRecovery.Since, i.RecentRecovery.Failures)
	}
	if !i.RekeyedAt.IsZero() {
		add("a recovery code brought in this key at %s: if that was not the owner, `totpctl account rekey --revoke` ends the key", i.RekeyedAt)
	}
	if !i.RefusedUntil.IsZero() {
		add("codes are refused until %s: one was accepted while the clock was ahead; `totpctl account unlock` ends that", i.RefusedUntil)
	}
	return all
}

func (a accountCommands) table() *tabwriter.Writer {
	t := tabwriter.NewWriter(a.program.out, 0, 0, 2, ' ', 0)
	if !a.json {
		fmt.Fprintln(t, "ACCOUNT\tSTATUS\tFAILURES\tRECOVERY CODES\tUNTIL")
	}
	return t
}

// linkText returns what the table tells of a pending key behind its time: nothing without one.
func linkText(i verifier.Info) string {
	if i.PendingUntil.IsZero() {
		return codesLinkText(i)
	}
	text := ", link unopened"
	if i.Opened {
		text = ", link opened"
	}
	if i.PendingFailures > 0 {
		text += fmt.Sprintf(", wrong codes: %d", i.PendingFailures)
	}
	return text
}

func codesLinkText(i verifier.Info) string {
	switch {
	case i.CodesUntil.IsZero():
		return ""
	case i.CodesOpened:
		return ", link for recovery codes opened"
	}
	return ", link for recovery codes unopened"
}

func (a accountCommands) printInfo(t *tabwriter.Writer, i verifier.Info) error {
	if a.json {
		return a.program.printJSON(api.AccountOf(i))
	}
	until := i.WaitUntil
	if until.IsZero() {
		until = i.PendingUntil
	}
	if until.IsZero() {
		until = i.CodesUntil
	}
	text := "-"
	if !until.IsZero() {
		text = until.Local().Format(zonedTime)
	}
	text += linkText(i)
	name := shown(i.Name)
	if i.Name == "" {
		name = "(default)"
	}
	_, err := fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\n", name, i.Status, i.Failures, i.RecoveryLeft, text)
	return err
}
