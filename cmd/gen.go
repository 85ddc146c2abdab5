package cmd

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"totpctl/cmd/authenticator"
	"totpctl/totp"
)

func (p program) genCommand() *cobra.Command {
	var once, json bool
	c := &cobra.Command{
		Use:   "gen [ACCOUNT]",
		Short: "Print the code now, and each time it changes",
		Long: `Prints the present code at once and then each code as its step begins, until it
is interrupted. On a terminal the present code counts down and past codes stay
above it; elsewhere it prints one bare code a line.

The codes are the default account's, or a stored one's on the machine that has
the database and ENCRYPTION_KEY.`,
		Example: "  totpctl gen\n  totpctl gen --once | totpctl check -",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := p.readSettings(c)
			if err != nil {
				return err
			}
			key, err := p.entryFor(c, s, args)
			if err != nil {
				return err
			}
			config := p.authenticator(key, json)
			if once {
				return authenticator.Once(config)
			}
			ctx, stop := untilSignal()
			defer stop()
			return authenticator.Run(ctx, config)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "print one code and exit")
	c.Flags().BoolVar(&json, "json", false, "print JSON objects with the code and its times")
	addEntryFlags(c)
	return c
}

func (p program) authenticator(e totp.Entry, json bool) authenticator.Config {
	c := authenticator.Config{Entry: e, Clock: p.clock, Out: p.out}
	switch {
	case json:
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
