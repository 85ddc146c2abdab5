package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// rekey makes a pending second key, and with --revoke ends the old one at once.
func (a accountCommands) rekey(ctx context.Context, args []string) error {
	revoke, err := a.flags.GetBool("revoke")
	if err != nil {
		return err
	}
	e, err := a.verifier.Rekey(ctx, args[0], revoke)
	if err != nil {
		return err
	}
	if !revoke && !a.json {
		a.program.warn(sameLabel)
	}
	return unwritten("the secret is stored, but", "`totpctl account rekey` prints another", a.printEnrolment(e))
}

// sameLabel is for people, not for programs that read --json.
const sameLabel = "a phone with the old entry may replace it without asking when it scans the new QR code, because both have the same name: " +
	"from then on the phone's codes are good only after one of them has confirmed the new secret"

func (a accountCommands) printEnrolment(e verifier.Enrolment) error {
	body := api.EnrolmentOf(e, a.public)
	if a.json {
		return a.program.printJSON(body)
	}
	link := body.EnrolURL
	if link == "" {
		link = "none: set PUBLIC_URL to an https address (over plain http the link would expose the secret)"
	}
	_, err := fmt.Fprintf(a.program.out, "uri: %s\nlink for its owner: %s\nconfirm by: %s\n", body.URI, link, e.Until.Local().Format(zonedTime))
	return err
}

func (a accountCommands) confirm(ctx context.Context, args []string) error {
	code, err := a.program.readCode(args[1])
	if err != nil {
		return err
	}
	verdict, codes, err := a.verifier.Confirm(ctx, args[0], code, verifier.RequestID{})
	if err != nil {
		return coded{err, exitOfConfirm(err)}
	}
	err = a.program.printVerdict(api.VerdictOf(verdict, codes), checkForm{json: a.json})
	if verdict.Valid {
		err = unwritten("the key is confirmed, but the recovery codes", freshCodes, err)
	}
	return err
}

// exitOfConfirm returns the exit code for an error of Verifier.Confirm.
func exitOfConfirm(err error) int {
	switch {
	case errors.Is(err, verifier.ErrNoAccount):
		return exitNoAccount
	case errors.Is(err, verifier.ErrName), errors.Is(err, verifier.ErrNotPending), errors.Is(err, verifier.ErrSteam):
		return exitError
	}
	return exitNoAnswer
}

const freshCodes = "`totpctl account recovery-codes` prints fresh ones"

// unwritten wraps the error of a result that was lost after its change was made. way
// is the hint.
func unwritten(done, way string, err error) error {
	if err == nil {
		return nil
	}
	return hint.With(fmt.Errorf("%s could not be written: %w", done, err), "%s", way)
}

func (a accountCommands) recoveryCodes(ctx context.Context, args []string) error {
	if link, err := a.flags.GetBool("link"); err != nil || link {
		return errors.Join(err, a.recoveryLink(ctx, args[0]))
	}
	codes, err := a.verifier.RecoveryCodes(ctx, args[0])
	if err != nil {
		return err
	}
	return unwritten("the old recovery codes are void, but the fresh ones", freshCodes, a.printCodes(codes))
}

func (a accountCommands) recoveryLink(ctx context.Context, name string) error {
	if !api.HasLinks(a.public) {
		return hint.With(errors.New("no link: PUBLIC_URL is neither https nor this machine's"), "set PUBLIC_URL to an https address: over plain http the link would expose the codes")
	}
	l, err := a.verifier.RecoveryLink(ctx, name)
	if err != nil {
		return err
	}
	return unwritten("the link is made, but", "`totpctl account recovery-codes --link` makes another", a.printRecoveryLink(api.RecoveryLinkOf(l, a.public)))
}

func (a accountCommands) printRecoveryLink(l api.RecoveryLink) error {
	if a.json {
		return a.program.printJSON(l)
	}
	_, err := fmt.Fprintf(a.program.out, "link for its owner: %s\nopen by: %s\n", l.URL, l.Until.Local().Format(zonedTime))
	return err
}

// printCodes prints bare codes, one a line: they are the result.
func (a accountCommands) printCodes(codes []string) error {
	if a.json {
		return a.program.printJSON(api.RecoveryCodes{Codes: codes})
	}
	_, err := fmt.Fprintln(a.program.out, strings.Join(codes, "\n"))
	return err
}
