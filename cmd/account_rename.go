package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

func renameAction() action {
	return action{use: "rename OLD NEW", short: "Give an account another name; all else of it stays",
		doing: "renaming", example: "alice alice@example.com", args: cobra.ExactArgs(2), run: accountCommands.rename,
		long: `Gives an account another name. Its keys, what was used and charged, its recovery
codes and its enrolment link stay. Who asks for the old name is told that there is no
such account. Authenticators go on showing what they were given.`}
}

func (a accountCommands) rename(ctx context.Context, args []string) error {
	from, to := args[0], args[1]
	err := a.verifier.Rename(ctx, from, to)
	if _, bad := verifier.ParseAccount(from); bad == nil && (errors.Is(err, verifier.ErrExists) || errors.Is(err, verifier.ErrName)) {
		err = fmt.Errorf("to %s: %w", totp.QuoteName(to), err) // the new name is at fault
	}
	if errors.Is(err, verifier.ErrExists) {
		return hint.With(err, "give %s a name that no account has: `totpctl account list` shows the names", shown(from))
	}
	return err
}
