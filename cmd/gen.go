package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"totpctl/cmd/authenticator"
	"totpctl/cmd/hint"
	"totpctl/server/api"
)

// A genForm says which codes gen shows, and how.
type genForm struct {
	once, json, next bool
	all, clip        bool
	minValid         time.Duration
	at               string
	offset           time.Duration
}

func (p program) genCommand() *cobra.Command {
	var form genForm
	c := &cobra.Command{
		Use:   "gen [ACCOUNT|-]",
		Short: "Print the code now, and each time it changes",
		Long: `Prints the present code at once and then each code as its step begins, until it
is interrupted. On a terminal the present code counts down and past codes stay
above it; elsewhere it prints one bare code a line.

The codes are the default account's, or a stored one's on the machine that has
the database and ENCRYPTION_KEY. If standard output is a terminal, the beginning
of an account's name, issuer or label is enough, in any case.

With - the secret is on standard input, or asked for on a terminal; with
--secret-file it is in a file. It is a bare secret in the first line, or an
otpauth URI in any line. No configuration is read then, and nothing is written.

` + genAllHelp + "\n\n" + genClipHelp,
		Example: "  totpctl gen\n  totpctl gen --once | totpctl check -\n  totpctl gen --all\n  pass show github | totpctl gen - --once",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			clock, err := form.clock(c.Flags(), p.clock)
			if err != nil {
				return err
			}
			if form.all {
				return p.genAll(c, args, form, clock)
			}
			key, err := p.entryFor(c, args, isTerminal(p.out))
			if err != nil {
				return err
			}
			config := p.authenticator(key, form)
			config.Clock = clock
			return p.showCodes(c.Context(), config, form)
		},
	}
	form.addFlags(c)
	addEntryFlags(c)
	addAllFlag(c, &form.all)
	addClipFlag(c, &form.clip)
	return c
}

func (f *genForm) addFlags(c *cobra.Command) {
	flags := c.Flags()
	flags.BoolVar(&f.once, "once", false, "print one code and exit")
	flags.BoolVar(&f.json, "json", false, "print JSON objects with the code and its times")
	flags.BoolVar(&f.next, "next", false, "print the code of the next step, too, behind each code; --json has it always")
	flags.DurationVar(&f.minValid, "min-valid", 0, "begin with the next code if the present one lasts less than this `time`, such as 8s")
	flags.StringVar(&f.at, "at", "", "print the code of this `time` and exit: RFC 3339 or Unix seconds")
	flags.DurationVar(&f.offset, "offset", 0, "take a clock that is ahead by this `time`, such as 2m, or behind, such as -30s")
	c.MarkFlagsMutuallyExclusive("at", "offset")
	c.MarkFlagsMutuallyExclusive("at", "min-valid")
}

func (p program) showCodes(ctx context.Context, c authenticator.Config, f genForm) error {
	if err := p.awaitFresh(ctx, c, f.minValid); err != nil {
		return err
	}
	if f.clip {
		return p.clipNow(c)
	}
	if f.once || f.at != "" {
		return authenticator.Once(c)
	}
	ctx, stop := untilSignal()
	defer stop()
	return authenticator.Run(ctx, c)
}

// awaitFresh is ended by signals' own effect, so that a script whose gen was interrupted
// before it printed a code does not see a success.
func (p program) awaitFresh(ctx context.Context, c authenticator.Config, atLeast time.Duration) error {
	if period := c.Entry.Key.Period(); atLeast < 0 || atLeast >= period {
		return hint.With(fmt.Errorf("reading --min-valid: it is %v, and a code lasts %v", atLeast, period), "--min-valid must be less than what a code lasts, and not below 0")
	}
	return authenticator.Fresh(ctx, c, atLeast, func(wait time.Duration) {
		if isTerminal(p.errOut) {
			p.warn(fmt.Sprintf("the next code comes in %d s: the present one lasts less than %v", api.Seconds(wait), atLeast))
		}
	})
}

// clock returns the clock that --at or --offset asks for, else now.
func (f genForm) clock(flags *pflag.FlagSet, now func() time.Time) (func() time.Time, error) {
	if flags.Changed("at") {
		at, err := parseTime(f.at)
		if err != nil {
			return nil, hint.With(fmt.Errorf("reading --at: %w", err), "--at is a time such as 2026-03-01T12:00:00Z, or seconds since 1970 such as 1772366400")
		}
		return func() time.Time { return at }, nil
	}
	shifted := func() time.Time { return now().Add(f.offset) }
	if f.offset != 0 && shifted().Unix() < 0 {
		return nil, hint.With(errors.New("reading --offset: the clock would be before 1970"), "codes begin in 1970: --offset may not reach back that far")
	}
	return shifted, nil
}

// lastSecond is the last one of the year 9999, and of RFC 3339.
const lastSecond = 253402300799

// parseTime reads a time from 1970 to 9999.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if seconds, errInt := strconv.ParseInt(text, 10, 64); errInt == nil {
		t, err = time.Unix(seconds, 0).UTC(), nil
	}
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("time is %q: want RFC 3339 or Unix seconds", text)
	case t.Unix() < 0:
		return time.Time{}, errors.New("time is before 1970")
	case t.Unix() > lastSecond:
		return time.Time{}, errors.New("time is after the year 9999")
	}
	return t, nil
}

func (p program) authenticator(key keyEntry, f genForm) authenticator.Config {
	c := authenticator.Config{Entry: key.Entry, Name: key.name, Clock: p.clock, Out: p.out, Next: f.next}
	switch {
	case f.json:
		c.Display = authenticator.JSON
	case isTerminal(p.out) && os.Getenv("TERM") != "dumb":
		c.Display = authenticator.Live
		c.Color = os.Getenv("NO_COLOR") == ""
		c.Width = func() int {
			columns, _, _ := term.GetSize(int(p.out.Fd())) // 0: its size is unknown
			return columns
		}
	}
	return c
}
